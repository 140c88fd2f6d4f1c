package org.hesse.curvature;

import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Tensor;
import org.hesse.linalg.NumericalException;

/**
 * Eigenvalues, on the host and not negative, and eigenvectors of one positive semidefinite matrix,
 * [n, n], or of a diagonal one, [n], whose eigenvectors are the unit vectors.
 */
final class Spectrum {
  /** Of a matrix [n, n]. */
  interface Solver extends Function<Tensor, Matrices.Eigh> {}

  private final String name;
  private final Tensor matrix;
  private final double[] values;
  private final Optional<Tensor> basis;

  private Spectrum(String name, Tensor matrix, double[] values, Optional<Tensor> basis) {
    this.name = name;
    this.matrix = matrix;
    this.basis = basis;
    double most = Arrays.stream(values).map(Math::abs).max().orElse(0);
    double bound = 10 * tolerance() * most;
    for (double value : values) {
      if (value < -bound) {
        throw new NumericalException(
            name
                + " has the eigenvalue "
                + value
                + " beside a largest one of "
                + most
                + ", more negative than rounding explains; expected statistics that are positive"
                + " semidefinite, such as means of outer products; compute them in F64, or check"
                + " what they were averaged with");
      }
    }
    this.values = Arrays.stream(values).map(x -> Math.max(0, x)).toArray();
  }

  /**
   * The spectrum of a matrix.
   *
   * @param name what the matrix is and which parameters it is of, for messages
   * @param solver in whose place tests put others
   */
  static Spectrum of(Tensor matrix, String name, Solver solver) {
    if (matrix.rank() == 1) {
      requireFinite(matrix, name);
      return new Spectrum(name, matrix, matrix.toDoubleArray(), Optional.empty());
    }
    try {
      return solved(matrix, matrix.dtype(), name, solver);
    } catch (ArithmeticException failure) {
      if (failure instanceof NumericalException) {
        throw failure;
      }
      requireFinite(matrix, name);
      if (matrix.dtype() == DType.F64) {
        throw failed(name, failure);
      }
      System.getLogger("org.hesse")
          .log(
              Level.WARNING,
              name + ": eigen-decomposition failed in F32, repeated in F64: " + failure);
    }
    try {
      return solved(matrix, DType.F64, name, solver);
    } catch (ArithmeticException failure) {
      throw failure instanceof NumericalException n ? n : failed(name, failure);
    }
  }

  private static Spectrum solved(Tensor matrix, DType in, String name, Solver solver) {
    Matrices.Eigh e = solver.apply(matrix.cast(in));
    double[] values = e.values().toDoubleArray();
    if (!Arrays.stream(values).allMatch(Double::isFinite)) {
      throw new ArithmeticException("eigh: eigenvalues are NaN or infinite");
    }
    return new Spectrum(name, matrix, values, Optional.of(e.vectors().cast(matrix.dtype())));
  }

  private static NumericalException failed(String name, ArithmeticException failure) {
    return new NumericalException(
        name
            + ": no eigen-decomposition even in F64 ("
            + failure.getMessage()
            + "); check the scale of data and parameters");
  }

  /** Throws if a statistic has NaN or infinity, saying where. */
  static void requireFinite(Tensor statistic, String name) {
    double[] x = statistic.toDoubleArray();
    for (int i = 0; i < x.length; i++) {
      if (!Double.isFinite(x[i])) {
        int n = statistic.dim(-1);
        throw new NumericalException(
            name
                + " has "
                + x[i]
                + " at "
                + (statistic.rank() == 1 ? "[" + i + "]" : "[" + i / n + ", " + i % n + "]")
                + "; check that data and parameters are finite and that the model's outputs and the"
                + " loss do not overflow in "
                + statistic.dtype());
      }
    }
  }

  /** Ascending for a matrix, in place for a diagonal; none negative. */
  double[] values() {
    return values.clone();
  }

  /** The eigenvectors as columns; none if they are the unit vectors. */
  Optional<Tensor> basis() {
    return basis;
  }

  /** The eigenvalues as a tensor, like the matrix. */
  Tensor tensor() {
    return Blocks.vector(values, matrix);
  }

  double mean() {
    return Arrays.stream(values).average().orElse(0);
  }

  /** What rounding may have moved an eigenvalue by, in units of the largest one. */
  private double tolerance() {
    return basis.isEmpty()
        ? Double.MIN_NORMAL
        : 10 * Math.sqrt(matrix.dim(0)) * matrix.dtype().epsilon();
  }

  /** How many eigenvalues are 0, up to rounding. */
  int nullity() {
    double bound = tolerance() * Arrays.stream(values).max().orElse(0);
    return (int) Arrays.stream(values).filter(x -> x <= bound).count();
  }

  /** Σ log(value + shift); −∞ if the matrix is singular and nothing is added. */
  double logDeterminant(double shift) {
    return shift == 0 && nullity() > 0
        ? Double.NEGATIVE_INFINITY
        : Arrays.stream(values).map(x -> Math.log(x + shift)).sum();
  }

  /**
   * The matrix plus a multiple of the identity, to a power.
   *
   * @param shift 0 or more
   * @return [n, n], or [n] if the matrix is a diagonal
   */
  Tensor power(double shift, double exponent) {
    if (shift == 0 && exponent < 0) {
      requireRegular();
    }
    return map(x -> Math.pow(x + shift, exponent));
  }

  /** The matrix of the same eigenvectors with a function, not negative, of the eigenvalues. */
  private Tensor map(DoubleUnaryOperator f) {
    double[] mapped = Arrays.stream(values).map(f).toArray();
    if (basis.isEmpty()) {
      return Blocks.vector(mapped, matrix);
    }
    double[] roots = Arrays.stream(mapped).map(Math::sqrt).toArray();
    Tensor half = basis.get().mul(Blocks.vector(roots, matrix));
    return half.matmul(half.transpose());
  }

  void requireRegular() {
    int nullity = nullity();
    if (nullity > 0) {
      throw new NumericalException(
          name
              + " is singular: "
              + nullity
              + " of its "
              + values.length
              + " eigenvalues are 0 up to rounding, the largest is "
              + Arrays.stream(values).max().orElse(0)
              + "; add damping, such as Damping.exact(1e-3)"
              + (matrix.dtype() == DType.F32 ? ", or cast to F64, which rounds less" : ""));
    }
  }
}
