package org.hesse.ops;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** The general product. */
public final class Products {
  private Products() {}

  /**
   * Sums of products, see {@link Op.Dot}.
   *
   * @param dtype the operands' dtype, or F64 to form products and sums of F32 operands in F64
   */
  public static Node dot(Op.Dot op, Node lhs, Node rhs, DType dtype) {
    check(op, lhs, rhs, dtype);
    List<Integer> dims = new ArrayList<>();
    IntStream.of(op.lhsBatch().toArray()).forEach(a -> dims.add(lhs.shape().dim(a)));
    IntStream.of(lhsFree(op, lhs).toArray()).forEach(a -> dims.add(lhs.shape().dim(a)));
    IntStream.of(rhsFree(op, rhs).toArray()).forEach(a -> dims.add(rhs.shape().dim(a)));
    Shape shape = Shape.of(dims.stream().mapToInt(Integer::intValue).toArray());
    return new Node(op, List.of(lhs, rhs), shape, dtype);
  }

  private static void check(Op.Dot op, Node lhs, Node rhs, DType dtype) {
    boolean mixed = lhs.dtype() == DType.F32 && dtype == DType.F64;
    if (!lhs.dtype().isReal() || lhs.dtype() != rhs.dtype() || lhs.dtype() != dtype && !mixed) {
      throw new IllegalArgumentException(
          "dot: operands are "
              + lhs.dtype()
              + " and "
              + rhs.dtype()
              + " with a result of "
              + dtype
              + "; expected one real dtype, or F32 operands with an F64 result");
    }
    boolean ok =
        op.lhsContract().size() == op.rhsContract().size()
            && op.lhsBatch().size() == op.rhsBatch().size();
    Axes left = op.lhsContract().then(op.lhsBatch());
    Axes right = op.rhsContract().then(op.rhsBatch());
    ok = ok && distinct(left, lhs) && distinct(right, rhs);
    for (int i = 0; ok && i < left.size(); i++) {
      ok = lhs.shape().dim(left.get(i)) == rhs.shape().dim(right.get(i));
    }
    if (!ok) {
      throw new IllegalArgumentException(
          "dot: "
              + lhs.shape()
              + " and "
              + rhs.shape()
              + " do not fit: contracted axes "
              + op.lhsContract()
              + " and "
              + op.rhsContract()
              + ", batch axes "
              + op.lhsBatch()
              + " and "
              + op.rhsBatch()
              + " must be distinct and pairwise of equal extent");
    }
  }

  private static boolean distinct(Axes axes, Node x) {
    int rank = x.shape().rank();
    return axes.complement(rank).size() == rank - axes.size();
  }

  private static Axes lhsFree(Op.Dot op, Node lhs) {
    return op.lhsContract().then(op.lhsBatch()).complement(lhs.shape().rank());
  }

  private static Axes rhsFree(Op.Dot op, Node rhs) {
    return op.rhsContract().then(op.rhsBatch()).complement(rhs.shape().rank());
  }

  /** The product of two matrices, [m, k] × [k, n]. */
  public static Node matmul(Node a, Node b) {
    return dot(new Op.Dot(Axes.of(1), Axes.of(0), Axes.of(), Axes.of()), a, b, a.dtype());
  }

  static final Rule<Op.Dot> DOT =
      new Rule<>() {
        @Override
        public Node emit(Op.Dot op, List<Node> in, Shape shape, DType dtype) {
          return dot(op, in.get(0), in.get(1), dtype);
        }

        @Override
        public @Nullable Node jvp(Op.Dot op, Node y, @Nullable Node[] tangents) {
          Node ta = tangents[0];
          Node tb = tangents[1];
          Node left = ta == null ? null : dot(op, ta, y.input(1), y.dtype());
          Node right = tb == null ? null : dot(op, y.input(0), tb, y.dtype());
          return left == null ? right : right == null ? left : Elementwise.add(left, right);
        }

        @Override
        public @Nullable Node[] transpose(Op.Dot op, Node y, Node ct, boolean[] linear) {
          if (linear[0] && linear[1]) {
            return Rule.super.transpose(op, y, ct, linear);
          }
          return linear[0]
              ? new @Nullable Node[] {lhsCotangent(op, y, ct), null}
              : new @Nullable Node[] {null, rhsCotangent(op, y, ct)};
        }

        @Override
        public Node batch(Op.Dot op, Node y, List<Node> in, boolean[] batched, int size) {
          return batchDot(op, y, in, batched);
        }
      };

