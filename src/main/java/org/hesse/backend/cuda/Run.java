package org.hesse.backend.cuda;

import jcuda.driver.CUstream;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.View;

/** Where one run of a plan finds its memory. */
final class Run {
  private final CudaContext context;
  private final Workspace workspace;
  private final boolean steady;
  private final Bound bound;
  private boolean inSection;

  /** Where inputs and outputs are: what a captured graph depends on. */
  record Bound(long[] inputs, long[] outputs) {
    @Override
    public boolean equals(Object o) {
      return o instanceof Bound b
          && java.util.Arrays.equals(inputs, b.inputs)
          && java.util.Arrays.equals(outputs, b.outputs);
    }

    @Override
    public int hashCode() {
      return 31 * java.util.Arrays.hashCode(inputs) + java.util.Arrays.hashCode(outputs);
    }
  }

  /**
   * @param steady whether there are likely to be more runs with these places
   */
  Run(CudaContext context, Workspace workspace, boolean steady, Bound bound) {
    this.context = context;
    this.workspace = workspace;
    this.steady = steady;
    this.bound = bound;
  }

  /** The device that it runs on. */
  CudaContext context() {
    return context;
  }

  /** The stream that everything is enqueued on. */
  CUstream stream() {
    return context.stream();
  }

  /** Where inputs and outputs are. */
  Bound bound() {
    return bound;
  }

  /** Whether inputs and outputs are likely to be in these places again. */
  boolean isSteady() {
    return steady;
  }

  /** Whether a {@link Section} enqueues its steps, whose inner sections are then part of it. */
  boolean inSection() {
    return inSection;
  }

  void setInSection(boolean inSection) {
    this.inSection = inSection;
  }

  /** The device address of a view's element of index 0. */
  long address(View view) {
    Slot slot = view.slot();
    DType dtype = slot.dtype();
    return base(slot) + (slot.offset() + view.offset()) * dtype.bytes();
  }

  private long base(Slot slot) {
    return switch (slot.space()) {
      case INPUT -> bound.inputs[slot.index()];
      case OUTPUT -> bound.outputs[slot.index()];
      case ARENA -> workspace.arena(slot.dtype());
    };
  }

  /** The device address of the scratch memory that steps share, aligned to 256 bytes. */
  long scratch() {
    return workspace.scratch();
  }

  /** The device address of memory reserved from {@link Locals}. */
  long local(long offset) {
    return workspace.locals() + offset;
  }

  /** The device address of the run's {@code HesseStatus}, where kernels report errors. */
  long status() {
    return context.ledger().status();
  }
}
