package org.hesse.backend.cuda;

import org.hesse.backend.Step;

/** Random words, the same as on the CPU; two for each thread. */
final class CudaRandomBits implements Prepared {
  private static final int THREADS = 256;

  private final Launch launch;

  CudaRandomBits(CudaContext context, Step.RandomBits step) {
    long pairs = Math.multiplyExact(step.keys(), Math.ceilDiv(step.count(), 2));
    this.launch =
        new Launch(
            context.kernel("random.cu", "random_bits"),
            Launch.Grid.of(Math.ceilDiv(pairs, THREADS), THREADS),
            new Argument.Address(step.key()),
            new Argument.Address(step.out()),
            new Argument.I64(step.count()),
            new Argument.I64(pairs));
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
  }
}
