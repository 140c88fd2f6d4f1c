package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Indices;
import org.hesse.backend.Step;

/**
 * Adds elements up where indices say, in double precision and in the order of the indices, however
 * the work is shared. Wide parts are sorted by index first, so that each sum is formed in a block
 * and written once; narrow ones go straight into an array of sums.
 */
final class ScatterAddStep implements Prepared {
  private static final int TASK_SIZE = 1 << 14;

  /** Up to so many elements to an index are narrow. */
  private static final int NARROW = 8;

  private final Step.ScatterAdd step;
  private final DType dtype;
  private final Strided in;
  private final Strided at;
  private final Strided out;
  private final long batches;
  private final int count;
  private final int lanes;

  ScatterAddStep(Step.ScatterAdd step) {
    this.step = step;
    this.dtype = step.out().slot().dtype();
    int[] domain = step.domain();
    int last = step.batch() + step.indices();
    this.batches = BlockProgram.size(java.util.Arrays.copyOf(domain, step.batch()));
    this.count =
        Math.toIntExact(
            BlockProgram.size(java.util.Arrays.copyOfRange(domain, step.batch(), last)));
    this.lanes =
        Math.toIntExact(
            BlockProgram.size(java.util.Arrays.copyOfRange(domain, last, domain.length)));
    this.in = Strided.of(domain, step.in());
    this.at = Strided.of(java.util.Arrays.copyOf(domain, last), step.at());
    this.out = Strided.of(outDomain(step, last), step.out());
  }

  /** The batch axes, the one that is indexed and the rest. */
  private static int[] outDomain(Step.ScatterAdd step, int last) {
    int[] domain = step.domain();
    int[] d = new int[step.batch() + 1 + domain.length - last];
    System.arraycopy(domain, 0, d, 0, step.batch());
    d[step.batch()] = step.extent();
    System.arraycopy(domain, last, d, step.batch() + 1, domain.length - last);
    return d;
  }

  @Override
  public void run(Memory memory) {
    long work = ((long) count + step.extent()) * lanes;
    int perTask = (int) Math.max(1, TASK_SIZE / work);
    Workers.run(
        Math.toIntExact((batches + perTask - 1) / perTask),
        task -> {
          long end = Math.min(batches, (long) (task + 1) * perTask);
          for (long b = (long) task * perTask; b < end; b++) {
            if (lanes <= NARROW) {
              narrow(memory, b);
            } else {
              wide(memory, b);
            }
          }
        });
  }

  private void narrow(Memory memory, long b) {
    Frame frame = Frame.current();
    Object from = memory.array(step.in().slot());
    Object block = frame.result(dtype);
    int[] indices = (int[]) frame.register(DType.I32, 0);
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    int size = Math.multiplyExact(step.extent(), lanes);
    double[] sums = (double[]) frame.panel(DType.F64, size);
    java.util.Arrays.fill(sums, 0, size, 0);
    int most = BlockProgram.BLOCK / lanes;
    for (int i = 0, n; i < count; i += n) {
      n = Math.min(most, count - i);
      at.gather(memory.array(step.at().slot()), b * count + i, n, indices);
      in.gather(from, (b * count + i) * lanes, n * lanes, block);
      CastKernel.cast(block, 0, numbers, 0, n * lanes);
      for (int j = 0; j < n; j++) {
        add(numbers, j * lanes, sums, Indices.checked(indices[j], step.extent()) * lanes, lanes);
      }
    }
    for (int i = 0, n; i < size; i += n) {
      n = Math.min(BlockProgram.BLOCK, size - i);
      Arrays.round(sums, i, block, 0, n);
      out.scatter(block, 0, b * size + i, n, memory.array(step.out().slot()));
    }
  }

  /** Adds n numbers to as many sums; those of I32 keep the bits that a double holds exactly. */
  private void add(double[] numbers, int from, double[] sums, int to, int n) {
    if (dtype == DType.I32) {
      for (int l = 0; l < n; l++) {
        sums[to + l] = (int) (long) (sums[to + l] + numbers[from + l]);
      }
      return;
    }
    for (int l = 0; l < n; l++) {
      sums[to + l] += numbers[from + l];
    }
  }

  private void wide(Memory memory, long b) {
    int[] indices = (int[]) memory.array(step.at().slot());
    int extent = step.extent();
    int[] sorted = (int[]) Frame.current().shared(DType.I32, extent + 1 + count);
    sort(indices, b, sorted);
    long work = Math.max(1, ((long) count + extent) * lanes / extent);
    int perTask = (int) Math.max(1, TASK_SIZE / work);
    Workers.run(
        (extent + perTask - 1) / perTask,
        task -> {
          int end = Math.min(extent, (task + 1) * perTask);
          for (int k = task * perTask; k < end; k++) {
            for (int l = 0; l < lanes; l += BlockProgram.BLOCK) {
              sum(memory, sorted, b, k, l, Math.min(BlockProgram.BLOCK, lanes - l));
            }
          }
        });
  }

  /**
   * Sorts by counting. First come, for each index, where its places end, then all places in the
   * order of their indices; places with one index keep their order.
   */
  private void sort(int[] indices, long b, int[] sorted) {
    int extent = step.extent();
    java.util.Arrays.fill(sorted, 0, extent + 1, 0);
    for (int i = 0; i < count; i++) {
      sorted[1 + Indices.checked(indices[(int) at.position(b * count + i)], extent)]++;
    }
    for (int k = 0; k < extent; k++) {
      sorted[k + 1] += sorted[k];
    }
    for (int i = 0; i < count; i++) {
      int k = indices[(int) at.position(b * count + i)];
      sorted[extent + 1 + sorted[k]++] = i;
    }
  }

  /** Sums all that has one index, over a block of its elements. */
  private void sum(Memory memory, int[] sorted, long b, int k, int lane, int n) {
    Frame frame = Frame.current();
    Object block = frame.result(dtype);
    double[] numbers = (double[]) frame.register(DType.F64, 0);
    double[] sums = frame.sums;
    java.util.Arrays.fill(sums, 0, n, 0);
    Object from = memory.array(step.in().slot());
    for (int p = k == 0 ? 0 : sorted[k - 1]; p < sorted[k]; p++) {
      int i = sorted[step.extent() + 1 + p];
      in.gather(from, (b * count + i) * lanes + lane, n, block);
      CastKernel.cast(block, 0, numbers, 0, n);
      add(numbers, 0, sums, 0, n);
    }
    Arrays.round(sums, 0, block, 0, n);
    long to = (b * step.extent() + k) * lanes + lane;
    out.scatter(block, 0, to, n, memory.array(step.out().slot()));
  }
}
