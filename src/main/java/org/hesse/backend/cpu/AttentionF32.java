// twin: F64
package org.hesse.backend.cpu;

import java.util.EnumMap;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;

/**
 * Attention and its transpose, a block of queries at a time: the scores of a block lie in a scratch
 * array that fits the caches, so that those of all queries are never there at once. A row of scores
 * is whole, which spares the rescaling that blocks of keys need; a block has fewer rows the longer
 * they are.
 */
final class AttentionF32 implements Prepared {
  /** Scores of a block, unless its rows are very long. */
  private static final int BLOCK = 1 << 16;

  private static final int MIN_ROWS = 16;
  private static final int MAX_ROWS = 128;

  /** Where in the arrays of a run the operands stand; a is last, and so is w, of the transpose. */
  private static final int SCORES = 0;

  private static final int SLOPES = 1;
  private static final int SUMS = 2;
  private static final int OUT = 3;
  private static final int FIRST = 4;

  private final Step.Composite step;
  private final boolean forward;
  private final boolean biased;
  private final int base;
  private final int queries;
  private final int keys;
  private final int inner;
  private final int values;
  private final int rows;
  private final double scale;

  AttentionF32(Step.Composite step) {
    this.step = step;
    this.forward = step.kind() instanceof CompositeKind.Attention;
    this.base = forward ? 0 : 1;
    int count = step.operands().size();
    this.biased = count == (forward ? 4 : 6);
    int[] q = step.operands().get(base).item();
    int[] v = step.operands().get(base + 2).item();
    this.queries = q[0];
    this.inner = q[1];
    this.keys = v[0];
    this.values = v[1];
    this.rows = Math.min(queries, Math.max(MIN_ROWS, Math.min(MAX_ROWS, BLOCK / keys)));
    this.scale = 1 / Math.sqrt(inner);
  }

  @Override
  public void run(Memory memory) {
    int items = Math.toIntExact(BlockProgram.size(step.batch()));
    int blocks = (queries + rows - 1) / rows;
    if (forward) {
      Workers.run(
          items * blocks, task -> new Item(memory, task / blocks).forward(task % blocks * rows));
    } else {
      Workers.run(
          items,
          task -> {
            Item item = new Item(memory, task);
            for (int first = 0; first < queries; first += rows) {
              item.backward(first);
            }
            item.finish();
          });
    }
  }

  /** One item of the batch in one task. */
  private final class Item {
    final Memory arrays;
    final int[] at;
    final int out;
    final float[] scores;
    final float[] slopes;
    final float[] sums;
    final float[] result;

    Item(Memory memory, int item) {
      int count = step.operands().size();
      Object[] all = new Object[FIRST + count];
      at = new int[count];
      for (int i = 0; i < count; i++) {
        View view = step.operands().get(i).view();
        all[FIRST + i] = memory.array(view.slot());
        at[i] = RowStep.begin(step.batch(), view, item);
      }
      Frame frame = Frame.current();
      int size = Math.multiplyExact(rows, keys);
      scores = (float[]) frame.area(DType.F32, SCORES, size);
      slopes = (float[]) frame.area(DType.F32, SLOPES, forward ? 0 : size);
      sums = (float[]) frame.area(DType.F32, SUMS, forward ? 0 : keys * Math.max(inner, values));
      result = (float[]) memory.array(step.out().view().slot());
      all[SCORES] = scores;
      all[SLOPES] = slopes;
      all[SUMS] = sums;
      all[OUT] = result;
      arrays = new Memory(all, new Object[0], new EnumMap<>(DType.class));
      out = RowStep.begin(step.batch(), step.out().view(), item);
    }

    /** From one row of an operand to the next. */
    int stride(int operand) {
      long[] s = step.operands().get(operand).view().strides();
      return (int) s[s.length - 2];
    }

    View view(int array, int offset, long row, long column) {
      Slot slot = new Slot(Slot.Space.INPUT, array, DType.F32, 0, Integer.MAX_VALUE);
      return new View(slot, offset, new long[] {0, row, column});
    }

    /** Rows of an operand, or its columns. */
    View operand(int operand, int first, boolean transposed) {
      int stride = stride(operand);
      int from = at[operand] + first * stride;
      return transposed
          ? view(FIRST + operand, from, 1, stride)
          : view(FIRST + operand, from, stride, 1);
    }

