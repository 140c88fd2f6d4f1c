package org.hesse.linalg;

import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;

/**
 * A matrix A of m rows and n columns known through its products with vectors, and, by its adjoint,
 * of its transpose with vectors. A square one is a {@link LinearOperator}.
 *
 * <pre>{@code
 * Tensor y = jacobian.apply(v);                // [n] -> [m]
 * Tensor ys = jacobian.applyAll(vs);           // [k, n] -> [k, m], each row a vector
 * Tensor g = jacobian.adjoint().apply(y);      // [m] -> [n]
 * LinearOperator kernel = jacobian.adjoint().gram();     // AAᵀ, [m] -> [m]
 * }</pre>
 *
 * <p>The same product made twice must give the same result, and ⟨u, Av⟩ = ⟨Aᵀu, v⟩: the algorithms
 * of this package rely on it.
 */
public interface LinearMap {

  /** m, the number of rows: the length of products. */
  int rows();

  /** n, the number of columns: the length of vectors. */
  int columns();

  /** The element type of vectors and products, F32 or F64. */
  DType dtype();

  /**
   * Where vectors and products are: the algorithms of this package make theirs there. The current
   * device unless a map knows better, as one that holds tensors does.
   */
  default Device device() {
    return Hesse.device();
  }

  /**
   * The product Av.
   *
   * @param v [n], of this map's dtype
   * @return [m]
   */
  Tensor apply(Tensor v);

  /**
   * The products with each row of a block: row i of the result is A·(row i). A map that can share
   * work between vectors overrides this.
   *
   * @param vs [k, n] with k ≥ 1
   * @return [k, m]
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
   * @throws UnsupportedOperationException if it is not known how to multiply by it
   */
  default LinearMap adjoint() {
    throw new UnsupportedOperationException(
        "adjoint of "
            + this
            + ": it does not say how to multiply by its transpose; override adjoint()");
  }

  /** A + B. */
  default LinearMap plus(LinearMap other) {
    return new LinearMaps.Sum(this, other);
  }

  /** A − B. */
  default LinearMap minus(LinearMap other) {
    return plus(other.scale(-1));
  }

  /** c·A. */
  default LinearMap scale(double factor) {
    return new LinearMaps.Scaled(this, factor);
  }

  /**
   * The chain A·B, which applies {@code inner} = B first.
   *
   * @throws IllegalArgumentException if B has not as many rows as A has columns
   */
  default LinearMap times(LinearMap inner) {
    return new LinearMaps.Chain(this, inner);
  }

  /** AᵀA, symmetric and of size n. AAᵀ is {@code adjoint().gram()}. */
  default LinearOperator gram() {
    return new Operators.Square(new LinearMaps.Chain(adjoint(), this), true);
  }

  /**
   * All of A, [m, n], from n products. Where A is wide, {@code adjoint().toDense().transpose()}
   * needs only m.
   *
   * @throws IllegalArgumentException if m or n exceeds {@value Operators#DENSE_LIMIT}
   */
  default Tensor toDense() {
    return Operators.toDense(this);
  }

  /**
   * The map of a matrix.
   *
   * @param matrix [m, n], F32 or F64
   */
  static LinearMap ofDense(Tensor matrix) {
    return new LinearMaps.Dense(matrix);
  }

  /**
   * A map from the functions that compute its products.
   *
   * @param product v ↦ Av, [columns] → [rows]
   * @param transposed u ↦ Aᵀu, [rows] → [columns]
   */
  static LinearMap ofFunctions(
      int rows,
      int columns,
      DType dtype,
      UnaryOperator<Tensor> product,
      UnaryOperator<Tensor> transposed) {
    return new LinearMaps.Function(rows, columns, dtype, product, transposed);
  }
}
