package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Adds overlapping windows up, in double precision and in the order of the places in the window.
 * Where many elements lie behind the axis, each element of the result collects its terms, a block
 * at a time; otherwise a whole row of the result is summed in an array of its own.
 */
final class OverlapAddStep implements Prepared {
  private static final int TASK_SIZE = 1 << 14;

  /** With fewer elements behind the axis a row is summed at once. */
  private static final int WIDE = 32;

  private final Step.Fold step;
  private final DType dtype;
  private final int positions;
  private final int window;
  private final int lanes;
  private final long rows;

  /** Over the outer axes, places in the window, positions, and the rest. */
  private final Strided in;

  private final Strided out;

  OverlapAddStep(Step.Fold step) {
    this.step = step;
    this.dtype = step.out().slot().dtype();
    int[] domain = step.domain();
    int at = step.outer();
    this.positions = domain[at];
    this.window = domain[at + 1];
    this.rows = BlockProgram.size(java.util.Arrays.copyOf(domain, at));
    this.lanes = Math.toIntExact(BlockProgram.size(domain) / rows / positions / window);
    int[] d = domain.clone();
    long[] s = step.in().strides().clone();
    d[at] = window;
    d[at + 1] = positions;
    s[at] = step.in().strides()[at + 1];
    s[at + 1] = step.in().strides()[at];
    this.in = Strided.of(d, new View(step.in().slot(), step.in().offset(), s));
    int[] to = new int[d.length - 1];
    System.arraycopy(d, 0, to, 0, at);
    to[at] = step.extent();
    System.arraycopy(d, at + 2, to, at + 1, d.length - at - 2);
    this.out = Strided.of(to, step.out());
  }

  @Override
  public void run(Memory memory) {
    Object from = memory.array(step.in().slot());
    Object to = memory.array(step.out().slot());
    boolean wide = lanes >= WIDE;
    long units = wide ? rows * step.extent() : rows;
    long work = (long) positions * window * lanes / (wide ? step.extent() : 1);
    long perTask = Math.max(1, TASK_SIZE / Math.max(1, work));
    Workers.run(
        Math.toIntExact((units + perTask - 1) / perTask),
        task -> {
          long end = Math.min(units, (task + 1) * perTask);
          for (long u = task * perTask; u < end; u++) {
            if (wide) {
              collect(from, to, u / step.extent(), (int) (u % step.extent()));
            } else {
              row(from, to, u);
            }
          }
        });
  }

  /** One element of the axis, with all that lies behind. */
  private void collect(Object from, Object to, long row, int k) {
    Frame frame = Frame.current();
    Object block = frame.result(dtype);
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    double[] sums = frame.sums;
    for (int lane = 0; lane < lanes; lane += BlockProgram.BLOCK) {
      int n = Math.min(BlockProgram.BLOCK, lanes - lane);
      java.util.Arrays.fill(sums, 0, n, 0);
      for (int w = 0; w < window; w++) {
        long offset = k - (long) w * step.dilation();
        long p = offset / step.stride();
        if (offset >= 0 && p < positions && p * step.stride() == offset) {
          in.gather(from, ((row * window + w) * positions + p) * lanes + lane, n, block);
          CastKernel.cast(block, 0, numbers, 0, n);
          for (int i = 0; i < n; i++) {
            sums[i] += numbers[i];
          }
        }
      }
      Arrays.round(sums, 0, block, 0, n);
      out.scatter(block, 0, (row * step.extent() + k) * lanes + lane, n, to);
    }
  }

  private void row(Object from, Object to, long row) {
    Frame frame = Frame.current();
    Object block = frame.result(dtype);
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    int size = Math.multiplyExact(step.extent(), lanes);
    double[] sums = (double[]) frame.panel(DType.F64, size);
    java.util.Arrays.fill(sums, 0, size, 0);
    int most = BlockProgram.BLOCK / lanes;
    for (int w = 0; w < window; w++) {
      for (int p = 0, n; p < positions; p += n) {
        n = Math.min(most, positions - p);
        in.gather(from, ((row * window + w) * positions + p) * lanes, n * lanes, block);
        CastKernel.cast(block, 0, numbers, 0, n * lanes);
        int first = p * step.stride() + w * step.dilation();
        for (int i = 0; i < n; i++) {
          int at = (first + i * step.stride()) * lanes;
          for (int l = 0; l < lanes; l++) {
            sums[at + l] += numbers[i * lanes + l];
          }
        }
      }
    }
    for (int i = 0, n; i < size; i += n) {
      n = Math.min(BlockProgram.BLOCK, size - i);
      Arrays.round(sums, i, block, 0, n);
      out.scatter(block, 0, row * size + i, n, to);
    }
  }
}
