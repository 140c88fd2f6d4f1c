package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** Finds the first maximum of each row; NaN counts as largest. */
final class ArgMaxStep implements Prepared {
  private static final int TASK_SIZE = 1 << 14;

  private final Step.ArgMax step;
  private final Strided in;
  private final Strided out;
  private final int length;
  private final long rows;

  ArgMaxStep(Step.ArgMax step) {
    this.step = step;
    int[] domain = step.domain();
    int[] kept = java.util.Arrays.copyOf(domain, domain.length - 1);
    this.length = domain[domain.length - 1];
    this.rows = BlockProgram.size(kept);
    this.in = Strided.of(domain, step.in());
    View to = step.out();
    this.out = Strided.of(kept, to);
  }

  @Override
  public void run(Memory memory) {
    Object from = memory.array(step.in().slot());
    int[] to = (int[]) memory.array(step.out().slot());
    int perTask = Math.max(1, TASK_SIZE / length);
    Workers.run(
        Math.toIntExact((rows + perTask - 1) / perTask),
        task -> {
          long end = Math.min(rows, (long) (task + 1) * perTask);
          for (long r = (long) task * perTask; r < end; r++) {
            to[(int) out.position(r)] = first(from, r * length);
          }
        });
  }

  /** Goes through a row block by block, as doubles, in which every dtype is exact. */
  private int first(Object from, long start) {
    Frame frame = Frame.current();
    Object block = frame.result(step.in().slot().dtype());
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    int best = 0;
    double max = Double.NEGATIVE_INFINITY;
    for (int at = 0, n; at < length; at += n) {
      n = Math.min(BlockProgram.BLOCK, length - at);
      in.gather(from, start + at, n, block);
      CastKernel.cast(block, 0, numbers, 0, n);
      for (int i = 0; i < n; i++) {
        double v = numbers[i];
        if (v > max) {
          max = v;
          best = at + i;
        } else if (Double.isNaN(v)) {
          return at + i;
        }
      }
    }
    return best;
  }
}
