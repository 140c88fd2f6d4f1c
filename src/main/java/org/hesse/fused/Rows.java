package org.hesse.fused;

import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;

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
    // A quotient, so that the mean of equal numbers of few digits is that number.
    Node sum = sum(x);
    return Elementwise.div(sum, Sources.fullLike(Math.max(1, length(x)), sum));
  }

  /** One value for each row, repeated along rows like those of {@code like}. */
  static Node spread(Node value, Node like) {
    return Reductions.restore(value, like.shape(), last(like));
  }

  /** Values of one row each as rows of two. */
  static Node pair(Node first, Node second) {
    return of(List.of(first, second));
  }

  /** Values of one row each side by side. */
  static Node of(List<Node> values) {
    Shape one = values.get(0).shape().insert(values.get(0).shape().rank(), 1);
    List<Node> parts = values.stream().map(v -> Shapes.reshape(v, one)).toList();
    return Slices.concat(parts, one.rank() - 1);
  }

  /** Where along a row the index of {@code like}'s row is, as a truth value for each element. */
  static Node hit(Node index, Node like) {
    Node along = Sources.iota(like.shape(), like.shape().rank() - 1);
    return Elementwise.compare(CompareKind.EQ, along, spread(index, like));
  }

  /** The element of each row that an index says; 0 where there is none. */
  static Node pick(Node x, Node index) {
    return sum(Elementwise.select(hit(index, x), x, Sources.fullLike(0, x)));
  }

  /** One of the elements of each row. */
  static Node element(Node x, int i) {
    int axis = x.shape().rank() - 1;
    return Shapes.reshape(Slices.slice(x, axis, i, i + 1), x.shape().remove(axis));
  }
}
