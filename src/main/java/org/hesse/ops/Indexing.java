package org.hesse.ops;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Primitives that read and add up elements where indices say; each is the other's transpose. */
public final class Indexing {
  private Indexing() {}

  /**
   * Elements at some indices of an axis, see {@link Op.Gather}.
   *
   * @param batch how many leading axes operand and indices share
   */
  public static Node gather(Node x, Node indices, int batch, int axis) {
    Shape shape = x.shape();
    requireIndices("gather", x, indices, batch, axis);
    Shape result = replaced(shape, axis, 1, tail(indices.shape(), batch));
    if (axis >= shape.rank() || shape.dim(axis) == 0 && result.size() > 0) {
      throw new IllegalArgumentException(
          "gather: axis " + axis + " of " + Elementwise.type(x) + " has no elements to pick from");
    }
    return new Node(new Op.Gather(batch, axis), List.of(x, indices), result, x.dtype());
  }

  /** Elements along an axis at indices of the operand's own rank. */
  public static Node gatherAlong(Node x, Node indices, int axis) {
    int last = x.shape().rank() - 1;
    Node picked = gather(Shapes.moveAxis(x, axis, last), lastAxis(x, indices, axis), last, last);
    return Shapes.moveAxis(picked, last, axis);
  }

  private static Node lastAxis(Node x, Node indices, int axis) {
    if (indices.shape().rank() != x.shape().rank()) {
      throw new IllegalArgumentException(
          "indices: "
              + indices.shape()
              + " differs from "
              + x.shape()
              + " in more than the extent of axis "
              + axis);
    }
    return Shapes.moveAxis(indices, axis, x.shape().rank() - 1);
  }

  /**
   * Sums of elements with the same index, see {@link Op.ScatterAdd}.
   *
   * @param batch how many leading axes updates and indices share
   * @param extent of the result's axis {@code axis}
   */
  public static Node scatterAdd(Node updates, Node indices, int batch, int axis, int extent) {
    requireIndices("scatter_add", updates, indices, batch, axis);
    int[] own = tail(indices.shape(), batch);
    int end = Math.min(updates.shape().rank(), axis + own.length);
    boolean fits = Arrays.equals(own, Arrays.copyOfRange(updates.shape().dims(), axis, end));
    if (!fits || updates.dtype() == DType.BOOL) {
      throw new IllegalArgumentException(
          "scatter_add: updates are "
              + Elementwise.type(updates)
              + "; expected numbers with the axes "
              + Shape.of(own)
              + " of the indices from axis "
              + axis
              + " on");
    }
    Shape result = replaced(updates.shape(), axis, own.length, new int[] {extent});
    if (extent == 0 && updates.shape().size() > 0) {
      throw new IllegalArgumentException(
          "scatter_add: extent is 0, but there are updates of shape " + updates.shape());
    }
    List<Node> in = List.of(updates, indices);
    return new Node(new Op.ScatterAdd(batch, axis), in, result, updates.dtype());
  }

  /**
   * Sums along an axis of elements with the same index, the indices being of the updates' shape.
   */
  public static Node scatterAddAlong(Node updates, Node indices, int axis, int extent) {
    int last = updates.shape().rank() - 1;
    Node moved = Shapes.moveAxis(updates, axis, last);
    Node sums = scatterAdd(moved, lastAxis(updates, indices, axis), last, last, extent);
    return Shapes.moveAxis(sums, last, axis);
  }

  private static void requireIndices(String what, Node x, Node indices, int batch, int axis) {
    Shape s = x.shape();
    boolean ok =
        indices.dtype() == DType.I32
            && batch >= 0
            && batch <= axis
            && axis <= s.rank()
            && batch <= indices.shape().rank()
            && Arrays.equals(s.dims(), 0, batch, indices.shape().dims(), 0, batch);
    if (!ok) {
      throw new IllegalArgumentException(
          what
              + ": "
              + Elementwise.type(x)
              + " along axis "
              + axis
              + " at indices "
              + Elementwise.type(indices)
              + "; expected an axis of the former, and I32 indices whose first "
              + batch
              + " extents are the same (convert with cast)");
    }
  }

