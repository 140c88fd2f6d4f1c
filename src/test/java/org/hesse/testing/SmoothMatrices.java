package org.hesse.testing;

import java.util.Random;
import org.hesse.Shape;
import org.hesse.ir.FactorKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Blocks;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Factors;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;

/** Draws dense linear algebra on well-conditioned matrices made of given nodes. */
final class SmoothMatrices {
  private final Random random;

  SmoothMatrices(Random random) {
    this.random = random;
  }

  /** A draw; null where the node has too few elements. */
  Node next(Node x) {
    int size = (int) x.shape().size();
    int n = 1 + random.nextInt(3);
    int m = n + random.nextInt(2);
    int batch = size / (m * n);
    if (batch == 0) {
      return null;
    }
    // A batch of its own, or a single matrix.
    Shape shape = random.nextBoolean() ? Shape.of(Math.min(batch, 2), m, n) : Shape.of(m, n);
    Node flat = Shapes.reshape(x, Shape.of(size));
    Node elements = Shapes.reshape(Slices.slice(flat, 0, 0, (int) shape.size()), shape);
    Node a = dominant(elements);
    return switch (random.nextInt(m == n ? 8 : 2)) {
      case 0 -> orthogonal(a);
      case 1 -> singular(a);
      case 2 -> Factors.cholesky(Blocks.symmetric(a));
      case 3 -> triangular(a, elements);
      case 4 -> solution(a, elements);
      case 5 -> determinant(a);
      case 6 -> Factors.part(Factor.LU_FACTORS, Factors.packed(new FactorKind.Lu(), a), a);
      default -> eigen(Blocks.symmetric(a));
    };
  }

  /** Small numbers, and 2, 4, 6 … on the diagonal, so that the values are well apart. */
  private static Node dominant(Node elements) {
    Shape s = elements.shape();
    Node small = Elementwise.scale(0.3, Elementwise.unary(UnaryKind.TANH, elements));
    Node index = Elementwise.cast(Sources.iota(s, s.rank() - 1), elements.dtype());
    Node diagonal = Elementwise.add(index, Sources.fullLike(1, index));
    Node square = Blocks.lower(Blocks.upper(Elementwise.scale(2, diagonal), 0), 0);
    return Elementwise.add(small, square);
  }

  private Node triangular(Node a, Node b) {
    var kind =
        new FactorKind.TriangularSolve(
            random.nextBoolean(), random.nextBoolean(), random.nextInt(3) == 0);
    return Factors.triangularSolve(kind, a, b);
  }

  private Node solution(Node a, Node b) {
    Node lu = Factors.packed(new FactorKind.Lu(), a);
    return Factors.luSolve(random.nextBoolean(), lu, b, a);
  }

  /** The logarithm and the value; the sign has no derivative. */
  private static Node determinant(Node a) {
    Node packed = Factors.determinant(Factors.packed(new FactorKind.Lu(), a), a);
    int axis = packed.shape().rank() - 1;
    return Slices.slice(packed, axis, 1, 2);
  }

  private Node orthogonal(Node a) {
    Node packed = Factors.packed(new FactorKind.Qr(), a);
    return Factors.part(random.nextBoolean() ? Factor.QR_Q : Factor.QR_R, packed, a);
  }

  /** Eigenvalues, or V sin(Λ) Vᵀ, which does not depend on signs. */
  private Node eigen(Node a) {
    Node packed = Factors.packed(new FactorKind.Eigh(), a);
    Node values = Factors.part(Factor.EIGH_VALUES, packed, a);
    if (random.nextBoolean()) {
      return values;
    }
    Node vectors = Factors.part(Factor.EIGH_VECTORS, packed, a);
    return Blocks.product(scaled(vectors, values), Blocks.transposed(vectors));
  }

  /** Singular values, or U sin(S) Vᵀ. */
  private Node singular(Node a) {
    Node packed = Factors.packed(new FactorKind.Svd(), a);
    Node values = Factors.part(Factor.SVD_S, packed, a);
    if (random.nextBoolean()) {
      return values;
    }
    Node u = Factors.part(Factor.SVD_U, packed, a);
    Node v = Factors.part(Factor.SVD_V, packed, a);
    return Blocks.product(scaled(u, values), Blocks.transposed(v));
  }

  /** Columns times the sines of values. */
  private static Node scaled(Node columns, Node values) {
    Shape s = columns.shape();
    Node sines = Elementwise.unary(UnaryKind.SIN, values);
    Shape row = sines.shape().insert(sines.shape().rank() - 1, 1);
    return Elementwise.mul(columns, Shapes.broadcastTo(Shapes.reshape(sines, row), s));
  }
}
