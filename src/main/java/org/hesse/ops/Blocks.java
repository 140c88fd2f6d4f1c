package org.hesse.ops;

import java.util.stream.IntStream;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** Matrices in the last two axes, with equal batch axes in front. */
public final class Blocks {
  private Blocks() {}

  /** Axes in front of the last two. */
  static int batchRank(Node x) {
    return x.shape().rank() - 2;
  }

  static int rows(Node x) {
    return x.shape().dim(batchRank(x));
  }

  static int columns(Node x) {
    return x.shape().dim(batchRank(x) + 1);
  }

  /** A shape with other extents in place of the last ones. */
  static Shape resized(Node x, int replaced, int... extents) {
    int lead = x.shape().rank() - replaced;
    IntStream dims = IntStream.range(0, lead).map(x.shape()::dim);
    return Shape.of(IntStream.concat(dims, IntStream.of(extents)).toArray());
  }

  /** A B. */
  public static Node product(Node a, Node b) {
    int r = batchRank(a);
    Axes batch = Axes.range(0, r);
    Op.Dot dot = new Op.Dot(Axes.of(r + 1), Axes.of(r), batch, batch);
    return Products.dot(dot, a, b, a.dtype());
  }

  /** Aᵀ. */
  public static Node transposed(Node a) {
    int r = batchRank(a);
    return Shapes.permute(a, Axes.range(0, r).then(Axes.of(r + 1, r)));
  }

  /** (A + Aᵀ) / 2. */
  public static Node symmetric(Node a) {
    return Elementwise.scale(0.5, Elementwise.add(a, transposed(a)));
  }

  /** Elements (i, j) for which i + offset compares with j as asked; zero elsewhere. */
  static Node masked(Node a, int offset, CompareKind kind) {
    int r = batchRank(a);
    Node row = Sources.iota(a.shape(), r);
    Node moved = offset == 0 ? row : Elementwise.add(row, Sources.fullLike(offset, row));
    Node keep = Elementwise.compare(kind, moved, Sources.iota(a.shape(), r + 1));
    return Elementwise.select(keep, a, Sources.fullLike(0, a));
  }

  /** The part on and below the diagonal that lies {@code offset} above the main one. */
  public static Node lower(Node a, int offset) {
    return masked(a, offset, CompareKind.GE);
  }

  /** The part on and above the diagonal that lies {@code offset} above the main one. */
  public static Node upper(Node a, int offset) {
    return masked(a, offset, CompareKind.LE);
  }

  /** The main diagonal, [m, n] → [min(m, n)]. */
  public static Node diagonal(Node a) {
    int m = rows(a);
    int n = columns(a);
    int k = Math.min(m, n);
    Node flat = Shapes.reshape(Slices.slice(a, batchRank(a), 0, k), resized(a, 2, k * n));
    int r = flat.shape().rank();
    Axes none = Axes.of(new int[r]);
    Axes stride = none.plus(1);
    int[] steps = stride.toArray();
    steps[r - 1] = n + 1;
    return Slices.slice(flat, none, Axes.of(steps), flat.shape().with(r - 1, k));
  }

  /** A square matrix with this diagonal, [n] → [n, n]. */
  public static Node diagonalMatrix(Node x) {
    int n = x.shape().dim(x.shape().rank() - 1);
    return masked(alongColumns(x, n), 0, CompareKind.EQ);
  }

  /** The identity, of the shape and dtype of a batch of square matrices. */
  static Node identityLike(Node a) {
    return masked(Sources.fullLike(1, a), 0, CompareKind.EQ);
  }

  /** Element (i, j) is x[i], [m] → [m, n]. */
  static Node alongRows(Node x, int n) {
    int r = x.shape().rank();
    return Shapes.broadcast(x, x.shape().insert(r, n), Axes.range(0, r));
  }

  /** Element (i, j) is x[j], [n] → [m, n]. */
  static Node alongColumns(Node x, int m) {
    int r = x.shape().rank();
    Shape shape = x.shape().insert(r - 1, m);
    return Shapes.broadcast(x, shape, Axes.range(0, r - 1).then(Axes.of(r)));
  }

  /** The trace, [n, n] → []. */
  public static Node trace(Node a) {
    Node d = diagonal(a);
    return Reductions.sum(d, Axes.of(d.shape().rank() - 1));
  }
}
