package org.hesse.ops;

import static org.hesse.ops.Blocks.alongColumns;
import static org.hesse.ops.Blocks.alongRows;
import static org.hesse.ops.Blocks.identityLike;
import static org.hesse.ops.Blocks.lower;
import static org.hesse.ops.Blocks.product;
import static org.hesse.ops.Blocks.transposed;
import static org.hesse.ops.Blocks.upper;
import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.div;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.neg;
import static org.hesse.ops.Elementwise.sub;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.FactorKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Derivatives, transposes and batching of dense linear algebra. Everything is written with the same
 * primitives, so it can be differentiated again.
 *
 * <p>Sources: Giles, Collected matrix derivative results for forward and reverse mode algorithmic
 * differentiation (2008), for solving, determinant and eigenvalues; Murray, Differentiation of the
 * Cholesky decomposition (2016); Townsend, Differentiating the singular value decomposition (2016);
 * Seeger, Hetzel, Dai, Meissner, Lawrence, Auto-differentiating linear algebra (2017), for QR and
 * eigenvectors; de Hoog, Anderssen, Lukas, Differentiation of matrix functionals using triangular
 * factorization (2011), for LU.
 */
final class FactorRules {
  private FactorRules() {}

  static final Rule<Op.Factor> FACTOR =
      new Rule<>() {
        @Override
        public Node emit(Op.Factor op, List<Node> in, Shape shape, DType dtype) {
          return Factors.emit(op.kind(), in);
        }

        @Override
        public @Nullable Node jvp(Op.Factor op, Node y, @Nullable Node[] tangents) {
          return switch (op.kind()) {
            case FactorKind.Cholesky c -> ifPresent(tangents[0], t -> cholesky(y, t));
            case FactorKind.TriangularSolve kind -> triangularSolve(kind, y, tangents);
            case FactorKind.LuSolve kind -> luSolve(kind, y, tangents);
            case FactorKind.Determinant d -> ifPresent(tangents[1], t -> determinant(y, t));
            case FactorKind.Gaps g -> ifPresent(tangents[0], t -> gaps(y, t));
            case FactorKind.Part(Factor factor) -> ifPresent(tangents[1], t -> part(factor, y, t));
            // Derivatives go through the parts, which know the matrix.
            case FactorKind.Lu l -> null;
            case FactorKind.Eigh e -> null;
            case FactorKind.Qr q -> null;
            case FactorKind.Svd s -> null;
          };
        }

        @Override
        public @Nullable Node[] transpose(Op.Factor op, Node y, Node ct, boolean[] linear) {
          boolean inRightHandSide = linear.length > 1 && linear[1] && !linear[0];
          return switch (op.kind()) {
            case FactorKind.TriangularSolve(boolean low, boolean tr, boolean unit)
                when inRightHandSide -> {
              var back = new FactorKind.TriangularSolve(low, !tr, unit);
              yield new @Nullable Node[] {null, Factors.triangularSolve(back, y.input(0), ct)};
            }
            case FactorKind.LuSolve(boolean tr) when inRightHandSide && !linear[2] -> {
              Node back = Factors.luSolve(!tr, y.input(0), ct, y.input(2));
              yield new @Nullable Node[] {null, back, null};
            }
            default -> Rule.super.transpose(op, y, ct, linear);
          };
        }

        @Override
        public Node batch(Op.Factor op, Node y, List<Node> in, boolean[] batched, int size) {
          boolean sharedMatrix =
              switch (op.kind()) {
                case FactorKind.TriangularSolve s -> !batched[0];
                case FactorKind.LuSolve s -> !batched[0] && !batched[2];
                default -> false;
              };
          if (sharedMatrix) {
            return Factors.solveMany(op.kind(), in, 1);
          }
          List<Node> all = new ArrayList<>();
          for (int i = 0; i < in.size(); i++) {
            all.add(batched[i] ? in.get(i) : Shapes.repeat(in.get(i), size));
          }
          return Factors.emit(op.kind(), all);
        }
      };

  private interface Tangent {
    @Nullable Node of(Node t);
  }

  private static @Nullable Node ifPresent(@Nullable Node t, Tangent rule) {
    return t == null ? null : rule.of(t);
  }

