package org.hesse.fused;

import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;

/** What bodies say of rows, the last axis of tensors. */
final class Rows {
  private Rows() {}

  private static Axes last(Node x) {
    return Axes.of(x.shape().rank() - 1);
  }

  static int length(Node x) {
    return x.shape().dim(x.shape().rank() - 1);
  }

  /** Σ over each row. */
  static Node sum(Node x) {
    return Reductions.sum(x, last(x));
  }

  /** The largest of each row, as a constant to derivatives. */
  static Node max(Node x) {
    return Elementwise.stopGradient(Reductions.max(x, last(x)));
  }

  /** The mean of each row. */
  static Node mean(Node x) {
    return Elementwise.scale(1.0 / Math.max(1, length(x)), sum(x));
  }

  /** One value for each row, repeated along rows like those of {@code like}. */
  static Node spread(Node value, Node like) {
    return Reductions.restore(value, like.shape(), last(like));
  }

  /** Values of one row each as rows of two. */
  static Node pair(Node first, Node second) {
    Shape one = first.shape().insert(first.shape().rank(), 1);
    List<Node> parts = List.of(Shapes.reshape(first, one), Shapes.reshape(second, one));
    return Slices.concat(parts, one.rank() - 1);
  }

  /** One of the elements of each row. */
  static Node element(Node x, int i) {
    int axis = x.shape().rank() - 1;
    return Shapes.reshape(Slices.slice(x, axis, i, i + 1), x.shape().remove(axis));
  }
}
