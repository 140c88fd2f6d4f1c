package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** Sliding windows, and the sum of overlapping ones; each is the other's transpose. */
public final class Windows {
  private Windows() {}

  /** As many windows as fit, see {@link Op.Window}. */
  public static Node window(Node x, int axis, int size, int stride, int dilation) {
    requirePositive(size, stride, dilation);
    long span = (size - 1L) * dilation + 1;
    int extent = x.shape().dim(axis);
    if (span > extent) {
      throw new IllegalArgumentException(
          "window: one of size "
              + size
              + " with dilation "
              + dilation
              + " spans "
              + span
              + " elements and does not fit along axis "
              + axis
              + " of "
              + x.shape()
              + " (pad it)");
    }
    return window(x, axis, size, stride, dilation, (int) ((extent - span) / stride) + 1);
  }

  /** The first windows, as many as asked for. */
  public static Node window(Node x, int axis, int size, int stride, int dilation, int positions) {
    Shape shape = x.shape().with(axis, positions).insert(axis + 1, size);
    requireInside("window", shape, axis, x.shape().dim(axis), stride, dilation);
    return new Node(new Op.Window(axis, stride, dilation), List.of(x), shape, x.dtype());
  }

  /** The sum of overlapping windows, see {@link Op.Fold}. */
  public static Node fold(Node x, int axis, int extent, int stride, int dilation) {
    if (x.dtype() == DType.BOOL || axis + 1 >= x.shape().rank()) {
      throw new IllegalArgumentException(
          "fold: "
              + Elementwise.type(x)
              + "; expected numbers, and axis "
              + axis
              + " to be positions with a window behind");
    }
    requireInside("fold", x.shape(), axis, extent, stride, dilation);
    Shape shape = x.shape().remove(axis + 1).with(axis, extent);
    return new Node(new Op.Fold(axis, stride, dilation), List.of(x), shape, x.dtype());
  }

  private static void requirePositive(int size, int stride, int dilation) {
    if (size < 1 || stride < 1 || dilation < 1) {
      throw new IllegalArgumentException(
          "window: size "
              + size
              + ", stride "
              + stride
              + " and dilation "
              + dilation
              + "; expected 1 or more");
    }
  }

  /** Whether the windows of a shape with positions and places at two axes lie inside an extent. */
  private static void requireInside(
      String what, Shape windows, int axis, int extent, int stride, int dilation) {
    requirePositive(1, stride, dilation);
    int positions = windows.dim(axis);
    int size = windows.dim(axis + 1);
    long last = (positions - 1L) * stride + (size - 1L) * dilation;
    if (positions > 0 && size > 0 && last >= extent) {
      throw new IllegalArgumentException(
          what
              + ": "
              + positions
              + " windows of size "
              + size
              + " with stride "
              + stride
              + " and dilation "
              + dilation
              + " reach element "
              + last
              + " of an axis of extent "
              + extent);
    }
  }

  static final Rule<Op.Window> WINDOW =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Window op, List<Node> in, Shape shape, DType dtype) {
          int a = op.axis();
          return window(in.get(0), a, shape.dim(a + 1), op.stride(), op.dilation(), shape.dim(a));
        }

        @Override
        public Node transpose(Op.Window op, Node y, Node ct) {
          int extent = y.input(0).shape().dim(op.axis());
          return fold(ct, op.axis(), extent, op.stride(), op.dilation());
        }

        @Override
        public Node batch(Op.Window op, Node y, List<Node> in, boolean[] batched, int size) {
          Op.Window inside = new Op.Window(op.axis() + 1, op.stride(), op.dilation());
          return emit(inside, in, y.shape().insert(0, size), y.dtype());
        }
      };

  static final Rule<Op.Fold> FOLD =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Fold op, List<Node> in, Shape shape, DType dtype) {
          return fold(in.get(0), op.axis(), shape.dim(op.axis()), op.stride(), op.dilation());
        }

        @Override
        public Node transpose(Op.Fold op, Node y, Node ct) {
          Shape from = y.input(0).shape();
          int a = op.axis();
          return window(ct, a, from.dim(a + 1), op.stride(), op.dilation(), from.dim(a));
        }

        @Override
        public Node batch(Op.Fold op, Node y, List<Node> in, boolean[] batched, int size) {
          int extent = y.shape().dim(op.axis());
          return fold(in.get(0), op.axis() + 1, extent, op.stride(), op.dilation());
        }
      };
}
