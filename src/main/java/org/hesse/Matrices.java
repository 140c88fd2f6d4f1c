package org.hesse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.ir.FactorKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ops.Blocks;
import org.hesse.ops.Factors;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;

/**
 * Dense linear algebra, differentiable to any order.
 *
 * <pre>{@code
 * Tensor x = Matrices.solve(a, b);
 * Tensor logLikelihood(Tensor covariance, Tensor y) {
 *   Tensor l = Matrices.cholesky(covariance);
 *   Tensor z = Matrices.solveTriangular(l, y, Triangle.LOWER);
 *   return z.square().sum().add(Matrices.diagonal(l).log().sum().mul(2)).mul(-0.5);
 * }
 * var e = Matrices.eigh(a); // e.values(), e.vectors()
 * }</pre>
 *
 * <p>A matrix is the last two axes of an F32 or F64 tensor; axes in front are a batch, each of
 * whose matrices is treated by itself. Where two operands have batches these broadcast.
 *
 * <p>Shapes and dtypes that do not fit are an {@link IllegalArgumentException}. What only the
 * values tell is an {@link ArithmeticException} when they are computed, which names the matrix of
 * the batch and the reason: NaN or infinity in a matrix that is factorised or solved with, a matrix
 * that is singular or not positive definite, no convergence. NaN in a right-hand side passes
 * through. On a platform without LAPACK the first use is an {@link IllegalStateException} that says
 * what to do.
 *
 * <h2>Where derivatives do not exist</h2>
 *
 * Eigenvectors and singular vectors have no derivative where their values repeat, and single values
 * have no second one. There, that is within ten roundings of the largest value, such a derivative
 * is an {@link ArithmeticException} rather than NaN or a number without meaning. First derivatives
 * of eigenvalues and singular values alone never fail: for a smooth symmetric function of all of
 * them they are right, at repeated values too. A function that depends on singular vectors of a
 * matrix that is not square needs full rank, one of Q and R full column rank, one of det a
 * nonsingular matrix.
 */
public final class Matrices {
  private Matrices() {}

  /** Which half of a triangular matrix is meant; the other one is not read. */
  public enum Triangle {
    /** On and below the diagonal. */
    LOWER,
    /** On and above the diagonal. */
    UPPER
  }

  /**
   * Eigenvalues in ascending order, [n], and orthonormal eigenvectors as the columns of a matrix,
   * [n, n]; their signs are arbitrary.
   */
  public record Eigh(Tensor values, Tensor vectors) {}

  /** Q, [m, k] with orthonormal columns, and R, [k, n], upper triangular; k = min(m, n). */
  public record Qr(Tensor q, Tensor r) {}

  /**
   * U, [m, k], singular values in descending order, [k], and Vᵀ, [k, n]; k = min(m, n). The sign of
   * each pair of singular vectors is arbitrary.
   */
  public record Svd(Tensor u, Tensor s, Tensor vt) {}

  /** P A = L U: the rows of A that P puts first, second …, [n] of I32, and L and U, [n, n]. */
  public record Lu(Tensor rows, Tensor l, Tensor u) {}

  /** Sign of a determinant, −1, 0 or 1, and the logarithm of its absolute value; both []. */
  public record LogDeterminant(Tensor sign, Tensor log) {}

  // ---- factorisations

  /**
   * The lower triangular L with positive diagonal of A = L Lᵀ, [n, n]. What is factorised is (A +
   * Aᵀ)/2, so the gradient is symmetric.
   *
   * @throws ArithmeticException if A is not positive definite
   */
  public static Tensor cholesky(Tensor a) {
    return Tensor.finish(Factors.cholesky(symmetric("cholesky", a)));
  }

  /** Eigenvalues and eigenvectors of (A + Aᵀ)/2, [n, n]. */
  public static Eigh eigh(Tensor a) {
    List<Tensor> parts =
        parts(new FactorKind.Eigh(), symmetric("eigh", a), Factor.EIGH_VALUES, Factor.EIGH_VECTORS);
    return new Eigh(parts.get(0), parts.get(1));
  }

  /**
   * A = Q R with Rᵢᵢ ≥ 0, which makes it unique where the first min(m, n) columns of A are linearly
   * independent.
   */
  public static Qr qr(Tensor a) {
    requireMatrix("qr", a);
    int m = a.dim(-2);
    boolean wide = a.dim(-1) > m;
    Node first = wide ? a.slice(-1, 0, m).node() : a.node();
    List<Tensor> parts = parts(new FactorKind.Qr(), first, Factor.QR_Q, Factor.QR_R);
    Tensor q = parts.get(0);
    Tensor r = parts.get(1);
    if (wide) {
      Tensor rest = product(q.transpose(), a.slice(-1, m, a.dim(-1)));
      r = Tensor.concat(a.rank() - 1, r, rest);
    }
    return new Qr(q, r);
  }

