package org.hesse.plan;

import java.util.Arrays;
import org.hesse.Shape;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Op;

/** Writes running sums and sums of windows as steps. */
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

  /** Windows of a view with one stride for each axis, added up. */
  static Step.Fold fold(Op.Fold op, Shape shape, View in, Shape result, Slot slot) {
    int axis = op.axis();
    long[] dense = IndexMap.identity(result).linear(result).strides();
    int[] domain = Axes.of(axis, axis + 1).complement(shape.rank()).toArray();
    long[] from = new long[domain.length];
    long[] to = new long[domain.length];
    for (int j = 0; j < domain.length; j++) {
      from[j] = in.strides()[domain[j]];
      to[j] = dense[j < axis ? j : j + 1];
      domain[j] = shape.dim(domain[j]);
    }
    Loops kept = Loops.merged(domain, new int[] {axis, domain.length}, from, to);
    int outer = kept.groups()[0];
    long[] strides = {in.strides()[axis], in.strides()[axis + 1]};
    int[] extents = {shape.dim(axis), shape.dim(axis + 1)};
    long[] out = {dense[axis]};
    return new Step.Fold(
        inserted(Axes.of(kept.domain()), outer, Axes.of(extents)).toArray(),
        outer,
        new View(in.slot(), in.offset(), inserted(kept.strides()[0], outer, strides)),
        result.dim(axis),
        op.stride(),
        op.dilation(),
        new View(slot, 0, inserted(kept.strides()[1], outer, out)));
  }

  private static Axes inserted(Axes list, int at, Axes more) {
    int[] all = list.toArray();
    return Axes.of(Arrays.copyOf(all, at))
        .then(more)
        .then(Axes.of(Arrays.copyOfRange(all, at, all.length)));
  }

  private static long[] inserted(long[] list, int at, long[] more) {
    long[] all = Arrays.copyOf(list, list.length + more.length);
    System.arraycopy(more, 0, all, at, more.length);
    System.arraycopy(list, at, all, at + more.length, list.length - at);
    return all;
  }

  private static View reversed(View view, Shape shape, int axis) {
    long[] strides = view.strides().clone();
    long offset = view.offset() + strides[axis] * (shape.dim(axis) - 1);
    strides[axis] = -strides[axis];
    return new View(view.slot(), offset, strides);
  }

  private static long[] append(long[] strides, long stride) {
    long[] s = Arrays.copyOf(strides, strides.length + 1);
    s[strides.length] = stride;
    return s;
  }
}
