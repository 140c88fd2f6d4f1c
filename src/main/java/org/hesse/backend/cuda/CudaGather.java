package org.hesse.backend.cuda;

import org.hesse.backend.Indices;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Reads elements where indices say, a thread for each; for some of them, up to 16 bytes, where they
 * lie one after another.
 */
final class CudaGather implements Prepared {
  private static final int THREADS = 256;
  private static final int MOST_BYTES = 16;

  private final Launch launch;

  CudaGather(CudaContext context, Step.Gather step, Faults faults) {
    int bytes = Domains.bytes(step.out().slot().dtype());
    int width = width(step, bytes);
    int[] domain = step.domain().clone();
    int last = domain.length - 1;
    if (width > 1) {
      domain[last] /= width;
    }
    long size = Domains.size(domain);
    int extent = step.extent();
    int fault = faults.code(index -> Indices.outside(index, extent));
    this.launch =
        new Launch(
            context.kernel("gather.cu", "gather_" + bytes * width),
            Launch.Grid.of(Math.ceilDiv(size, THREADS), THREADS),
            new Argument.Address(step.in()),
            new Argument.Address(step.at()),
            new Argument.Address(step.out()),
            Domains.axes(domain),
            Domains.strides(
                narrowed(step.in(), width), step.at().strides(), narrowed(step.out(), width)),
            new Argument.I64(size),
            new Argument.I32(extent),
            new Argument.I64(step.stride() / width),
            new Argument.Status(),
            new Argument.I32(fault));
  }

  /** How many neighbouring elements of a row may be moved as one. */
  private static int width(Step.Gather step, int bytes) {
    int[] domain = step.domain();
    int last = domain.length - 1;
    if (last < 0
        || step.at().strides()[last] != 0
        || step.in().strides()[last] != 1
        || step.out().strides()[last] != 1) {
      return 1;
    }
    for (int width = MOST_BYTES / bytes; width > 1; width /= 2) {
      if (width * bytes != 2
          && domain[last] % width == 0
          && step.stride() % width == 0
          && Domains.isAligned(step.in(), domain, last, width)
          && Domains.isAligned(step.out(), domain, last, width)) {
        return width;
      }
    }
    return 1;
  }

  /** Strides in units of so many elements, in the last axis of which these are. */
  private static long[] narrowed(View view, int width) {
    long[] strides = view.strides().clone();
    for (int a = 0; a < strides.length - 1; a++) {
      strides[a] /= width;
    }
    return strides;
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
  }
}