  /** A = U diag(s) Vᵀ. */
  public static Svd svd(Tensor a) {
    requireMatrix("svd", a);
    List<Tensor> parts =
        parts(new FactorKind.Svd(), a.node(), Factor.SVD_U, Factor.SVD_S, Factor.SVD_V);
    return new Svd(parts.get(0), parts.get(1), parts.get(2).transpose());
  }

  /** P A = L U by partial pivoting, [n, n]; a singular A is no error, U then has a zero there. */
  public static Lu lu(Tensor a) {
    requireSquare("lu", a);
    List<Tensor> parts = parts(new FactorKind.Lu(), a.node(), Factor.LU_FACTORS, Factor.LU_ROWS);
    Tensor factors = parts.get(0);
    Tensor one = identity(a);
    return new Lu(parts.get(1).cast(DType.I32), lower(factors, -1).add(one), upper(factors, 0));
  }

  // ---- solving

  /**
   * X of A X = B.
   *
   * @param a [n, n]
   * @param b [n, k], or a vector [n] without batch axes of its own
   * @return the shape of b, with the batch axes of both
   * @throws ArithmeticException if A is exactly singular
   */
  public static Tensor solve(Tensor a, Tensor b) {
    requireSquare("solve", a);
    Node right = Tensor.given("solve", "b", b).node();
    Node lu = Factors.packed(new FactorKind.Lu(), a.node());
    return solve("solve", new FactorKind.LuSolve(false), List.of(lu, right, a.node()), a, b);
  }

  /** X of A X = B for a triangular A; otherwise like {@link #solve}. */
  public static Tensor solveTriangular(Tensor a, Tensor b, Triangle triangle) {
    return solveTriangular(a, b, triangle, false, false);
  }

  /**
   * X of A X = B for a triangular A; otherwise like {@link #solve}.
   *
   * @param triangle where A is, before it is transposed
   * @param transposed solves Aᵀ X = B instead
   * @param unitDiagonal takes the diagonal as 1 and does not read it
   */
  public static Tensor solveTriangular(
      Tensor a, Tensor b, Triangle triangle, boolean transposed, boolean unitDiagonal) {
    requireSquare("solveTriangular", a);
    Node right = Tensor.given("solveTriangular", "b", b).node();
    FactorKind kind =
        new FactorKind.TriangularSolve(triangle == Triangle.LOWER, transposed, unitDiagonal);
    return solve("solveTriangular", kind, List.of(a.node(), right), a, b);
  }

  /**
   * X of L Lᵀ X = B; otherwise like {@link #solve}.
   *
   * @param l what {@link #cholesky} has given
   */
  public static Tensor solveCholesky(Tensor l, Tensor b) {
    Tensor half = solveTriangular(l, b, Triangle.LOWER);
    return solveTriangular(l, half, Triangle.LOWER, true, false);
  }

  /**
   * A⁻¹, [n, n]. To apply it, {@link #solve} is faster and more accurate.
   *
   * @throws ArithmeticException if A is exactly singular
   */
  public static Tensor inverse(Tensor a) {
    requireSquare("inverse", a);
    return solve(a, identity(a));
  }

  /** Broadcasts the batches, and lets a matrix without one serve a batch of right-hand sides. */
  private static Tensor solve(String call, FactorKind kind, List<Node> inputs, Tensor a, Tensor b) {
    boolean vector = b.rank() == 1;
    if (b.rank() == 0 || b.dim(vector ? -1 : -2) != a.dim(-1) || b.dtype() != a.dtype()) {
      throw new IllegalArgumentException(
          call
              + ": a is "
              + type(a)
              + " and b is "
              + type(b)
              + "; expected b to have "
              + a.dim(-1)
              + " rows, or to be a vector of "
              + a.dim(-1)
              + ", and the dtype of a");
    }
    Node rhs = vector ? Shapes.reshape(b.node(), b.shape().insert(1, 1)) : b.node();
    List<Node> in = new ArrayList<>(inputs);
    in.set(1, rhs);
    Node x;
    if (a.rank() == 2) {
      x = Factors.solveMany(kind, in, rhs.shape().rank() - 2);
    } else {
      Shape batch = Shape.broadcast(batch(a.shape()), batch(rhs.shape()));
      in.replaceAll(n -> Shapes.broadcastTo(n, withBatch(n.shape(), batch)));
      x = Factors.solveMany(kind, in, 0);
    }
    return Tensor.finish(vector ? Shapes.reshape(x, x.shape().remove(x.shape().rank() - 1)) : x);
  }