  private static int[] tail(Shape shape, int from) {
    return Arrays.copyOfRange(shape.dims(), from, shape.rank());
  }

  /** A shape with {@code count} axes from one on replaced by others. */
  private static Shape replaced(Shape shape, int axis, int count, int[] by) {
    int[] dims = shape.dims();
    int end = Math.min(dims.length, axis + count);
    return Shape.of(
        IntStream.concat(
                IntStream.concat(Arrays.stream(dims, 0, axis), Arrays.stream(by)),
                Arrays.stream(dims, end, dims.length))
            .toArray());
  }

  static final Rule<Op.Gather> GATHER =
      new Rule<>() {
        @Override
        public Node emit(Op.Gather op, List<Node> in, Shape shape, DType dtype) {
          return gather(in.get(0), in.get(1), op.batch(), op.axis());
        }

        @Override
        public @Nullable Node jvp(Op.Gather op, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null ? null : gather(t, y.input(1), op.batch(), op.axis());
        }

        @Override
        public @Nullable Node[] transpose(Op.Gather op, Node y, Node ct, boolean[] linear) {
          int extent = y.input(0).shape().dim(op.axis());
          Node sums = scatterAdd(ct, y.input(1), op.batch(), op.axis(), extent);
          return new @Nullable Node[] {sums, null};
        }

        @Override
        public Node batch(Op.Gather op, Node y, List<Node> in, boolean[] batched, int size) {
          if (batched[0] && batched[1]) {
            return gather(in.get(0), in.get(1), op.batch() + 1, op.axis() + 1);
          }
          if (batched[0] && op.batch() == 0) {
            return gather(in.get(0), in.get(1), 0, op.axis() + 1);
          }
          // Another axis of the operand, or another of the indices, behind the shared ones.
          Node x = batched[0] ? Shapes.moveAxis(in.get(0), 0, op.batch()) : in.get(0);
          Node at = batched[1] ? Shapes.moveAxis(in.get(1), 0, op.batch()) : in.get(1);
          int axis = batched[0] ? op.axis() + 1 : op.axis();
          Node picked = gather(x, at, op.batch(), axis);
          return Shapes.moveAxis(picked, batched[0] ? op.batch() : op.axis(), 0);
        }
      };

  static final Rule<Op.ScatterAdd> SCATTER_ADD =
      new Rule<>() {
        @Override
        public Node emit(Op.ScatterAdd op, List<Node> in, Shape shape, DType dtype) {
          return scatterAdd(in.get(0), in.get(1), op.batch(), op.axis(), shape.dim(op.axis()));
        }

        @Override
        public @Nullable Node jvp(Op.ScatterAdd op, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null ? null : emit(op, List.of(t, y.input(1)), y.shape(), y.dtype());
        }

        @Override
        public @Nullable Node[] transpose(Op.ScatterAdd op, Node y, Node ct, boolean[] linear) {
          return new @Nullable Node[] {gather(ct, y.input(1), op.batch(), op.axis()), null};
        }

        @Override
        public Node batch(Op.ScatterAdd op, Node y, List<Node> in, boolean[] batched, int size) {
          int extent = y.shape().dim(op.axis());
          if (!batched[1]) {
            Node x = Shapes.moveAxis(in.get(0), 0, op.batch());
            Node sums = scatterAdd(x, in.get(1), op.batch(), op.axis() + 1, extent);
            return Shapes.moveAxis(sums, op.batch(), 0);
          }
          Node x = batched[0] ? in.get(0) : Shapes.repeat(in.get(0), size);
          return scatterAdd(x, in.get(1), op.batch() + 1, op.axis() + 1, extent);
        }
      };
}
