package org.hesse.plan;

import org.hesse.Shape;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Op;

/** Writes running sums as steps. */
final class Scans {
  private Scans() {}

  /** Running sums over a view of the operand with one stride for each axis. */
  static Step.Cumsum step(Op.Cumsum op, Shape shape, View in, Slot slot) {
    View out = new View(slot, 0, IndexMap.identity(shape).linear(shape).strides());
    View from = op.reverse() ? reversed(in, shape, op.axis()) : in;
    View to = op.reverse() ? reversed(out, shape, op.axis()) : out;
    int last = shape.rank() - 1;
    int[] order = Axes.of(op.axis()).complement(shape.rank()).then(Axes.of(op.axis())).toArray();
    int[] domain = new int[last + 1];
    long[] fromStrides = new long[last + 1];
    long[] toStrides = new long[last + 1];
    for (int j = 0; j <= last; j++) {
      domain[j] = shape.dim(order[j]);
      fromStrides[j] = from.strides()[order[j]];
      toStrides[j] = to.strides()[order[j]];
    }
    Loops kept = Loops.merged(domain, new int[] {last}, fromStrides, toStrides);
    return new Step.Cumsum(
        Axes.of(kept.domain()).then(Axes.of(domain[last])).toArray(),
        new View(in.slot(), from.offset(), append(kept.strides()[0], fromStrides[last])),
        new View(slot, to.offset(), append(kept.strides()[1], toStrides[last])));
  }

  private static View reversed(View view, Shape shape, int axis) {
    long[] strides = view.strides().clone();
    long offset = view.offset() + strides[axis] * (shape.dim(axis) - 1);
    strides[axis] = -strides[axis];
    return new View(view.slot(), offset, strides);
  }

  private static long[] append(long[] strides, long stride) {
    long[] s = java.util.Arrays.copyOf(strides, strides.length + 1);
    s[strides.length] = stride;
    return s;
  }
}