  /** X of X T = B for a triangular T. */
  private static Node solveRight(FactorKind.TriangularSolve transposedKind, Node t, Node b) {
    return transposed(Factors.triangularSolve(transposedKind, t, transposed(b)));
  }

  private static final FactorKind.TriangularSolve LOWER =
      new FactorKind.TriangularSolve(true, false, false);

  private static final FactorKind.TriangularSolve UNIT_LOWER =
      new FactorKind.TriangularSolve(true, false, true);

  private static final FactorKind.TriangularSolve UPPER_TRANSPOSED =
      new FactorKind.TriangularSolve(false, true, false);

  /** L′ = L Φ(L⁻¹ A′ L⁻ᵀ), where Φ takes the lower triangle with half the diagonal. */
  private static Node cholesky(Node l, Node t) {
    Node z = solveRight(LOWER, l, Factors.triangularSolve(LOWER, l, t));
    Node strict = lower(z, -1);
    Node diagonal = sub(lower(z, 0), strict);
    return product(l, add(strict, Elementwise.scale(0.5, diagonal)));
  }

  /** X′ = op(A)⁻¹ (B′ − op(A′) X). */
  private static @Nullable Node triangularSolve(
      FactorKind.TriangularSolve kind, Node x, @Nullable Node[] tangents) {
    Node ta = tangents[0];
    Node moved = null;
    if (ta != null) {
      int offset = kind.unit() ? 1 : 0;
      Node triangle = kind.lower() ? lower(ta, -offset) : upper(ta, offset);
      moved = product(kind.transposed() ? transposed(triangle) : triangle, x);
    }
    Node rhs = difference(tangents[1], moved);
    return rhs == null ? null : Factors.triangularSolve(kind, x.input(0), rhs);
  }

  /** X′ = op(A)⁻¹ (B′ − op(A′) X). */
  private static @Nullable Node luSolve(
      FactorKind.LuSolve kind, Node x, @Nullable Node[] tangents) {
    Node ta = tangents[2];
    Node moved = ta == null ? null : product(kind.transposed() ? transposed(ta) : ta, x);
    Node rhs = difference(tangents[1], moved);
    return rhs == null ? null : Factors.luSolve(kind.transposed(), x.input(0), rhs, x.input(2));
  }

  private static @Nullable Node difference(@Nullable Node a, @Nullable Node b) {
    return b == null ? a : a == null ? neg(b) : sub(a, b);
  }

  /** (log |det A|)′ = tr A⁻¹ A′, (det A)′ = det A · tr A⁻¹ A′; the sign is constant. */
  private static Node determinant(Node y, Node t) {
    Node trace = Blocks.trace(Factors.luSolve(false, y.input(0), t, y.input(1)));
    int axis = trace.shape().rank();
    Node log = Shapes.reshape(trace, trace.shape().insert(axis, 1));
    Node det = Slices.slice(y, axis, 2, 3);
    return Slices.concat(List.of(Sources.fullLike(0, log), log, mul(det, log)), axis);
  }

  /** (1 / (xⱼ − xᵢ))′ = −(xⱼ′ − xᵢ′) / (xⱼ − xᵢ)². */
  private static Node gaps(Node y, Node t) {
    int n = Blocks.rows(y);
    return mul(neg(mul(y, y)), sub(alongColumns(t, n), alongRows(t, n)));
  }

  private static @Nullable Node part(Factor factor, Node y, Node t) {
    return switch (factor) {
      case LU_FACTORS -> lu(y, t);
      case LU_ROWS -> null;
      case EIGH_VALUES -> eigenvalues(y, t);
      case EIGH_VECTORS -> eigenvectors(y, t);
      case QR_Q, QR_R -> qr(factor, y, t);
      case SVD_S -> singularValues(y, t);
      case SVD_U, SVD_V -> singularVectors(factor, y, t);
    };
  }

  /** Another factor of the same factorisation. */
  private static Node sibling(Factor factor, Node y) {
    return Factors.part(factor, y.input(0), y.input(1));
  }

  /** With M = L⁻¹ P A′ U⁻¹: L′ = L · (M below the diagonal), U′ = (M from the diagonal on) · U. */
  private static Node lu(Node y, Node t) {
    Node rows = Elementwise.cast(sibling(Factor.LU_ROWS, y), DType.I32);
    int axis = Blocks.batchRank(t);
    Node left = Factors.triangularSolve(UNIT_LOWER, y, Indexing.gather(t, rows, axis, axis));
    Node m = solveRight(UPPER_TRANSPOSED, y, left);
    Node l = add(lower(y, -1), identityLike(y));
    return add(product(l, lower(m, -1)), product(upper(m, 0), upper(y, 0)));
  }

