package org.hesse.linalg;

import java.util.List;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;

/** The operators that {@link LinearOperator} makes, and checks of arguments. */
final class Operators {
  static final int DENSE_LIMIT = 16_384;
  private static final int DENSE_BLOCK = 64;

  private Operators() {}

  static void requireVector(LinearMap op, Tensor v) {
    requireShape(op, v, Shape.of(op.columns()), "v");
  }

  static void requireBlock(LinearMap op, Tensor vs) {
    if (vs.shape().rank() != 2 || vs.dim(0) == 0) {
      throw new IllegalArgumentException(
          "vs: shape "
              + vs.shape()
              + " is not a block of vectors for "
              + op
              + "; expected [k, "
              + op.columns()
              + "] with k of 1 or more; a single vector goes to apply");
    }
    requireShape(op, vs, Shape.of(vs.dim(0), op.columns()), "vs");
  }

  private static void requireShape(LinearMap op, Tensor v, Shape expected, String name) {
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

  static void requireFitting(boolean fit, LinearMap a, LinearMap b, String method, String rule) {
    if (!fit) {
      throw new IllegalArgumentException(
          method + ": " + a + " and " + b + " do not go together; " + rule);
    }
  }

  static Tensor toDense(LinearMap map) {
    int n = map.columns();
    if (Math.max(n, map.rows()) > DENSE_LIMIT) {
      throw new IllegalArgumentException(
          "toDense: "
              + map
              + " has "
              + Math.max(n, map.rows())
              + " rows or columns; at most "
              + DENSE_LIMIT
              + " are written out; use products, or Lanczos and SpectralDensity for its spectrum");
    }
    Tensor[] blocks = new Tensor[(n + DENSE_BLOCK - 1) / DENSE_BLOCK];
    for (int b = 0; b < blocks.length; b++) {
      int from = b * DENSE_BLOCK;
      blocks[b] = map.applyAll(unitVectors(map, from, Math.min(n, from + DENSE_BLOCK)));
    }
    Tensor columns = blocks.length == 1 ? blocks[0] : Tensor.concat(0, blocks);
    return columns.transpose();
  }

  static Tensor unitVectors(LinearMap map, int from, int to) {
    int n = map.columns();
    double[] e = new double[(to - from) * n];
    for (int i = from; i < to; i++) {
      e[(i - from) * n + i] = 1;
    }
    return Hesse.on(map.device(), () -> Tensor.of(e, to - from, n).cast(map.dtype()));
  }

  static LinearOperator dense(Tensor matrix) {
    requireReal(matrix.dtype(), "matrix");
    if (matrix.shape().rank() != 2 || matrix.dim(0) != matrix.dim(1)) {
      throw new IllegalArgumentException(
          "matrix: shape " + matrix.shape() + " is not square; expected [n, n]");
    }
    boolean symmetric = isSymmetric(matrix);
    return new Square(
        symmetric ? new LinearMaps.Dense(matrix, matrix) : new LinearMaps.Dense(matrix), symmetric);
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

  /** A square map as an operator, which knows whether it is symmetric. */
  record Square(LinearMap map, boolean symmetric) implements LinearOperator {
    @Override
    public int size() {
      return map.rows();
    }

    @Override
    public DType dtype() {
      return map.dtype();
    }

    @Override
    public Device device() {
      return map.device();
    }

    @Override
    public Tensor apply(Tensor v) {
      return map.apply(v);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      return map.applyAll(vs);
    }

    @Override
    public LinearOperator adjoint() {
      return symmetric ? this : new Square(map.adjoint(), false);
    }

    @Override
    public Tensor toDense() {
      return map.toDense();
    }

    @Override
    public String toString() {
      return map.toString();
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
      return "diagonal operator of size " + size() + " in " + dtype();
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

  /** Rows and columns from … to − 1 of A. */
  record Block(LinearOperator a, int from, int to) implements LinearOperator {
    Block {
      if (from < 0 || from >= to || to > a.size()) {
        throw new IllegalArgumentException(
            "block: rows " + from + " to " + to + " of " + a + "; expected 0 <= from < to <= size");
      }
    }

    @Override
    public int size() {
      return to - from;
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
      requireVector(this, v);
      return a.apply(padded(v)).slice(0, from, to);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      requireBlock(this, vs);
      return a.applyAll(padded(vs)).slice(1, from, to);
    }

    /** v with zeros for the rows that are not here. */
    private Tensor padded(Tensor v) {
      int axis = v.rank() - 1;
      return Hesse.on(
          v.device(), () -> Tensor.concat(axis, zeros(v, from), v, zeros(v, a.size() - to)));
    }

    private static Tensor zeros(Tensor v, int count) {
      return Tensor.zeros(v.dtype(), v.shape().with(v.rank() - 1, count).dims());
    }

    @Override
    public LinearOperator adjoint() {
      return symmetric() ? this : new Block(a.adjoint(), from, to);
    }

    @Override
    public String toString() {
      return "rows " + from + " to " + to + " of " + a;
    }
  }

  /** Operators along the diagonal. */
  record BlockDiagonal(List<LinearOperator> blocks) implements LinearOperator {
    BlockDiagonal {
      if (blocks.isEmpty()) {
        throw new IllegalArgumentException("blocks: none given; expected one or more");
      }
      LinearOperator first = blocks.getFirst();
      for (LinearOperator b : blocks) {
        requireFitting(
            b.dtype() == first.dtype(), first, b, "blockDiagonal", "dtypes must be equal");
      }
    }

    @Override
    public int size() {
      return Math.toIntExact(blocks.stream().mapToLong(LinearOperator::size).sum());
    }

    @Override
    public DType dtype() {
      return blocks.getFirst().dtype();
    }

    @Override
    public Device device() {
      return blocks.getFirst().device();
    }

    @Override
    public boolean symmetric() {
      return blocks.stream().allMatch(LinearOperator::symmetric);
    }

    @Override
    public Tensor apply(Tensor v) {
      requireVector(this, v);
      return each(v, LinearOperator::apply);
    }

    @Override
    public Tensor applyAll(Tensor vs) {
      requireBlock(this, vs);
      return each(vs, LinearOperator::applyAll);
    }

    private Tensor each(Tensor v, BiFunction<LinearOperator, Tensor, Tensor> product) {
      int axis = v.rank() - 1;
      Tensor[] parts = new Tensor[blocks.size()];
      int from = 0;
      for (int i = 0; i < parts.length; i++) {
        int to = from + blocks.get(i).size();
        parts[i] = product.apply(blocks.get(i), v.slice(axis, from, to));
        from = to;
      }
      return Tensor.concat(axis, parts);
    }

    @Override
    public LinearOperator adjoint() {
      return symmetric()
          ? this
          : new BlockDiagonal(blocks.stream().map(LinearOperator::adjoint).toList());
    }

    @Override
    public String toString() {
      return "block diagonal of " + blocks;
    }
  }
}