  private static Shape batch(Shape s) {
    return Shape.of(Arrays.copyOf(s.dims(), s.rank() - 2));
  }

  private static Shape withBatch(Shape s, Shape batch) {
    int r = batch.rank();
    return batch.insert(r, s.dim(s.rank() - 2)).insert(r + 1, s.dim(s.rank() - 1));
  }

  // ---- numbers

  /** det A, [n, n] → []; 1 for n = 0. Its derivative needs a nonsingular A. */
  public static Tensor det(Tensor a) {
    return determinant("det", a, 2).get(0);
  }

  /** Sign and log |det A|, without overflow; (0, −∞) for a singular A. */
  public static LogDeterminant slogdet(Tensor a) {
    List<Tensor> parts = determinant("slogdet", a, 0, 1);
    return new LogDeterminant(parts.get(0), parts.get(1));
  }

  private static List<Tensor> determinant(String call, Tensor a, int... which) {
    requireSquare(call, a);
    Node lu = Factors.packed(new FactorKind.Lu(), a.node());
    Node packed = Factors.determinant(lu, a.node());
    int axis = packed.shape().rank() - 1;
    List<Node> nodes = new ArrayList<>();
    for (int i : which) {
      Node one = Slices.slice(packed, axis, i, i + 1);
      nodes.add(Shapes.reshape(one, one.shape().remove(axis)));
    }
    return finish(nodes);
  }

  /** The sum of the diagonal, [n, n] → []. */
  public static Tensor trace(Tensor a) {
    requireSquare("trace", a);
    return Tensor.finish(Blocks.trace(a.node()));
  }

  // ---- parts and building

  /** The main diagonal, [m, n] → [min(m, n)]; any dtype. */
  public static Tensor diagonal(Tensor a) {
    requireMatrix("diagonal", a);
    return Tensor.finish(Blocks.diagonal(a.node()));
  }

  /** The matrix with this diagonal and zeros elsewhere, [n] → [n, n]. */
  public static Tensor diagonalMatrix(Tensor diagonal) {
    if (diagonal.rank() < 1) {
      throw new IllegalArgumentException(
          "diagonalMatrix: given " + type(diagonal) + "; expected a vector in the last axis");
    }
    return Tensor.finish(Blocks.diagonalMatrix(diagonal.node()));
  }

  /**
   * The part on and below a diagonal, zeros above.
   *
   * @param offset which diagonal: 0 is the main one, 1 the one above it, −1 the one below it
   */
  public static Tensor lower(Tensor a, int offset) {
    requireMatrix("lower", a);
    return Tensor.finish(Blocks.lower(a.node(), offset));
  }

  /** The part on and above a diagonal, counted as in {@link #lower}; zeros below. */
  public static Tensor upper(Tensor a, int offset) {
    requireMatrix("upper", a);
    return Tensor.finish(Blocks.upper(a.node(), offset));
  }

  // ---- shared parts

  /** The identity matrix of the size of a matrix, where that is. */
  private static Tensor identity(Tensor a) {
    Shape shape = Shape.of(a.dim(-1));
    Node ones = Sources.full(1, shape, a.dtype());
    return Hesse.on(a.device(), () -> Tensor.finish(Blocks.diagonalMatrix(ones)));
  }

  private static Tensor product(Tensor a, Tensor b) {
    return Tensor.finish(Blocks.product(a.node(), b.node()));
  }

  private static Node symmetric(String call, Tensor a) {
    requireSquare(call, a);
    return Blocks.symmetric(a.node());
  }

  /** Factors of one matrix, computed together. */
  private static List<Tensor> parts(FactorKind kind, Node a, Factor... factors) {
    Node packed = Factors.packed(kind, a);
    return finish(Arrays.stream(factors).map(f -> Factors.part(f, packed, a)).toList());
  }

  private static List<Tensor> finish(List<Node> nodes) {
    return Trace.current() == null
        ? Hesse.evaluate(nodes)
        : nodes.stream().map(Tensor::finish).toList();
  }

  private static void requireSquare(String call, Tensor a) {
    requireMatrix(call, a);
    if (a.dim(-1) != a.dim(-2) || !a.dtype().isReal()) {
      throw new IllegalArgumentException(
          call + ": given " + type(a) + "; expected square matrices [n, n] of F32 or F64");
    }
  }

  private static void requireMatrix(String call, Tensor a) {
    if (a.rank() < 2) {
      throw new IllegalArgumentException(
          call + ": given " + type(a) + "; expected a matrix in the last two axes");
    }
  }

  private static String type(Tensor a) {
    return a.dtype().toString() + a.shape();
  }
}
