package org.hesse.linalg;

import java.util.List;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * A square matrix A of n×n numbers known through its products with vectors.
 *
 * <pre>{@code
 * LinearOperator damped = hessian.shift(1e-3);
 * Tensor y = damped.apply(v);                  // [n] -> [n]
 * Tensor ys = damped.applyAll(vs);             // [k, n] -> [k, n], each row a vector
 * }</pre>
 *
 * <p>The same product made twice must give the same result: the algorithms of this package rely on
 * it, and on ⟨u, Av⟩ = ⟨v, Au⟩ where {@link #symmetric()} says so.
 */
public interface LinearOperator extends LinearMap {

  /** n, the number of rows and of columns. */
  int size();

  @Override
  default int rows() {
    return size();
  }

  @Override
  default int columns() {
    return size();
  }

  /** Whether A = Aᵀ, up to rounding. */
  boolean symmetric();

  /**
   * Aᵀ.
   *
   * @throws UnsupportedOperationException if A is not symmetric and its adjoint is not known
   */
  @Override
  default LinearOperator adjoint() {
    if (symmetric()) {
      return this;
    }
    throw new UnsupportedOperationException(
        "adjoint of "
            + this
            + ": the operator is not symmetric and does not say how to multiply by "
            + "its transpose; override adjoint()");
  }

  /** A + B. */
  default LinearOperator plus(LinearOperator other) {
    return new Operators.Square(new LinearMaps.Sum(this, other), symmetric() && other.symmetric());
  }

  /** A − B. */
  default LinearOperator minus(LinearOperator other) {
    return plus(other.scale(-1));
  }

  @Override
  default LinearOperator scale(double factor) {
    return new Operators.Affine(this, factor, 0);
  }

  /** A + c·I; a small positive c damps. */
  default LinearOperator shift(double shift) {
    return new Operators.Affine(this, 1, shift);
  }

  /**
   * The chain A·B, which applies {@code inner} = B first. Counts as symmetric only where B is this
   * very operator; say {@link #assumeSymmetric()} where you know it is.
   */
  @SuppressWarnings("ReferenceEquality") // one and the same operator
  default LinearOperator times(LinearOperator inner) {
    return new Operators.Square(new LinearMaps.Chain(this, inner), inner == this && symmetric());
  }

  /**
   * Rows and columns {@code from} … {@code to} − 1 of A, as an operator of their own; its products
   * cost those of A.
   *
   * @throws IllegalArgumentException unless 0 ≤ from &lt; to ≤ n
   */
  default LinearOperator block(int from, int to) {
    return new Operators.Block(this, from, to);
  }

  /** The same products, declared symmetric by the caller. */
  default LinearOperator assumeSymmetric() {
    return symmetric() ? this : new Operators.Square(this, true);
  }

  /** The same operator with a counter of the products made through it. */
  default CountingOperator counting() {
    return new CountingOperator(this);
  }

  /**
   * The operator of a matrix. Symmetric if the entries are, to within a hundred roundings of the
   * largest one.
   *
   * @param matrix [n, n], F32 or F64
   */
  static LinearOperator ofDense(Tensor matrix) {
    return Operators.dense(matrix);
  }

  /**
   * The diagonal operator diag(d).
   *
   * @param diagonal [n], F32 or F64
   */
  static LinearOperator ofDiagonal(Tensor diagonal) {
    return new Operators.Diagonal(diagonal);
  }

  /**
   * The operator with these blocks along its diagonal, in order, and zeros elsewhere.
   *
   * @throws IllegalArgumentException if there is none or their dtypes differ
   */
  static LinearOperator blockDiagonal(List<? extends LinearOperator> blocks) {
    return new Operators.BlockDiagonal(List.copyOf(blocks));
  }

  /** A symmetric operator from the function that computes its products, [n] → [n]. */
  static LinearOperator ofSymmetric(int size, DType dtype, UnaryOperator<Tensor> product) {
    return new Operators.Square(new LinearMaps.Function(size, size, dtype, product, product), true);
  }

  /** An operator from the functions that compute Av and Aᵀv, [n] → [n]. */
  static LinearOperator ofFunctions(
      int size, DType dtype, UnaryOperator<Tensor> product, UnaryOperator<Tensor> transposed) {
    return new Operators.Square(
        new LinearMaps.Function(size, size, dtype, product, transposed), false);
  }
}
