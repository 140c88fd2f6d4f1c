package org.hesse.linalg;

import java.util.Arrays;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * Matrices with known spectra, and a reference eigensolver that shares no code with the library.
 */
final class Matrices {
  private Matrices() {}

  static double[][] gaussian(int rows, int columns, Random random) {
    double[][] x = new double[rows][columns];
    for (double[] row : x) {
      Arrays.setAll(row, j -> random.nextGaussian());
    }
    return x;
  }

  /** XᵀX/rows of a Gaussian X. */
  static double[][] wishart(int n, int rows, Random random) {
    double[][] x = gaussian(rows, n, random);
    double[][] a = new double[n][n];
    for (double[] row : x) {
      addOuter(a, row, 1.0 / rows);
    }
    return a;
  }

  /** Σ λᵢ qᵢqᵢᵀ with random orthonormal qᵢ. */
  static double[][] withSpectrum(double[] spectrum, Random random) {
    int n = spectrum.length;
    double[][] q = gaussian(n, n, random);
    double[][] a = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int pass = 0; pass < 2; pass++) {
        for (int j = 0; j < i; j++) {
          add(q[i], q[j], -dot(q[i], q[j]));
        }
      }
      double norm = Math.sqrt(dot(q[i], q[i]));
      for (int k = 0; k < n; k++) {
        q[i][k] /= norm;
      }
      addOuter(a, q[i], spectrum[i]);
    }
    return a;
  }

  private static void addOuter(double[][] a, double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      add(a[i], x, factor * x[i]);
    }
  }

  private static void add(double[] to, double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      to[i] += factor * x[i];
    }
  }

  static double dot(double[] x, double[] y) {
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }

  static Tensor tensor(double[][] a, DType dtype) {
    double[] flat = Arrays.stream(a).flatMapToDouble(Arrays::stream).toArray();
    return Tensor.of(flat, a.length, a[0].length).cast(dtype);
  }

  static LinearOperator operator(double[][] a) {
    return LinearOperator.ofDense(tensor(a, DType.F64));
  }

  /** The rows of a matrix. */
  static double[][] rows(Tensor matrix) {
    double[] flat = matrix.toDoubleArray();
    double[][] rows = new double[matrix.dim(0)][];
    int n = matrix.dim(1);
    Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * n, (i + 1) * n));
    return rows;
  }

  /** 2,000 eigenvalues: a bulk on [0, 1], a tail of negative ones, and ten outliers up to 10. */
  static double[] bulkWithOutliers() {
    Random random = new Random(17);
    double[] spectrum = new double[2000];
    for (int i = 0; i < spectrum.length; i++) {
      double u = random.nextDouble();
      spectrum[i] = i < 10 ? i + 1.5 : i < 200 ? -0.3 * u : u * u;
    }
    return spectrum;
  }

  static LinearOperator diagonal(double... spectrum) {
    return LinearOperator.ofDiagonal(Tensor.of(spectrum, spectrum.length));
  }

  static double[] byMagnitude(double[] values) {
    return Arrays.stream(values)
        .boxed()
        .sorted((x, y) -> Double.compare(Math.abs(y), Math.abs(x)))
        .mapToDouble(Double::doubleValue)
        .toArray();
  }

  /** All eigenvalues by cyclic Jacobi rotations, ascending. */
  static double[] eigenvalues(double[][] matrix) {
    int n = matrix.length;
    double[][] a = Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
    for (int sweep = 0; sweep < 30; sweep++) {
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          if (Math.abs(a[p][q]) > 1e-18 * (Math.abs(a[p][p]) + Math.abs(a[q][q]))) {
            rotate(a, p, q);
          }
        }
      }
    }
    double[] values = new double[n];
    Arrays.setAll(values, i -> a[i][i]);
    Arrays.sort(values);
    return values;
  }

  private static void rotate(double[][] a, int p, int q) {
    double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.hypot(theta, 1));
    double c = 1 / Math.hypot(t, 1);
    double s = t * c;
    double shift = t * a[p][q];
    double[] diagonal = {a[p][p] - shift, a[q][q] + shift};
    for (int k = 0; k < a.length; k++) {
      double x = a[k][p];
      a[k][p] = c * x - s * a[k][q];
      a[k][q] = s * x + c * a[k][q];
      a[p][k] = a[k][p];
      a[q][k] = a[k][q];
    }
    a[p][p] = diagonal[0];
    a[q][q] = diagonal[1];
    a[p][q] = 0;
    a[q][p] = 0;
  }
}