    /** {@code c[i, j] = Σₚ a[i, p] b[j, p]}. */
    void dot(int m, int n, int k, View a, View b, View c) {
      DotStep.prepare(new Step.Dot(1, m, n, k, a, b, c)).run(arrays);
    }

    /** The scores of some queries. */
    void scores(int first, int count) {
      View q = operand(base, first, false);
      dot(count, keys, inner, q, operand(base + 1, 0, false), view(SCORES, 0, keys, 1));
      if (!biased) {
        RowLoopsF32.scale(scores, 0, count * keys, scale);
        return;
      }
      for (int i = 0; i < count; i++) {
        int b = at[base + 3] + (first + i) * stride(base + 3);
        float[] bias = (float[]) arrays.inputs()[FIRST + base + 3];
        RowLoopsF32.add(scores, i * keys, scale, bias, b, keys, scores, i * keys);
      }
    }

    void forward(int first) {
      int count = Math.min(rows, queries - first);
      int width = values + 2;
      int kept = out + first * width + values;
      scores(first, count);
      // In a loop of its own: the exponentials of a row would wait for its maximum.
      for (int i = 0; i < count; i++) {
        double max = RowLoopsF32.max(scores, i * keys, keys);
        result[kept + i * width] = Double.isInfinite(max) ? 0 : (float) max;
      }
      for (int i = 0; i < count; i++) {
        int at = kept + i * width;
        double sum = RowLoopsF32.exp(scores, i * keys, keys, result[at], 0, 1, scores, i * keys);
        RowLoopsF32.scale(scores, i * keys, keys, sum == 0 ? 0 : 1 / sum);
        result[at + 1] = sum == 0 ? 0 : (float) Math.log(sum);
      }
      View p = view(SCORES, 0, keys, 1);
      dot(count, values, keys, p, operand(2, 0, true), view(OUT, out + first * width, width, 1));
    }

    void backward(int first) {
      int count = Math.min(rows, queries - first);
      int w = at.length - 1;
      weights(first, count);
      int keysAt = out + queries * inner;
      int valuesAt = keysAt + keys * inner;
      add(values, count, view(SCORES, 0, 1, keys), operand(w, first, true), valuesAt, first == 0);
      View dO = operand(w, first, false);
      dot(count, keys, values, dO, operand(base + 2, 0, false), view(SLOPES, 0, keys, 1));
      float[] a = (float[]) arrays.inputs()[FIRST];
      float[] ct = (float[]) arrays.inputs()[FIRST + w];
      for (int i = 0; i < count; i++) {
        int aAt = at[0] + (first + i) * stride(0);
        int wAt = at[w] + (first + i) * stride(w);
        double along = RowLoopsF32.dot(a, aAt, ct, wAt, values) - ct[wAt + values + 1];
        int row = i * keys;
        RowLoopsF32.weighted(scores, row, slopes, row, keys, along, slopes, row);
      }
      View ds = view(SLOPES, 0, keys, 1);
      int to = out + first * inner;
      dot(count, inner, keys, ds, operand(base + 1, 0, true), view(OUT, to, inner, 1));
      RowLoopsF32.scale(result, to, count * inner, scale);
      View q = operand(base, first, true);
      add(inner, count, view(SLOPES, 0, 1, keys), q, keysAt, first == 0);
    }

    /** The weights of some queries again, from what attention has kept. */
    private void weights(int first, int count) {
      scores(first, count);
      float[] a = (float[]) arrays.inputs()[FIRST];
      for (int i = 0; i < count; i++) {
        int kept = at[0] + (first + i) * stride(0) + values;
        int row = i * keys;
        var _ = RowLoopsF32.exp(scores, row, keys, a[kept], a[kept + 1], 1, scores, row);
      }
    }

    /** Adds a product over queries to what stands in the result for each key. */
    private void add(int columns, int count, View a, View b, int to, boolean first) {
      if (first) {
        dot(keys, columns, count, a, b, view(OUT, to, columns, 1));
        return;
      }
      dot(keys, columns, count, a, b, view(SUMS, 0, columns, 1));
      int n = keys * columns;
      RowLoopsF32.add(result, to, 1, sums, 0, n, result, to);
    }

    void finish() {
      RowLoopsF32.scale(result, out + queries * inner, keys * inner, scale);
    }
  }
}