  /** Contracts the cotangent's axes that came from the right operand with the right operand. */
  private static Node lhsCotangent(Op.Dot op, Node y, Node ct) {
    Node lhs = y.input(0);
    Node rhs = Elementwise.cast(y.input(1), ct.dtype());
    int batch = op.lhsBatch().size();
    Axes free = lhsFree(op, lhs);
    Axes rhsFree = rhsFree(op, rhs);
    int firstRight = batch + free.size();
    Axes ctRight = Axes.range(firstRight, firstRight + rhsFree.size());
    Op.Dot d = new Op.Dot(ctRight, rhsFree, Axes.range(0, batch), op.rhsBatch());
    Axes order = op.lhsBatch().then(free).then(partners(op.rhsContract(), op.lhsContract()));
    Node result = Shapes.permute(dot(d, ct, rhs, ct.dtype()), order.inverse());
    return Elementwise.cast(result, lhs.dtype());
  }

  /** Contracts the left operand with the cotangent's axes that came from it. */
  private static Node rhsCotangent(Op.Dot op, Node y, Node ct) {
    Node lhs = Elementwise.cast(y.input(0), ct.dtype());
    Node rhs = y.input(1);
    int batch = op.lhsBatch().size();
    Axes free = lhsFree(op, lhs);
    Axes ctLeft = Axes.range(batch, batch + free.size());
    Op.Dot d = new Op.Dot(free, ctLeft, op.lhsBatch(), Axes.range(0, batch));
    Axes order =
        op.rhsBatch().then(partners(op.lhsContract(), op.rhsContract())).then(rhsFree(op, rhs));
    Node result = Shapes.permute(dot(d, lhs, ct, ct.dtype()), order.inverse());
    return Elementwise.cast(result, rhs.dtype());
  }

  /** The axes paired with {@code axes}, in the order in which {@code axes} ascend. */
  private static Axes partners(Axes axes, Axes paired) {
    return Axes.of(
        IntStream.range(0, axes.size())
            .boxed()
            .sorted(java.util.Comparator.comparingInt(axes::get))
            .mapToInt(paired::get)
            .toArray());
  }

  /** A batched pair gets one more batch axis; a single batched operand one more free axis. */
  private static Node batchDot(Op.Dot op, Node y, List<Node> in, boolean[] batched) {
    Axes lc = batched[0] ? op.lhsContract().plus(1) : op.lhsContract();
    Axes lb = batched[0] ? op.lhsBatch().plus(1) : op.lhsBatch();
    Axes rc = batched[1] ? op.rhsContract().plus(1) : op.rhsContract();
    Axes rb = batched[1] ? op.rhsBatch().plus(1) : op.rhsBatch();
    Node lhs = in.get(0);
    Node rhs = in.get(1);
    if (batched[0] && batched[1]) {
      Axes zero = Axes.of(0);
      return dot(new Op.Dot(lc, rc, zero.then(lb), zero.then(rb)), lhs, rhs, y.dtype());
    }
    Node result = dot(new Op.Dot(lc, rc, lb, rb), lhs, rhs, y.dtype());
    int from = op.lhsBatch().size();
    if (batched[1]) {
      from += lhsFree(op, lhs).size();
    }
    return Shapes.moveAxis(result, from, 0);
  }
}
