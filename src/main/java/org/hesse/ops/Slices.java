package org.hesse.ops;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Primitives that take parts out of tensors and put them together. */
public final class Slices {
  private Slices() {}

  /** Elements {@code start + i·stride} along each axis; {@code shape} says how many. */
  public static Node slice(Node x, Axes start, Axes stride, Shape shape) {
    int rank = x.shape().rank();
    boolean ok = start.size() == rank && stride.size() == rank && shape.rank() == rank;
    for (int a = 0; ok && a < rank; a++) {
      long last = start.get(a) + (shape.dim(a) - 1L) * stride.get(a);
      ok = start.get(a) >= 0 && stride.get(a) >= 1 && last < x.shape().dim(a);
      ok &= start.get(a) <= x.shape().dim(a);
    }
    if (!ok) {
      throw new IllegalArgumentException(
          "slice: start "
              + start
              + " with strides "
              + stride
              + " and shape "
              + shape
              + " does not lie inside "
              + x.shape());
    }
    if (shape.equals(x.shape())) {
      return x;
    }
    return new Node(new Op.Slice(start, stride), List.of(x), shape, x.dtype());
  }

  /** Elements {@code from} (inclusive) to {@code to} (exclusive) along one axis. */
  public static Node slice(Node x, int axis, int from, int to) {
    int a = x.shape().axis(axis);
    if (from < 0 || to < from || to > x.shape().dim(a)) {
      throw new IllegalArgumentException(
          "slice: "
              + from
              + " to "
              + to
              + " is not a range along axis "
              + axis
              + " of "
              + x.shape());
    }
    int[] start = new int[x.shape().rank()];
    start[a] = from;
    return slice(x, Axes.of(start), ones(start.length), x.shape().with(a, to - from));
  }

  /** The operand between zeros: element i goes to {@code low + i·(interior+1)} of the result. */
  public static Node pad(Node x, Axes low, Axes interior, Shape shape) {
    int rank = x.shape().rank();
    boolean ok = low.size() == rank && interior.size() == rank && shape.rank() == rank;
    for (int a = 0; ok && a < rank; a++) {
      long last = low.get(a) + (x.shape().dim(a) - 1L) * (interior.get(a) + 1L);
      ok = low.get(a) >= 0 && interior.get(a) >= 0 && last < shape.dim(a);
    }
    if (!ok) {
      throw new IllegalArgumentException(
          "pad: "
              + x.shape()
              + " at "
              + low
              + " with interior "
              + interior
              + " does not lie inside "
              + shape);
    }
    if (shape.equals(x.shape())) {
      return x;
    }
    return new Node(new Op.Pad(low, interior), List.of(x), shape, x.dtype());
  }

  /** Operands side by side along an axis. */
  public static Node concat(List<Node> parts, int axis) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("concat: no operands; expected at least one");
    }
    Node first = parts.get(0);
    int a = first.shape().axis(axis);
    int total = 0;
    for (Node p : parts) {
      if (p.dtype() != first.dtype()
          || p.shape().rank() != first.shape().rank()
          || !p.shape().with(a, 0).equals(first.shape().with(a, 0))) {
        throw new IllegalArgumentException(
            "concat: "
                + Elementwise.type(first)
                + " and "
                + Elementwise.type(p)
                + " differ in more than axis "
                + a);
      }
      total = Math.addExact(total, p.shape().dim(a));
    }
    return parts.size() == 1
        ? first
        : new Node(new Op.Concat(a), parts, first.shape().with(a, total), first.dtype());
  }

  private static Axes ones(int n) {
    int[] ones = new int[n];
    java.util.Arrays.fill(ones, 1);
    return Axes.of(ones);
  }

  static final Rule<Op.Slice> SLICE =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Slice op, List<Node> in, Shape shape, DType dtype) {
          return slice(in.get(0), op.start(), op.stride(), shape);
        }

        @Override
        public Node transpose(Op.Slice op, Node y, Node ct) {
          return pad(ct, op.start(), op.stride().plus(-1), y.input(0).shape());
        }

        @Override
        public Node batch(Op.Slice op, Node y, List<Node> in, boolean[] batched, int size) {
          Axes start = Axes.of(0).then(op.start());
          Axes stride = Axes.of(1).then(op.stride());
          return slice(in.get(0), start, stride, y.shape().insert(0, size));
        }
      };

  static final Rule<Op.Pad> PAD =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Pad op, List<Node> in, Shape shape, DType dtype) {
          return pad(in.get(0), op.low(), op.interior(), shape);
        }

        @Override
        public Node transpose(Op.Pad op, Node y, Node ct) {
          return slice(ct, op.low(), op.interior().plus(1), y.input(0).shape());
        }

        @Override
        public Node batch(Op.Pad op, Node y, List<Node> in, boolean[] batched, int size) {
          Axes low = Axes.of(0).then(op.low());
          Axes interior = Axes.of(0).then(op.interior());
          return pad(in.get(0), low, interior, y.shape().insert(0, size));
        }
      };

  static final Rule<Op.Concat> CONCAT =
      new Rule<>() {
        @Override
        public Node emit(Op.Concat op, List<Node> in, Shape shape, DType dtype) {
          return concat(in, op.axis());
        }

        @Override
        public @Nullable Node jvp(Op.Concat op, Node y, @Nullable Node[] tangents) {
          List<Node> parts = new ArrayList<>();
          for (int i = 0; i < tangents.length; i++) {
            Node t = tangents[i];
            parts.add(t == null ? Sources.fullLike(0, y.input(i)) : t);
          }
          return concat(parts, op.axis());
        }

        @Override
        public @Nullable Node[] transpose(Op.Concat op, Node y, Node ct, boolean[] linear) {
          @Nullable Node[] parts = new Node[linear.length];
          int at = 0;
          for (int i = 0; i < parts.length; i++) {
            int next = at + y.input(i).shape().dim(op.axis());
            parts[i] = linear[i] ? slice(ct, op.axis(), at, next) : null;
            at = next;
          }
          return parts;
        }

        @Override
        public Node batch(Op.Concat op, Node y, List<Node> in, boolean[] batched, int size) {
          List<Node> parts = new ArrayList<>();
          for (int i = 0; i < in.size(); i++) {
            parts.add(batched[i] ? in.get(i) : Shapes.repeat(in.get(i), size));
          }
          return concat(parts, op.axis() + 1);
        }
      };
}
