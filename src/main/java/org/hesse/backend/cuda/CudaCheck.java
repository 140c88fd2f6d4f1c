package org.hesse.backend.cuda;

import org.hesse.backend.Step;

/** Looks at flags. */
final class CudaCheck implements Prepared {
  private static final int THREADS = 256;

  private final Launch launch;

  CudaCheck(CudaContext context, Step.Check step, Faults faults) {
    long blocks = Math.ceilDiv(step.count(), (long) THREADS);
    this.launch =
        new Launch(
            context.kernel("runtime.cu", "hesse_check"),
            Launch.Grid.of(Math.min(blocks, 4L * context.multiprocessors()), THREADS),
            new Argument.Address(step.flags()),
            new Argument.I64(step.count()),
            new Argument.Status(),
            new Argument.I32(faults.code(value -> new ArithmeticException(step.message()))));
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
  }
}
