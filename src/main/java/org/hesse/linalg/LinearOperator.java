package org.hesse.linalg;

import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
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
public interface LinearOperator {

  /** n, the number of rows and of columns. */
  int size();

  /** The element type of vectors and products, F32 or F64. */
  DType dtype();

  /** Whether A = Aᵀ, up to rounding. */
  boolean symmetric();

  /**
   * Where vectors and products are: the algorithms of this package make theirs there. The current
   * device unless an operator knows better, as one that holds tensors does.
   */
  default Device device() {
    return Hesse.device();
  }

  /**
   * The product Av.
   *
   * @param v [n], of this operator's dtype
   * @return [n]
   */
  Tensor apply(Tensor v);

  /**
   * The products with each row of a block: row i of the result is A·(row i). An operator that can
   * share work between vectors overrides this.
   *
   * @param vs [k, n] with k ≥ 1
   * @return [k, n]
   */
  default Tensor applyAll(Tensor vs) {
    Operators.requireBlock(this, vs);
    Tensor[] products = new Tensor[vs.dim(0)];
    for (int i = 0; i < products.length; i++) {
      products[i] = apply(vs.select(0, i));
    }
    return Tensor.stack(0, products);
  }

  /**
   * Aᵀ.
   *
   * @throws UnsupportedOperationException if A is not symmetric and its adjoint is not known
   */
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
    return new Operators.Sum(this, other);
  }

  /** c·A. */
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
  default LinearOperator times(LinearOperator inner) {
    return new Operators.Chain(this, inner);
  }

  /** The same products, declared symmetric by the caller. */
  default LinearOperator assumeSymmetric() {
    return symmetric() ? this : new Operators.AssumedSymmetric(this);
  }

  /** The same operator with a counter of the products made through it. */
  default CountingOperator counting() {
    return new CountingOperator(this);
  }

  /**
   * All of A, [n, n], from n products.
   *
   * @throws IllegalArgumentException if n exceeds {@value Operators#DENSE_LIMIT}
   */
  default Tensor toDense() {
    return Operators.toDense(this);
  }

  /**
   * The operator of a matrix. Symmetric if the entries are, to within a hundred roundings of the
   * largest one.
   *
   * @param matrix [n, n], F32 or F64
   */
  static LinearOperator ofDense(Tensor matrix) {
    return new Operators.Dense(matrix);
  }

  /**
   * The diagonal operator diag(d).
   *
   * @param diagonal [n], F32 or F64
   */
  static LinearOperator ofDiagonal(Tensor diagonal) {
    return new Operators.Diagonal(diagonal);
  }

  /** A symmetric operator from the function that computes its products, [n] → [n]. */
  static LinearOperator ofSymmetric(int size, DType dtype, UnaryOperator<Tensor> product) {
    return new Operators.Function(size, dtype, product, null);
  }

  /** An operator from the functions that compute Av and Aᵀv, [n] → [n]. */
  static LinearOperator ofFunctions(
      int size, DType dtype, UnaryOperator<Tensor> product, UnaryOperator<Tensor> transposed) {
    return new Operators.Function(size, dtype, product, transposed);
  }
}
