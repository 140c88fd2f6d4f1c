package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** Primitives that rearrange or repeat elements. */
public final class Shapes {
  private Shapes() {}

  /** The same elements under another shape of the same size. */
  public static Node reshape(Node x, Shape shape) {
    if (x.shape().equals(shape)) {
      return x;
    }
    if (x.shape().size() != shape.size()) {
      throw new IllegalArgumentException(
          "reshape: "
              + Elementwise.type(x)
              + " has "
              + x.shape().size()
              + " elements, "
              + shape
              + " has "
              + shape.size());
    }
    return new Node(new Op.Reshape(), List.of(x), shape, x.dtype());
  }

  /** Result axis i is operand axis {@code axes[i]}. */
  public static Node permute(Node x, Axes axes) {
    int rank = x.shape().rank();
    if (axes.size() != rank || axes.complement(rank).size() != 0) {
      throw new IllegalArgumentException(
          "permute: axes " + axes + " are not a permutation of the axes of " + x.shape());
    }
    if (axes.isAscending()) {
      return x;
    }
    int[] dims = new int[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = x.shape().dim(axes.get(i));
    }
    return new Node(new Op.Permute(axes), List.of(x), Shape.of(dims), x.dtype());
  }

  /** The result with one axis moved to another place, the others keeping their order. */
  public static Node moveAxis(Node x, int from, int to) {
    int rank = x.shape().rank();
    int[] axes = new int[rank];
    int next = 0;
    for (int i = 0; i < rank; i++) {
      if (i == to) {
        axes[i] = from;
      } else {
        next += next == from ? 1 : 0;
        axes[i] = next++;
      }
    }
    return permute(x, Axes.of(axes));
  }

  /** Repeats the operand, whose axis i becomes axis {@code axes[i]} of the result. */
  public static Node broadcast(Node x, Shape shape, Axes axes) {
    boolean ok = axes.size() == x.shape().rank() && axes.isAscending();
    for (int i = 0; ok && i < axes.size(); i++) {
      int a = axes.get(i);
      ok = a >= 0 && a < shape.rank() && shape.dim(a) == x.shape().dim(i);
    }
    if (!ok) {
      throw new IllegalArgumentException(
          "broadcast: " + x.shape() + " does not lie along axes " + axes + " of " + shape);
    }
    if (axes.size() == shape.rank()) {
      return x;
    }
    return new Node(new Op.Broadcast(axes), List.of(x), shape, x.dtype());
  }

  /** The operand repeated along a new axis in front. */
  public static Node repeat(Node x, int size) {
    return broadcast(x, x.shape().insert(0, size), Axes.range(1, x.shape().rank() + 1));
  }

  /**
   * NumPy's broadcasting: axes aligned at the last one, extents of 1 repeated.
   *
   * @throws IllegalArgumentException if the operand does not broadcast to the shape
   */
  public static Node broadcastTo(Node x, Shape shape) {
    Shape from = x.shape();
    if (from.equals(shape)) {
      return x;
    }
    int lead = shape.rank() - from.rank();
    if (lead < 0 || !Shape.broadcast(from, shape).equals(shape)) {
      throw new IllegalArgumentException("broadcast: " + from + " does not broadcast to " + shape);
    }
    int[] kept = new int[from.rank()];
    int n = 0;
    for (int i = 0; i < from.rank(); i++) {
      if (from.dim(i) == shape.dim(lead + i)) {
        kept[n++] = i;
      }
    }
    int[] dims = new int[n];
    int[] axes = new int[n];
    for (int i = 0; i < n; i++) {
      dims[i] = from.dim(kept[i]);
      axes[i] = lead + kept[i];
    }
    return broadcast(reshape(x, Shape.of(dims)), shape, Axes.of(axes));
  }

  /** The operand's order reversed along each of the axes. */
  public static Node reverse(Node x, Axes axes) {
    for (int i = 0; i < axes.size(); i++) {
      x.shape().dim(axes.get(i));
    }
    return axes.size() == 0 ? x : new Node(new Op.Reverse(axes), List.of(x), x.shape(), x.dtype());
  }

  static final Rule<Op.Reshape> RESHAPE =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Reshape op, List<Node> in, Shape shape, DType dtype) {
          return reshape(in.get(0), shape);
        }

        @Override
        public Node transpose(Op.Reshape op, Node y, Node ct) {
          return reshape(ct, y.input(0).shape());
        }

        @Override
        public Node batch(Op.Reshape op, Node y, List<Node> in, boolean[] batched, int size) {
          return reshape(in.get(0), y.shape().insert(0, size));
        }
      };

  static final Rule<Op.Permute> PERMUTE =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Permute op, List<Node> in, Shape shape, DType dtype) {
          return permute(in.get(0), op.axes());
        }

        @Override
        public Node transpose(Op.Permute op, Node y, Node ct) {
          return permute(ct, op.axes().inverse());
        }

        @Override
        public Node batch(Op.Permute op, Node y, List<Node> in, boolean[] batched, int size) {
          return permute(in.get(0), Axes.of(0).then(op.axes().plus(1)));
        }
      };

  static final Rule<Op.Broadcast> BROADCAST =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Broadcast op, List<Node> in, Shape shape, DType dtype) {
          return broadcast(in.get(0), shape, op.axes());
        }

        @Override
        public Node transpose(Op.Broadcast op, Node y, Node ct) {
          return Reductions.sum(ct, op.axes().complement(y.shape().rank()));
        }

        @Override
        public Node batch(Op.Broadcast op, Node y, List<Node> in, boolean[] batched, int size) {
          Axes axes = Axes.of(0).then(op.axes().plus(1));
          return broadcast(in.get(0), y.shape().insert(0, size), axes);
        }
      };

  static final Rule<Op.Reverse> REVERSE =
      new LinearRule<>() {
        @Override
        public Node emit(Op.Reverse op, List<Node> in, Shape shape, DType dtype) {
          return reverse(in.get(0), op.axes());
        }

        @Override
        public Node transpose(Op.Reverse op, Node y, Node ct) {
          return reverse(ct, op.axes());
        }

        @Override
        public Node batch(Op.Reverse op, Node y, List<Node> in, boolean[] batched, int size) {
          return reverse(in.get(0), op.axes().plus(1));
        }
      };
}
