package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Indices;
import org.hesse.backend.Step;

/** Reads elements where indices say: whole rows where they are contiguous, else one by one. */
final class GatherStep implements Prepared {
  private static final int TASK_SIZE = 1 << 14;
  private static final int MIN_ROW = 16;

  private final Step.Gather step;
  private final Strided in;
  private final Strided at;
  private final Strided out;
  private final long size;

  /** Length of the rows to copy, or 1. */
  private final int row;

  GatherStep(Step.Gather step) {
    this.step = step;
    int[] domain = step.domain();
    int last = domain.length - 1;
    this.in = Strided.of(domain, step.in());
    this.at = Strided.of(domain, step.at());
    this.out = Strided.of(domain, step.out());
    this.size = BlockProgram.size(domain);
    boolean rows =
        last >= 0
            && domain[last] >= MIN_ROW
            && step.at().strides()[last] == 0
            && step.in().strides()[last] == 1
            && step.out().strides()[last] == 1;
    this.row = rows ? domain[last] : 1;
  }

  @Override
  public void run(Memory memory) {
    long taskSize = (long) Math.max(1, TASK_SIZE / row) * row;
    Workers.run(
        Math.toIntExact((size + taskSize - 1) / taskSize),
        task -> {
          long end = Math.min(size, (task + 1) * taskSize);
          if (row > 1) {
            rows(memory, task * taskSize, end);
          } else {
            elements(memory, task * taskSize, end);
          }
        });
  }

  private void rows(Memory memory, long start, long end) {
    Object from = memory.array(step.in().slot());
    Object to = memory.array(step.out().slot());
    int[] indices = (int[]) memory.array(step.at().slot());
    for (long i = start; i < end; i += row) {
      int k = Indices.checked(indices[(int) at.position(i)], step.extent());
      long source = in.position(i) + k * step.stride();
      System.arraycopy(from, (int) source, to, (int) out.position(i), row);
    }
  }

  private void elements(Memory memory, long start, long end) {
    Frame frame = Frame.current();
    Object block = frame.result(step.out().slot().dtype());
    int[] indices = (int[]) frame.register(DType.I32, 0);
    int[] positions = (int[]) frame.register(DType.I32, 1);
    Object from = memory.array(step.in().slot());
    for (long i = start; i < end; i += BlockProgram.BLOCK) {
      int n = (int) Math.min(BlockProgram.BLOCK, end - i);
      at.gather(memory.array(step.at().slot()), i, n, indices);
      in.positions(i, n, positions);
      for (int j = 0; j < n; j++) {
        positions[j] += (int) (Indices.checked(indices[j], step.extent()) * step.stride());
      }
      pick(from, positions, block, n);
      out.scatter(block, 0, i, n, memory.array(step.out().slot()));
    }
  }

  private static void pick(Object from, int[] positions, Object to, int n) {
    switch (from) {
      case float[] a -> {
        float[] b = (float[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[positions[i]];
        }
      }
      case double[] a -> {
        double[] b = (double[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[positions[i]];
        }
      }
      case int[] a -> {
        int[] b = (int[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[positions[i]];
        }
      }
      case boolean[] a -> {
        boolean[] b = (boolean[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[positions[i]];
        }
      }
      default -> throw new IllegalArgumentException(from.getClass().getTypeName());
    }
  }
}
