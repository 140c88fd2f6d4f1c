package org.hesse.linalg;

import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/** The operators that {@link LinearOperator} makes, and checks of arguments. */
final class Operators {
  static final int DENSE_LIMIT = 16_384;
  private static final int DENSE_BLOCK = 64;

  private Operators() {}

  static void requireVector(LinearOperator op, Tensor v) {
    requireShape(op, v, Shape.of(op.size()), "v");
  }

  static void requireBlock(LinearOperator op, Tensor vs) {
    if (vs.shape().rank() != 2 || vs.dim(0) == 0) {
      throw new IllegalArgumentException(
          "vs: shape "
              + vs.shape()
              + " is not a block of vectors for "
              + op
              + "; expected [k, "
              + op.size()
              + "] with k of 1 or more; a single vector goes to apply");
    }
    requireShape(op, vs, Shape.of(vs.dim(0), op.size()), "vs");
  }

  private static void requireShape(LinearOperator op, Tensor v, Shape expected, String name) {
    if (!v.shape().equals(expected)) {
      throw new IllegalArgumentException(
          name + ": shape " + v.shape() + " does not fit " + op + "; expected " + expected);
    }
    if (v.dtype() != op.dtype()) {
      throw new IllegalArgumentException(
          name
              + ": dtype "
              + v.dtype()
              + " does not fit "
              + op
              + "; expected "
              + op.dtype()
              + "; cast it");
    }
  }

  static void requireReal(DType dtype, String name) {
    if (!dtype.isReal()) {
      throw new IllegalArgumentException(
          name + ": dtype " + dtype + " has no linear algebra; expected F32 or F64; cast it");
    }
  }

  static Tensor toDense(LinearOperator op) {
    int n = op.size();
    if (n > DENSE_LIMIT) {
      throw new IllegalArgumentException(
          "toDense: "
              + op
              + " has "
              + n
              + " rows; at most "
              + DENSE_LIMIT
              + " are written out; use products, or Lanczos and SpectralDensity for its spectrum");
    }
    Tensor[] blocks = new Tensor[(n + DENSE_BLOCK - 1) / DENSE_BLOCK];
    for (int b = 0; b < blocks.length; b++) {
      int from = b * DENSE_BLOCK;
      blocks[b] = op.applyAll(unitVectors(op, from, Math.min(n, from + DENSE_BLOCK)));
    }
    Tensor columns = blocks.length == 1 ? blocks[0] : Tensor.concat(0, blocks);
    return columns.transpose();
  }

  private static Tensor unitVectors(LinearOperator op, int from, int to) {
    int n = op.size();
    double[] e = new double[(to - from) * n];
    for (int i = from; i < to; i++) {
      e[(i - from) * n + i] = 1;
    }
    return Hesse.on(op.device(), () -> Tensor.of(e, to - from, n).cast(op.dtype()));
  }

  private static String name(LinearOperator op, String kind) {
    return kind + " operator of size " + op.size() + " in " + op.dtype();
  }

  /** A matrix in memory. */
  static final class Dense implements LinearOperator {
    private final Tensor matrix;
    private final Tensor transposed;
    private final boolean symmetric;

    Dense(Tensor matrix) {
      requireReal(matrix.dtype(), "matrix");
      if (matrix.shape().rank() != 2 || matrix.dim(0) != matrix.dim(1)) {
        throw new IllegalArgumentException(
            "matrix: shape " + matrix.shape() + " is not square; expected [n, n]");
      }
      this.matrix = matrix;
      this.symmetric = isSymmetric(matrix);
      this.transposed = symmetric ? matrix : matrix.transpose();
    }

    private Dense(Tensor matrix, Tensor transposed) {
      this.matrix = matrix;
      this.transposed = transposed;
      this.symmetric = false;
    }

