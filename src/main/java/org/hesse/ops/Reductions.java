package org.hesse.ops;

import java.util.List;
import java.util.stream.IntStream;
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

  /**
   * The axes that a caller names, ascending and counted from the front; all where none is named.
   *
   * @throws IllegalArgumentException if there is no such axis or one is named twice
   */
  public static Axes axes(Shape shape, int[] named) {
    if (named.length == 0) {
      return Axes.range(0, shape.rank());
    }
    int[] axes = IntStream.of(named).map(shape::axis).sorted().toArray();
    for (int i = 1; i < axes.length; i++) {
      if (axes[i] == axes[i - 1]) {
        throw new IllegalArgumentException(
            "axes: "
                + Axes.of(named)
                + " name axis "
                + axes[i]
                + " of shape "
                + shape
                + " twice; expected distinct axes, where "
                + axes[i]
                + " and "
                + (axes[i] - shape.rank())
                + " are the same");
      }
    }
    return Axes.of(axes);
  }

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

  /** The mean of the tangents of those elements that attain the maximum; NaN if that is NaN. */
  private static Node maxTangent(Op.Reduce op, Node y, Node t) {
    Node x = y.input(0);
    // Not "equal", so that all take part where the maximum is NaN, and none is where it is not.
    Node below = Elementwise.compare(CompareKind.LT, x, restore(y, x.shape(), op.axes()));
    Node zero = Sources.fullLike(0, x);
    Node total = sum(Elementwise.select(below, zero, t), op.axes());
    Node count = sum(Elementwise.select(below, zero, Sources.fullLike(1, x)), op.axes());
    // A count of NaN makes the derivative NaN in both modes.
    Node isNumber = Elementwise.compare(CompareKind.EQ, y, y);
    Node nan = Sources.fullLike(Double.NaN, y);
    return Elementwise.div(total, Elementwise.select(isNumber, count, nan));
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
