package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Values made from nothing: constants and indices. */
public final class Sources {
  private Sources() {}

  /**
   * A scalar constant.
   *
   * @throws IllegalArgumentException if the dtype is not real and does not have the value
   */
  public static Node constant(double value, DType dtype) {
    requireValue(value, dtype);
    return new Node(new Op.Constant(value), List.of(), Shape.scalar(), dtype);
  }

  /**
   * Checks that a dtype has a value, up to rounding if it is real.
   *
   * @throws IllegalArgumentException if it does not
   */
  public static void requireValue(double value, DType dtype) {
    boolean ok =
        switch (dtype) {
          case F32, F64 -> true;
          case I32 -> value == (int) value;
          case BOOL -> value == 0 || value == 1;
        };
    if (!ok) {
      throw new IllegalArgumentException(
          "constant: " + value + " is no value of " + dtype + " (convert the tensor with cast)");
    }
  }

  /** The same number everywhere. */
  public static Node full(double value, Shape shape, DType dtype) {
    return Shapes.broadcast(constant(value, dtype), shape, Axes.of());
  }

  /** The same number everywhere, with the shape and dtype of another node. */
  public static Node fullLike(double value, Node like) {
    return full(value, like.shape(), like.dtype());
  }

  /** The I32 index along one axis. */
  public static Node iota(Shape shape, int axis) {
    return new Node(new Op.Iota(shape.axis(axis)), List.of(), shape, DType.I32);
  }

  static final Rule<Op.Constant> CONSTANT =
      new Source<>() {
        @Override
        public Node emit(Op.Constant op, List<Node> inputs, Shape shape, DType dtype) {
          return constant(op.value(), dtype);
        }
      };

  static final Rule<Op.Iota> IOTA =
      new Source<>() {
        @Override
        public Node emit(Op.Iota op, List<Node> inputs, Shape shape, DType dtype) {
          return iota(shape, op.axis());
        }
      };

  /** Without inputs there is nothing to differentiate and nothing to batch. */
  private interface Source<O extends Op> extends Rule<O> {
    @Override
    default @Nullable Node jvp(O op, Node y, @Nullable Node[] tangents) {
      return null;
    }

    @Override
    default Node batch(O op, Node y, List<Node> inputs, boolean[] batched, int size) {
      throw new IllegalStateException(y + " has no inputs to batch");
    }
  }
}