    private static boolean isSymmetric(Tensor matrix) {
      int n = matrix.dim(0);
      double[] a = matrix.toDoubleArray();
      double largest = 0;
      double asymmetry = 0;
      for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
          largest = Math.max(largest, Math.max(Math.abs(a[i * n + j]), Math.abs(a[j * n + i])));
          asymmetry = Math.max(asymmetry, Math.abs(a[i * n + j] - a[j * n + i]));
        }
      }
      return asymmetry <= 100 * matrix.dtype().epsilon() * largest;
    }

    @Override
    public int size() {
      return matrix.dim(0);
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
    public boolean symmetric() {
      return symmetric;
    }

    @Override
    public Tensor apply(Tensor v) {
      requireVector(this, v);
      return matrix.matmul(v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      requireBlock(this, vs);
      return vs.matmul(transposed);
    }

    @Override
    public LinearOperator adjoint() {
      return symmetric ? this : new Dense(/* matrix= */ transposed, /* transposed= */ matrix);
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

  /** diag(d). */
  static final class Diagonal implements LinearOperator {
    private final Tensor diagonal;

    Diagonal(Tensor diagonal) {
      requireReal(diagonal.dtype(), "diagonal");
      if (diagonal.shape().rank() != 1) {
        throw new IllegalArgumentException(
            "diagonal: shape " + diagonal.shape() + " is not a vector; expected [n]");
      }
      this.diagonal = diagonal;
    }

    @Override
    public int size() {
      return diagonal.dim(0);
    }

    @Override
    public DType dtype() {
      return diagonal.dtype();
    }

    @Override
    public Device device() {
      return diagonal.device();
    }

    @Override
    public boolean symmetric() {
      return true;
    }

    @Override
    public Tensor apply(Tensor v) {
      requireVector(this, v);
      return diagonal.mul(v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      requireBlock(this, vs);
      return vs.mul(diagonal);
    }

    @Override
    public String toString() {
      return name(this, "diagonal");
    }
  }

  /** Products computed by a function; symmetric where no transpose is given. */
  record Function(
      int size,
      DType dtype,
      UnaryOperator<Tensor> product,
      @Nullable UnaryOperator<Tensor> transposed)
      implements LinearOperator {
    Function {
      requireReal(dtype, "dtype");
      if (size < 1) {
        throw new IllegalArgumentException("size: " + size + "; expected 1 or more");
      }
    }

    @Override
    public boolean symmetric() {
      return transposed == null;
    }

    @Override
    public Tensor apply(Tensor v) {
      requireVector(this, v);
      return product.apply(v);
    }

    @Override
    public LinearOperator adjoint() {
      return transposed == null
          ? this
          : new Function(size, dtype, /* product= */ transposed, /* transposed= */ product);
    }

    @Override
    public String toString() {
      return name(this, "function");
    }
  }

  /** A + B. */
  record Sum(LinearOperator a, LinearOperator b) implements LinearOperator {
    Sum {
      requireSame(a, b, "plus");
    }

    @Override
    public int size() {
      return a.size();
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
    public boolean symmetric() {
      return a.symmetric() && b.symmetric();
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
    public LinearOperator adjoint() {
      return symmetric() ? this : new Sum(a.adjoint(), b.adjoint());
    }

    @Override
    public String toString() {
      return "(" + a + " + " + b + ")";
    }
  }

  /** factor·A + shift·I. */
  record Affine(LinearOperator a, double factor, double shift) implements LinearOperator {
    @Override
    public int size() {
      return a.size();
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
    public boolean symmetric() {
      return a.symmetric();
    }

    @Override
    public Tensor apply(Tensor v) {
      return combine(a.apply(v), v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return combine(a.applyAll(vs), vs);
    }

    private Tensor combine(Tensor product, Tensor v) {
      Tensor scaled = factor == 1 ? product : product.mul(factor);
      return shift == 0 ? scaled : scaled.add(v.mul(shift));
    }

    @Override
    public LinearOperator adjoint() {
      return symmetric() ? this : new Affine(a.adjoint(), factor, shift);
    }

    @Override
    public LinearOperator scale(double by) {
      return new Affine(a, factor * by, shift * by);
    }

    @Override
    public LinearOperator shift(double by) {
      return new Affine(a, factor, shift + by);
    }

    @Override
    public String toString() {
      return "(" + factor + "·" + a + " + " + shift + "·I)";
    }
  }

  /** A·B. */
  record Chain(LinearOperator outer, LinearOperator inner) implements LinearOperator {
    Chain {
      requireSame(outer, inner, "times");
    }

    @Override
    public int size() {
      return outer.size();
    }

    @Override
    public DType dtype() {
      return outer.dtype();
    }

    @Override
    public Device device() {
      return outer.device();
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // one and the same operator
    public boolean symmetric() {
      return outer == inner && outer.symmetric();
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
    public LinearOperator adjoint() {
      return symmetric() ? this : new Chain(inner.adjoint(), outer.adjoint());
    }

    @Override
    public String toString() {
      return "(" + outer + " · " + inner + ")";
    }
  }

  /** The products of A, declared symmetric. */
  record AssumedSymmetric(LinearOperator a) implements LinearOperator {
    @Override
    public int size() {
      return a.size();
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
    public boolean symmetric() {
      return true;
    }

    @Override
    public Tensor apply(Tensor v) {
      return a.apply(v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return a.applyAll(vs);
    }

    @Override
    public String toString() {
      return a.toString();
    }
  }

  private static void requireSame(LinearOperator a, LinearOperator b, String method) {
    if (a.size() != b.size() || a.dtype() != b.dtype()) {
      throw new IllegalArgumentException(
          method + ": " + a + " and " + b + " do not go together; sizes and dtypes must be equal");
    }
  }
}
