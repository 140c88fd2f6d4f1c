package org.hesse.backend.cpu;

import java.util.List;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.jspecify.annotations.Nullable;

/** A composite whose items are rows: some rows are a task, and each is gone over in cache. */
final class RowStep implements Prepared {
  /** So many elements are worth a task. */
  private static final int TASK_SIZE = 1 << 14;

  private final Step.Composite step;
  private final List<Step.Items> operands;
  private final RowKernel kernel;
  private final long rows;
  private final int columns;
  private final int atOnce;

  RowStep(Step.Composite step) {
    this(step, step.operands(), isFloat(step) ? RowsF32.of(step.kind()) : RowsF64.of(step.kind()));
  }

  private RowStep(Step.Composite step, List<Step.Items> operands, RowKernel kernel) {
    this.step = step;
    this.operands = operands;
    this.kernel = kernel;
    this.rows = BlockProgram.size(step.batch());
    this.columns = operands.get(0).item()[0];
    this.atOnce = kernel.atOnce(columns);
  }

  /**
   * A norm and the moments of its rows, as its derivative wants them, which are so computed once;
   * null if the steps are something else. Neither may write over what the other one reads.
   */
  static @Nullable RowStep withMoments(Step norm, Step moments) {
    if (norm instanceof Step.Composite n
        && n.kind() instanceof CompositeKind.Normalize kind
        && moments instanceof Step.Composite m
        && m.kind().equals(new CompositeKind.Moments(kind.centred(), kind.epsilon()))
        && java.util.Arrays.equals(n.batch(), m.batch())
        && isSame(n.operands().get(0), m.operands().get(0))) {
      var operands = Stream.concat(n.operands().stream(), Stream.of(m.out())).toList();
      boolean f32 = isFloat(n);
      return new RowStep(n, operands, f32 ? RowsF32.withMoments(kind) : RowsF64.withMoments(kind));
    }
    return null;
  }

  private static boolean isFloat(Step.Composite step) {
    return step.out().view().slot().dtype() == DType.F32;
  }

  private static boolean isSame(Step.Items a, Step.Items b) {
    return a.view().slot().equals(b.view().slot())
        && a.view().offset() == b.view().offset()
        && java.util.Arrays.equals(a.view().strides(), b.view().strides())
        && java.util.Arrays.equals(a.item(), b.item());
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
    int count = operands.size();
    Object[] in = new Object[count];
    for (int i = 0; i < count; i++) {
      in[i] = memory.array(operands.get(i).view().slot());
    }
    Object out = memory.array(step.out().view().slot());
    int most = (int) Math.min(atOnce, to - from);
    int[][] at = new int[most][count + 1];
    for (long first = from; first < to; first += most) {
      int some = (int) Math.min(most, to - first);
      for (int k = 0; k < some; k++) {
        for (int i = 0; i < count; i++) {
          at[k][i] = begin(step.batch(), operands.get(i).view(), first + k);
        }
        at[k][count] = begin(step.batch(), step.out().view(), first + k);
      }
      kernel.run(in, at, out, columns, some);
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