  /** λ′ = diag(Vᵀ A′ V). */
  private static Node eigenvalues(Node y, Node t) {
    Node v = sibling(Factor.EIGH_VECTORS, y);
    return columnSums(mul(v, product(t, v)));
  }

  private static Node columnSums(Node a) {
    return Reductions.sum(a, Axes.of(Blocks.batchRank(a)));
  }

  /** V′ = V (G ∘ Vᵀ A′ V) with Gᵢⱼ = 1 / (λⱼ − λᵢ) off the diagonal. */
  private static Node eigenvectors(Node v, Node t) {
    Node g = Factors.gaps(FactorKind.Values.EIGENVALUES, sibling(Factor.EIGH_VALUES, v));
    return product(v, mul(g, product(transposed(v), product(t, v))));
  }

  /** With C = A′ R⁻¹, M = Qᵀ C and W = upper(M) + strictly_lower(M)ᵀ: R′ = W R, Q′ = C − Q W. */
  private static Node qr(Factor factor, Node y, Node t) {
    Node q = sibling(Factor.QR_Q, y);
    Node r = sibling(Factor.QR_R, y);
    Node c = solveRight(UPPER_TRANSPOSED, r, t);
    Node m = product(transposed(q), c);
    Node w = add(upper(m, 0), transposed(lower(m, -1)));
    return factor == Factor.QR_R ? product(w, r) : sub(c, product(q, w));
  }

  /** s′ = diag(Uᵀ A′ V). */
  private static Node singularValues(Node y, Node t) {
    Node u = sibling(Factor.SVD_U, y);
    return columnSums(mul(u, product(t, sibling(Factor.SVD_V, y))));
  }

  /**
   * With P = Uᵀ A′ V and E = 1 / (sⱼ² − sᵢ²) off the diagonal: U′ = U (E ∘ (P S + S Pᵀ)) + (1 − U
   * Uᵀ) A′ V S⁻¹. The same of Aᵀ gives V′.
   */
  private static Node singularVectors(Factor factor, Node y, Node t) {
    boolean left = factor == Factor.SVD_U;
    Node u = sibling(left ? Factor.SVD_U : Factor.SVD_V, y);
    Node v = sibling(left ? Factor.SVD_V : Factor.SVD_U, y);
    Node s = sibling(Factor.SVD_S, y);
    int k = Blocks.columns(u);
    boolean complement = Blocks.rows(u) > k;
    Node moved = product(left ? t : transposed(t), v);
    Node p = product(transposed(u), moved);
    Node g = singularGaps(s, complement);
    Node square = complement ? block(g, k) : g;
    Node sums = add(add(alongRows(s, k), alongColumns(s, k)), identityLike(square));
    Node ps = mul(p, alongColumns(s, k));
    Node result = product(u, mul(div(square, sums), add(ps, transposed(ps))));
    if (complement) {
      int rank = Blocks.batchRank(g);
      Node last = Slices.slice(Slices.slice(g, rank, k, k + 1), rank + 1, 0, k);
      Node inverse = Shapes.reshape(last, s.shape());
      Node outside = sub(moved, product(u, p));
      result = add(result, mul(outside, alongColumns(inverse, Blocks.rows(u))));
    }
    return result;
  }

  /** Gaps of the singular values and, if asked, of the 0 that belongs to the complement. */
  private static Node singularGaps(Node s, boolean complement) {
    if (!complement) {
      return Factors.gaps(FactorKind.Values.SINGULAR_VALUES, s);
    }
    int axis = s.shape().rank() - 1;
    Node zero = Sources.full(0, s.shape().with(axis, 1), s.dtype());
    return Factors.gaps(
        FactorKind.Values.SINGULAR_VALUES_AND_ZERO, Slices.concat(List.of(s, zero), axis));
  }

  private static Node block(Node g, int k) {
    int rank = Blocks.batchRank(g);
    return Slices.slice(Slices.slice(g, rank, 0, k), rank + 1, 0, k);
  }
}
