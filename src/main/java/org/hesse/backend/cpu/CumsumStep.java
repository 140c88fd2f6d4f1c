package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Running sums, formed in double precision. Goes along each row where a row is what is contiguous,
 * and through many rows at once where neighbouring rows are.
 */
final class CumsumStep implements Prepared {
  private static final int TASK_SIZE = 1 << 14;

  /** With fewer neighbouring rows each is summed by itself. */
  private static final int MIN_LANES = 8;

  private final Step.Cumsum step;
  private final DType dtype;
  private final int length;
  private final int lanes;
  private final Strided in;
  private final Strided out;
  private final long rows;

  CumsumStep(Step.Cumsum step) {
    this.step = step;
    this.dtype = step.out().slot().dtype();
    int[] domain = step.domain();
    int last = domain.length - 1;
    this.length = domain[last];
    boolean across =
        last > 0
            && domain[last - 1] >= MIN_LANES
            && Math.abs(step.in().strides()[last - 1]) < Math.abs(step.in().strides()[last]);
    this.lanes = across ? domain[last - 1] : 1;
    this.rows = BlockProgram.size(domain) / length / lanes;
    this.in = strided(domain, step.in(), across);
    this.out = strided(domain, step.out(), across);
  }

  /** The view with its last two axes exchanged if so asked. */
  private static Strided strided(int[] domain, View view, boolean exchanged) {
    int[] d = domain.clone();
    long[] s = view.strides().clone();
    int last = d.length - 1;
    if (exchanged) {
      d[last] = domain[last - 1];
      d[last - 1] = domain[last];
      s[last] = view.strides()[last - 1];
      s[last - 1] = view.strides()[last];
    }
    return Strided.of(d, new View(view.slot(), view.offset(), s));
  }

  @Override
  public void run(Memory memory) {
    Object from = memory.array(step.in().slot());
    Object to = memory.array(step.out().slot());
    if (lanes == 1) {
      int perTask = Math.max(1, TASK_SIZE / length);
      Workers.run(
          Math.toIntExact((rows + perTask - 1) / perTask),
          task -> {
            long end = Math.min(rows, (long) (task + 1) * perTask);
            for (long r = (long) task * perTask; r < end; r++) {
              along(from, to, r * length);
            }
          });
    } else {
      int chunks = (lanes + BlockProgram.BLOCK - 1) / BlockProgram.BLOCK;
      Workers.run(
          Math.toIntExact(rows * chunks),
          task -> {
            int first = task % chunks * BlockProgram.BLOCK;
            long start = (long) (task / chunks) * length * lanes + first;
            across(from, to, start, Math.min(BlockProgram.BLOCK, lanes - first));
          });
    }
  }

  /** One row, block by block. */
  private void along(Object from, Object to, long start) {
    Frame frame = Frame.current();
    Object block = frame.result(dtype);
    double[] sums = frame.sums;
    double sum = 0;
    for (int at = 0, n; at < length; at += n) {
      n = Math.min(BlockProgram.BLOCK, length - at);
      in.gather(from, start + at, n, block);
      CastKernel.cast(block, 0, sums, 0, n);
      for (int i = 0; i < n; i++) {
        sum += sums[i];
        sums[i] = sum;
      }
      sum = wrapped(sum);
      Arrays.round(sums, 0, block, 0, n);
      out.scatter(block, 0, start + at, n, to);
    }
  }

  /** At most a block of rows, one element of each after the other. */
  private void across(Object from, Object to, long start, int n) {
    Frame frame = Frame.current();
    Object block = frame.result(dtype);
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    double[] sums = frame.sums;
    java.util.Arrays.fill(sums, 0, n, 0);
    for (int k = 0; k < length; k++) {
      long at = start + (long) k * lanes;
      in.gather(from, at, n, block);
      CastKernel.cast(block, 0, numbers, 0, n);
      for (int i = 0; i < n; i++) {
        sums[i] = wrapped(sums[i] + numbers[i]);
      }
      Arrays.round(sums, 0, block, 0, n);
      out.scatter(block, 0, at, n, to);
    }
  }

  /** Sums of I32 keep their low bits, within what a double holds exactly. */
  private double wrapped(double sum) {
    return dtype == DType.I32 ? (int) (long) sum : sum;
  }
}
