package org.hesse.backend.cuda;

import org.hesse.backend.Step;

/**
 * Adds overlapping windows up, in double precision: every element of the result collects its terms,
 * in the order of the places in the window.
 */
final class CudaFold implements Prepared {
  private static final int THREADS = 256;

  private final Launch launch;

  CudaFold(CudaContext context, Step.Fold step) {
    int axis = step.outer();
    int[] domain = step.domain();
    int[] to = new int[domain.length - 1];
    long[] from = new long[to.length];
    for (int a = 0; a < to.length; a++) {
      int source = a <= axis ? a : a + 1;
      to[a] = a == axis ? step.extent() : domain[source];
      from[a] = a == axis ? 0 : step.in().strides()[source];
    }
    long size = Domains.size(to);
    this.launch =
        new Launch(
            context.kernel("fold.cu", "fold" + Domains.suffix(step.out().slot().dtype())),
            Launch.Grid.of(Math.ceilDiv(size, THREADS), THREADS),
            new Argument.Address(step.in()),
            new Argument.Address(step.out()),
            Domains.axes(to),
            Domains.strides(from, step.out().strides()),
            new Argument.I64s(
                size,
                axis,
                domain[axis],
                domain[axis + 1],
                step.stride(),
                step.dilation(),
                step.in().strides()[axis],
                step.in().strides()[axis + 1]));
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
  }
}
