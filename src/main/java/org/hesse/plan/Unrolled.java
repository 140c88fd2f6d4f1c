package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Reductions over a few elements that are not far apart, as those of pooling windows are, written as
 * elementwise operations on slices: these are fused with what is around them, and their loops are as
 * long as the result.
 */
final class Unrolled {
  /** With more terms a reduction is as good. */
  private static final int MOST = 9;

  /** Where so many kept elements lie side by side, a reduction walks along these. */
  private static final int WIDE = 64;

  /** Results of a size for which it is worth the longer program. */
  private static final int LEAST = 1 << 10;

  static final List<Rule> RULES =
      List.of(new Rule("reduce over few", Op.Reduce.class, Unrolled::overFew));

  private Unrolled() {}

  private static @Nullable Node overFew(Node n, Rewriter to) {
    Op.Reduce op = (Op.Reduce) n.op();
    Node x = n.input(0);
    int last = op.axes().size() == 0 ? 0 : op.axes().get(op.axes().size() - 1);
    long terms = x.shape().size() / Math.max(1, n.shape().size());
    long inner = 1;
    for (int a = last + 1; a < x.shape().rank(); a++) {
      inner *= x.shape().dim(a);
    }
    if (n.shape().size() < LEAST || terms < 2 || terms > MOST || inner >= WIDE) {
      return null;
    }
    List<Node> parts = new ArrayList<>();
    for (int i = 0; i < terms; i++) {
      parts.add(part(n, x, op.axes(), i, to));
    }
    BinaryKind kind = op.kind() == ReduceKind.SUM ? BinaryKind.ADD : BinaryKind.MAX;
    // In pairs, so that the error of a sum grows with the logarithm of its length only.
    while (parts.size() > 1) {
      List<Node> half = new ArrayList<>();
      for (int i = 0; i < parts.size(); i += 2) {
        Node a = parts.get(i);
        half.add(i + 1 == parts.size() ? a : to.binary(kind, a, parts.get(i + 1)));
      }
      parts = half;
    }
    return parts.get(0);
  }

  /** The elements with the given row-major number along the reduced axes. */
  private static Node part(Node n, Node x, Axes axes, int number, Rewriter to) {
    int[] start = new int[x.shape().rank()];
    Shape shape = x.shape();
    int rest = number;
    for (int i = axes.size() - 1; i >= 0; i--) {
      int extent = x.shape().dim(axes.get(i));
      start[axes.get(i)] = rest % extent;
      rest /= extent;
      shape = shape.with(axes.get(i), 1);
    }
    int[] ones = new int[start.length];
    Arrays.fill(ones, 1);
    Op slice = new Op.Slice(Axes.of(start), Axes.of(ones));
    return to.reshape(to.make(slice, List.of(x), shape, n.dtype()), n.shape());
  }
}
