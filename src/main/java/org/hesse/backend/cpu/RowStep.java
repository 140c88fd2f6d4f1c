package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** A composite whose items are rows: some rows are a task, and each is gone over in cache. */
final class RowStep implements Prepared {
  /** So many elements are worth a task. */
  private static final int TASK_SIZE = 1 << 14;

  private final Step.Composite step;
  private final RowKernel kernel;
  private final long rows;
  private final int columns;

  RowStep(Step.Composite step) {
    this.step = step;
    boolean f32 = step.out().view().slot().dtype() == DType.F32;
    this.kernel = f32 ? RowsF32.of(step.kind()) : RowsF64.of(step.kind());
    this.rows = BlockProgram.size(step.batch());
    this.columns = step.operands().get(0).item()[0];
  }

  @Override
  public void run(Memory memory) {
    int perTask = Math.max(1, TASK_SIZE / columns);
    Workers.run(
        Math.toIntExact((rows + perTask - 1) / perTask),
        task -> run(memory, (long) task * perTask, Math.min(rows, (long) (task + 1) * perTask)));
  }

  /** Does rows from … to−1. */
  void run(Memory memory, long from, long to) {
    int count = step.operands().size();
    Object[] in = new Object[count];
    for (int i = 0; i < count; i++) {
      in[i] = memory.array(step.operands().get(i).view().slot());
    }
    Object out = memory.array(step.out().view().slot());
    int[] at = new int[count];
    for (long r = from; r < to; r++) {
      for (int i = 0; i < count; i++) {
        at[i] = begin(step.batch(), step.operands().get(i).view(), r);
      }
      kernel.run(in, at, out, begin(step.batch(), step.out().view(), r), columns);
    }
  }

  /** Where an item of a batch begins. */
  static int begin(int[] batch, View view, long item) {
    long at = view.slot().offset() + view.offset();
    long rest = item;
    for (int a = batch.length - 1; a > 0; a--) {
      at += rest % batch[a] * view.strides()[a];
      rest /= batch[a];
    }
    return (int) (batch.length == 0 ? at : at + rest * view.strides()[0]);
  }
}
