package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** Primitives whose elements depend on all that comes before them along an axis. */
public final class Scans {
  private Scans() {}

  /**
   * Running sums along an axis, each with its own element included.
   *
   * @param reverse whether to begin at the end
   */
  public static Node cumsum(Node x, int axis, boolean reverse) {
    int a = x.shape().axis(axis);
    if (x.dtype() == DType.BOOL) {
      throw new IllegalArgumentException(
          "cumsum is not defined for " + Elementwise.type(x) + " (convert with cast)");
    }
    return new Node(new Op.Cumsum(a, reverse), List.of(x), x.shape(), x.dtype());
  }

  static final Rule<Op.Cumsum> CUMSUM =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Cumsum op, List<Node> in, Shape shape, DType dtype) {
          return cumsum(in.get(0), op.axis(), op.reverse());
        }

        // What element i adds to the sums from i on comes back from all of them.
        @Override
        public Node transpose(Op.Cumsum op, Node y, Node ct) {
          return cumsum(ct, op.axis(), !op.reverse());
        }

        @Override
        public Node batch(Op.Cumsum op, Node y, List<Node> in, boolean[] batched, int size) {
          return cumsum(in.get(0), op.axis() + 1, op.reverse());
        }
      };
}
