package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/** Primitives that make axes disappear. */
public final class Reductions {
  private Reductions() {}

  /** Sum over ascending axes. */
  public static Node sum(Node x, Axes axes) {
    return reduce(ReduceKind.SUM, x, axes);
  }

  /** Maximum over ascending axes. */
  public static Node max(Node x, Axes axes) {
    return reduce(ReduceKind.MAX, x, axes);
  }

  private static Node reduce(ReduceKind kind, Node x, Axes axes) {
    if (x.dtype() == DType.BOOL) {
      throw new IllegalArgumentException(
          "reduce: " + kind + " is not defined for BOOL (convert with cast)");
    }
    int rank = x.shape().rank();
    if (!axes.isAscending() || axes.complement(rank).size() != rank - axes.size()) {
      throw new IllegalArgumentException(
          "reduce: axes " + axes + " are not distinct ascending axes of " + x.shape());
    }
    if (axes.size() == 0) {
      return x;
    }
    return new Node(new Op.Reduce(kind, axes), List.of(x), without(x.shape(), axes), x.dtype());
  }

  /** Index of the first maximum along an axis. */
  public static Node argMax(Node x, int axis) {
    int a = x.shape().axis(axis);
    if (x.dtype() == DType.BOOL || x.shape().dim(a) == 0) {
      throw new IllegalArgumentException(
          "argmax: " + Elementwise.type(x) + " has no maximum along axis " + axis);
    }
    return new Node(new Op.ArgMax(a), List.of(x), x.shape().remove(a), DType.I32);
  }

  private static Shape without(Shape shape, Axes axes) {
    Axes kept = axes.complement(shape.rank());
    int[] dims = new int[kept.size()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = shape.dim(kept.get(i));
    }
    return Shape.of(dims);
  }

  /** A reduced value repeated along the axes that the reduction removed. */
  public static Node restore(Node y, Shape shape, Axes axes) {
    return Shapes.broadcast(y, shape, axes.complement(shape.rank()));
  }

  static final Rule<Op.Reduce> REDUCE =
      new Rule<>() {
        @Override
        public Node emit(Op.Reduce op, List<Node> in, Shape shape, DType dtype) {
          return reduce(op.kind(), in.get(0), op.axes());
        }

        @Override
        public @Nullable Node jvp(Op.Reduce op, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          if (t == null) {
            return null;
          }
          return op.kind() == ReduceKind.SUM ? sum(t, op.axes()) : maxTangent(op, y, t);
        }

        @Override
        public @Nullable Node[] transpose(Op.Reduce op, Node y, Node ct, boolean[] linear) {
          if (op.kind() != ReduceKind.SUM) {
            return Rule.super.transpose(op, y, ct, linear);
          }
          return new Node[] {restore(ct, y.input(0).shape(), op.axes())};
        }

        @Override
        public Node batch(Op.Reduce op, Node y, List<Node> in, boolean[] batched, int size) {
          return reduce(op.kind(), in.get(0), op.axes().plus(1));
        }
      };

  /** The mean of the tangents of those elements that attain the maximum. */
  private static Node maxTangent(Op.Reduce op, Node y, Node t) {
    Node x = y.input(0);
    Node attains = Elementwise.compare(CompareKind.EQ, x, restore(y, x.shape(), op.axes()));
    Node zero = Sources.fullLike(0, x);
    Node total = sum(Elementwise.select(attains, t, zero), op.axes());
    return Elementwise.div(total, sum(Elementwise.cast(attains, x.dtype()), op.axes()));
  }

  static final Rule<Op.ArgMax> ARG_MAX =
      new Rule<>() {
        @Override
        public Node emit(Op.ArgMax op, List<Node> in, Shape shape, DType dtype) {
          return argMax(in.get(0), op.axis());
        }

        @Override
        public @Nullable Node jvp(Op.ArgMax op, Node y, @Nullable Node[] tangents) {
          return null;
        }

        @Override
        public Node batch(Op.ArgMax op, Node y, List<Node> in, boolean[] batched, int size) {
          return argMax(in.get(0), op.axis() + 1);
        }
      };
}
