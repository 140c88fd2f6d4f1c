package org.hesse.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.FactorKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** Emits dense linear algebra, and checks it. */
public final class Factors {
  private Factors() {}

  /** L of A = L Lᵀ for a symmetric A, of which the lower triangle is read. */
  public static Node cholesky(Node a) {
    return emit(new FactorKind.Cholesky(), List.of(a));
  }

  /** X of A X = B or, transposed, Aᵀ X = B for a triangular A. */
  public static Node triangularSolve(FactorKind.TriangularSolve kind, Node a, Node b) {
    return emit(kind, List.of(a, b));
  }

  /** The packed factorisation of a matrix. */
  public static Node packed(FactorKind kind, Node a) {
    return emit(kind, List.of(a));
  }

  /** A factor of a packed factorisation of A. */
  public static Node part(Factor factor, Node packed, Node a) {
    return emit(new FactorKind.Part(factor), List.of(packed, a));
  }

  /** X of A X = B or, transposed, Aᵀ X = B, given the packed LU factorisation of A. */
  public static Node luSolve(boolean transposed, Node lu, Node b, Node a) {
    return emit(new FactorKind.LuSolve(transposed), List.of(lu, b, a));
  }

  /** Sign, logarithm of the absolute value, and value of det A. */
  public static Node determinant(Node lu, Node a) {
    return emit(new FactorKind.Determinant(), List.of(lu, a));
  }

  /** Inverse differences of values, see {@link FactorKind.Gaps}. */
  static Node gaps(FactorKind.Values of, Node values) {
    return emit(new FactorKind.Gaps(of), List.of(values));
  }

  /** The shape rule. */
  static Node emit(FactorKind kind, List<Node> in) {
    Node a = in.get(0);
    for (Node x : in) {
      if (!x.dtype().isReal() || x.dtype() != a.dtype()) {
        throw misfit(kind, in, "expected one real dtype (convert with cast)");
      }
    }
    Shape shape =
        switch (kind) {
          case FactorKind.Cholesky c -> square(kind, in, a).shape();
          case FactorKind.TriangularSolve s -> rightHandSide(kind, in, square(kind, in, a), 1);
          case FactorKind.Lu l -> packedRows(square(kind, in, a), Blocks.columns(a) + 1);
          case FactorKind.Eigh e -> packedRows(square(kind, in, a), Blocks.columns(a) + 1);
          case FactorKind.Qr q -> qr(kind, in, a);
          case FactorKind.Svd s -> svd(kind, in, a);
          case FactorKind.LuSolve s -> rightHandSide(kind, in, square(kind, in, in.get(2)), 1);
          case FactorKind.Determinant d -> Blocks.resized(square(kind, in, in.get(1)), 2, 3);
          case FactorKind.Part(Factor factor) -> partShape(factor, matrix(kind, in, in.get(1)));
          case FactorKind.Gaps g -> gapsShape(kind, in, a);
        };
    if (kind instanceof FactorKind.Determinant && Blocks.columns(a) == 0) {
      return determinantOfNothing(shape, a);
    }
    return new Node(new Op.Factor(kind), in, shape, a.dtype());
  }

  /** Sign 1, logarithm 0, determinant 1. */
  private static Node determinantOfNothing(Shape shape, Node a) {
    int axis = shape.rank() - 1;
    Shape one = shape.with(axis, 1);
    List<Node> parts = new ArrayList<>();
    for (int value : new int[] {1, 0, 1}) {
      parts.add(Sources.full(value, one, a.dtype()));
    }
    return Slices.concat(parts, axis);
  }

  private static Node matrix(FactorKind kind, List<Node> in, Node a) {
    if (a.shape().rank() < 2) {
      throw misfit(kind, in, "expected a matrix, with any batch axes in front");
    }
    return a;
  }

  private static Node square(FactorKind kind, List<Node> in, Node a) {
    if (a.shape().rank() < 2 || Blocks.rows(a) != Blocks.columns(a)) {
      throw misfit(kind, in, "expected a square matrix in the last two axes");
    }
    return a;
  }

  private static Shape rightHandSide(FactorKind kind, List<Node> in, Node a, int at) {
    Node b = in.get(at);
    int r = a.shape().rank();
    boolean ok = b.shape().rank() == r;
    for (int i = 0; ok && i < r - 1; i++) {
      ok = a.shape().dim(i) == b.shape().dim(i);
    }
    if (!ok) {
      throw misfit(
          kind, in, "expected a right-hand side with as many rows and the same batch axes");
    }
    return b.shape();
  }

  private static Shape packedRows(Node a, int rows) {
    return Blocks.resized(a, 2, rows, Blocks.columns(a));
  }

  private static Shape qr(FactorKind kind, List<Node> in, Node a) {
    int m = Blocks.rows(matrix(kind, in, a));
    if (m < Blocks.columns(a)) {
      throw misfit(kind, in, "expected at least as many rows as columns");
    }
    return packedRows(a, m + Blocks.columns(a));
  }

  private static Shape svd(FactorKind kind, List<Node> in, Node a) {
    int m = Blocks.rows(matrix(kind, in, a));
    int n = Blocks.columns(a);
    return Blocks.resized(a, 2, m + n + 1, Math.min(m, n));
  }

  private static Shape partShape(Factor factor, Node a) {
    int m = Blocks.rows(a);
    int n = Blocks.columns(a);
    int width = Math.min(m, n);
    return factor.isVector()
        ? Blocks.resized(a, 2, width)
        : Blocks.resized(a, 2, factor.rows(m, n), width);
  }

  private static Shape gapsShape(FactorKind kind, List<Node> in, Node x) {
    if (x.shape().rank() < 1) {
      throw misfit(kind, in, "expected a vector, with any batch axes in front");
    }
    int n = x.shape().dim(x.shape().rank() - 1);
    return Blocks.resized(x, 1, n, n);
  }

  private static IllegalArgumentException misfit(FactorKind kind, List<Node> in, String expected) {
    String given = String.join(" and ", in.stream().limit(2).map(Elementwise::type).toList());
    return new IllegalArgumentException(kind.mnemonic() + ": given " + given + "; " + expected);
  }

  /**
   * The same solver for a right-hand side with further axes in front: they become columns, so that
   * the matrix is used once.
   *
   * @param extra how many further axes there are, in front of those of the matrix
   */
  public static Node solveMany(FactorKind kind, List<Node> in, int extra) {
    Node b = in.get(1);
    int rank = b.shape().rank();
    int columns = 1;
    int[] order = new int[rank];
    for (int i = 0; i < extra; i++) {
      columns = Math.multiplyExact(columns, b.shape().dim(i));
      order[rank - 1 - extra + i] = i;
    }
    for (int i = extra; i < rank; i++) {
      order[i == rank - 1 ? i : i - extra] = i;
    }
    Axes axes = Axes.of(order);
    Node moved = Shapes.permute(b, axes);
    int[] lead = Arrays.copyOf(moved.shape().dims(), rank - extra);
    lead[rank - extra - 1] = Math.multiplyExact(columns, b.shape().dim(rank - 1));
    List<Node> inputs = new ArrayList<>(in);
    inputs.set(1, Shapes.reshape(moved, Shape.of(lead)));
    Node x = Shapes.reshape(emit(kind, inputs), moved.shape());
    return Shapes.permute(x, axes.inverse());
  }
}
