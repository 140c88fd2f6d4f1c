package org.hesse.linalg;

import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Tensor;

/** The maps that {@link LinearMap} makes; {@link Operators.Square} makes operators of them. */
final class LinearMaps {
  private LinearMaps() {}

  private static String name(LinearMap map, String kind) {
    return kind + " operator of " + map.rows() + "×" + map.columns() + " in " + map.dtype();
  }

  /**
   * A matrix in memory, and its transpose, so that blocks are multiplied without copying it again.
   */
  record Dense(Tensor matrix, Tensor transposed) implements LinearMap {
    Dense(Tensor matrix) {
      this(matrix, transposed(matrix));
    }

    private static Tensor transposed(Tensor matrix) {
      Operators.requireReal(matrix.dtype(), "matrix");
      if (matrix.rank() != 2 || matrix.size() == 0) {
        throw new IllegalArgumentException(
            "matrix: shape " + matrix.shape() + " is not that of a matrix; expected [m, n]");
      }
      return matrix.transpose();
    }

    @Override
    public int rows() {
      return matrix.dim(0);
    }

    @Override
    public int columns() {
      return matrix.dim(1);
    }

    @Override
    public DType dtype() {
      return matrix.dtype();
    }

    @Override
    public Device device() {
      return matrix.device();
    }

    @Override
    public Tensor apply(Tensor v) {
      Operators.requireVector(this, v);
      return matrix.matmul(v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      Operators.requireBlock(this, vs);
      return vs.matmul(transposed);
    }

    @Override
    public LinearMap adjoint() {
      return new Dense(/* matrix= */ transposed, /* transposed= */ matrix);
    }

    @Override
    public Tensor toDense() {
      return matrix;
    }

    @Override
    public String toString() {
      return name(this, "dense");
    }
  }

  /** Products computed by functions. */
  record Function(
      int rows,
      int columns,
      DType dtype,
      UnaryOperator<Tensor> product,
      UnaryOperator<Tensor> transposed)
      implements LinearMap {
    Function {
      Operators.requireReal(dtype, "dtype");
      if (rows < 1 || columns < 1) {
        throw new IllegalArgumentException(
            "size: " + rows + "×" + columns + "; expected 1 or more of each");
      }
    }

    @Override
    public Tensor apply(Tensor v) {
      Operators.requireVector(this, v);
      return product.apply(v);
    }

    @Override
    public LinearMap adjoint() {
      return new Function(
          /* rows= */ columns,
          /* columns= */ rows,
          dtype,
          /* product= */ transposed,
          /* transposed= */ product);
    }

    @Override
    public String toString() {
      return name(this, "function");
    }
  }

  /** A + B. */
  record Sum(LinearMap a, LinearMap b) implements LinearMap {
    Sum {
      boolean fit = a.rows() == b.rows() && a.columns() == b.columns() && a.dtype() == b.dtype();
      Operators.requireFitting(fit, a, b, "plus", "sizes and dtypes must be equal");
    }

    @Override
    public int rows() {
      return a.rows();
    }

    @Override
    public int columns() {
      return a.columns();
    }

    @Override
    public DType dtype() {
      return a.dtype();
    }

    @Override
    public Device device() {
      return a.device();
    }

    @Override
    public Tensor apply(Tensor v) {
      return a.apply(v).add(b.apply(v));
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return a.applyAll(vs).add(b.applyAll(vs));
    }

    @Override
    public LinearMap adjoint() {
      return new Sum(a.adjoint(), b.adjoint());
    }

    @Override
    public String toString() {
      return "(" + a + " + " + b + ")";
    }
  }

  /** factor·A. */
  record Scaled(LinearMap a, double factor) implements LinearMap {
    @Override
    public int rows() {
      return a.rows();
    }

    @Override
    public int columns() {
      return a.columns();
    }

    @Override
    public DType dtype() {
      return a.dtype();
    }

    @Override
    public Device device() {
      return a.device();
    }

    @Override
    public Tensor apply(Tensor v) {
      return a.apply(v).mul(factor);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return a.applyAll(vs).mul(factor);
    }

    @Override
    public LinearMap adjoint() {
      return new Scaled(a.adjoint(), factor);
    }

    @Override
    public String toString() {
      return "(" + factor + "·" + a + ")";
    }
  }

  /** A·B. */
  record Chain(LinearMap outer, LinearMap inner) implements LinearMap {
    Chain {
      boolean fit = outer.columns() == inner.rows() && outer.dtype() == inner.dtype();
      Operators.requireFitting(
          fit,
          outer,
          inner,
          "times",
          "the first must have as many columns as the second has rows, and its dtype");
    }

    @Override
    public int rows() {
      return outer.rows();
    }

    @Override
    public int columns() {
      return inner.columns();
    }

    @Override
    public DType dtype() {
      return outer.dtype();
    }

    @Override
    public Device device() {
      return inner.device();
    }

    @Override
    public Tensor apply(Tensor v) {
      return outer.apply(inner.apply(v));
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return outer.applyAll(inner.applyAll(vs));
    }

    @Override
    public LinearMap adjoint() {
      return new Chain(inner.adjoint(), outer.adjoint());
    }

    @Override
    public String toString() {
      return "(" + outer + " · " + inner + ")";
    }
  }
}
