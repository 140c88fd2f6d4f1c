package org.hesse.linalg;

import java.util.Arrays;

/**
 * A real symmetric tridiagonal matrix in F64, and its eigenproblem.
 *
 * <pre>{@code
 * Tridiagonal t = Tridiagonal.of(diagonal, offDiagonal);
 * double[] values = t.eigenvalues();            // ascending
 * Tridiagonal.Eigen eigen = t.eigen();          // with all eigenvectors
 * }</pre>
 *
 * <p>Solved by the QL iteration with implicit Wilkinson shifts (Golub and Welsch 1969; Parlett, The
 * Symmetric Eigenvalue Problem, chapter 8). Eigenvalues are accurate to a small multiple of 2⁻⁵²
 * times the norm of the matrix, eigenvectors orthonormal to the same degree, clustered or not.
 */
public final class Tridiagonal {
  private static final double EPSILON = 0x1p-52;
  private static final double NEGLIGIBLE = 0x1p-500;
  private static final int MAX_SWEEPS = 60;

  private final double[] diagonal;
  private final double[] offDiagonal;

  private Tridiagonal(double[] diagonal, double[] offDiagonal) {
    this.diagonal = diagonal;
    this.offDiagonal = offDiagonal;
  }

  /**
   * The matrix with the given diagonal, and the given entries above and below it.
   *
   * @param diagonal m numbers, m ≥ 1
   * @param offDiagonal m − 1 numbers; entry i couples rows i and i+1
   * @throws IllegalArgumentException if the lengths do not fit or a number is not finite
   */
  public static Tridiagonal of(double[] diagonal, double[] offDiagonal) {
    if (diagonal.length == 0 || offDiagonal.length != diagonal.length - 1) {
      throw new IllegalArgumentException(
          "offDiagonal: "
              + offDiagonal.length
              + " entries beside a diagonal of "
              + diagonal.length
              + "; expected a diagonal of at least 1 and one entry less off it");
    }
    requireFinite(diagonal, "diagonal");
    requireFinite(offDiagonal, "offDiagonal");
    return new Tridiagonal(diagonal.clone(), offDiagonal.clone());
  }

  private static void requireFinite(double[] x, String name) {
    for (int i = 0; i < x.length; i++) {
      if (!Double.isFinite(x[i])) {
        throw new IllegalArgumentException(
            name + "[" + i + "]: " + x[i] + "; expected finite numbers");
      }
    }
  }

  /** The number of rows, m. */
  public int size() {
    return diagonal.length;
  }

  /** The m entries on the diagonal. */
  public double[] diagonal() {
    return diagonal.clone();
  }

  /** The m − 1 entries beside the diagonal. */
  public double[] offDiagonal() {
    return offDiagonal.clone();
  }

  /** Size and, where there are few, the entries. */
  @Override
  public String toString() {
    String size = "Tridiagonal[" + size() + " × " + size();
    return size() > 8
        ? size + "]"
        : size
            + ", diagonal "
            + Arrays.toString(diagonal)
            + ", off it "
            + Arrays.toString(offDiagonal)
            + "]";
  }

  /** The eigenvalues, ascending. O(m²). */
  public double[] eigenvalues() {
    return solve(new double[size()][0]).values;
  }

  /** Eigenvalues and all eigenvectors. O(m³). */
  public Eigen eigen() {
    return solve(identity(size()));
  }

  /**
   * Eigenvalues with only the first and the last component of each eigenvector, which is all that
   * Gauss quadrature and residual bounds need. O(m²).
   */
  public Ends ends() {
    int m = size();
    double[][] rows = new double[m][2];
    rows[0][0] = 1;
    rows[m - 1][1] = 1;
    Eigen eigen = solve(rows);
    double[] first = new double[m];
    double[] last = new double[m];
    for (int i = 0; i < m; i++) {
      first[i] = eigen.vectors[i][0];
      last[i] = eigen.vectors[i][1];
    }
    return new Ends(eigen.values, first, last);
  }

  /**
   * Eigenvalues, ascending, and eigenvectors multiplied from the left by a matrix Z: row i of
   * {@code z}, which is column i of Z, is replaced; the result's row i is Z·(eigenvector i). Z = I
   * gives the eigenvectors themselves.
   */
  Eigen solve(double[][] z) {
    double scale = scale();
    if (scale > 0) {
      double[] d = diagonal.clone();
      double[] e = Arrays.copyOf(offDiagonal, size());
      multiply(d, 1 / scale);
      multiply(e, 1 / scale);
      iterate(d, e, z);
      multiply(d, scale);
      return sorted(d, z);
    }
    return new Eigen(new double[size()], z);
  }

  /** The matrix times a number. */
  Tridiagonal times(double factor) {
    Tridiagonal scaled = new Tridiagonal(diagonal.clone(), offDiagonal.clone());
    multiply(scaled.diagonal, factor);
    multiply(scaled.offDiagonal, factor);
    return scaled;
  }

  static double[][] identity(int m) {
    double[][] z = new double[m][m];
    for (int i = 0; i < m; i++) {
      z[i][i] = 1;
    }
    return z;
  }

  /** A power of two near the largest entry, so that scaling by it is exact. */
  private double scale() {
    double largest = 0;
    for (double x : diagonal) {
      largest = Math.max(largest, Math.abs(x));
    }
    for (double x : offDiagonal) {
      largest = Math.max(largest, Math.abs(x));
    }
    if (largest == 0) {
      return 0;
    }
    return Math.scalb(1.0, Math.clamp(Math.getExponent(largest), -1000, 1000));
  }

  private static void multiply(double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      x[i] *= factor;
    }
  }

  private static void iterate(double[] d, double[] e, double[][] z) {
    for (int l = 0; l < d.length; l++) {
      int sweeps = 0;
      for (int m = blockEnd(d, e, l); m != l; m = blockEnd(d, e, l)) {
        if (sweeps++ == MAX_SWEEPS) {
          throw new NumericalException(
              "tridiagonal eigenproblem: eigenvalue "
                  + l
                  + " of "
                  + d.length
                  + " did not converge in "
                  + MAX_SWEEPS
                  + " QL sweeps; please report the matrix");
        }
        sweep(d, e, z, l, m);
      }
    }
  }

  /** The end of the block that starts at l: the first i ≥ l whose coupling to i+1 is negligible. */
  private static int blockEnd(double[] d, double[] e, int l) {
    for (int i = l; i < d.length - 1; i++) {
      double coupling = Math.abs(e[i]);
      if (coupling <= EPSILON * (Math.abs(d[i]) + Math.abs(d[i + 1])) || coupling <= NEGLIGIBLE) {
        return i;
      }
    }
    return d.length - 1;
  }

  /** One implicit QL sweep over rows l … m, which drives e[l] to zero. */
  private static void sweep(double[] d, double[] e, double[][] z, int l, int m) {
    double half = (d[l + 1] - d[l]) / (2 * e[l]);
    double root = Math.hypot(half, 1);
    double g = d[m] - d[l] + e[l] / (half + Math.copySign(root, half));
    double s = 1;
    double c = 1;
    double p = 0;
    for (int i = m - 1; i >= l; i--) {
      double f = s * e[i];
      double b = c * e[i];
      double r = Math.hypot(f, g);
      e[i + 1] = r;
      if (r == 0) { // underflow: the block splits here
        d[i + 1] -= p;
        e[m] = 0;
        return;
      }
      s = f / r;
      c = g / r;
      g = d[i + 1] - p;
      r = (d[i] - g) * s + 2 * c * b;
      p = s * r;
      d[i + 1] = g + p;
      g = c * r - b;
      rotate(z[i], z[i + 1], c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
  }

  private static void rotate(double[] x, double[] y, double c, double s) {
    for (int k = 0; k < x.length; k++) {
      double f = y[k];
      y[k] = s * x[k] + c * f;
      x[k] = c * x[k] - s * f;
    }
  }

  private static Eigen sorted(double[] d, double[][] z) {
    Integer[] order = new Integer[d.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (i, j) -> Double.compare(d[i], d[j]));
    double[] values = new double[d.length];
    double[][] vectors = new double[d.length][];
    for (int i = 0; i < d.length; i++) {
      values[i] = d[order[i]];
      vectors[i] = z[order[i]];
    }
    return new Eigen(values, vectors);
  }

  /** Eigenvalues, ascending, with orthonormal eigenvectors. */
  public static final class Eigen {
    final double[] values;
    final double[][] vectors;

    Eigen(double[] values, double[][] vectors) {
      this.values = values;
      this.vectors = vectors;
    }

    /** The eigenvalues, ascending. */
    public double[] values() {
      return values.clone();
    }

    /** The unit eigenvector of eigenvalue i. */
    public double[] vector(int i) {
      return vectors[i].clone();
    }
  }

  /** Eigenvalues, ascending, with the first and the last component of each unit eigenvector. */
  public static final class Ends {
    final double[] values;
    final double[] first;
    final double[] last;

    Ends(double[] values, double[] first, double[] last) {
      this.values = values;
      this.first = first;
      this.last = last;
    }

    /** The eigenvalues, ascending: the nodes of the Gauss quadrature of this Jacobi matrix. */
    public double[] values() {
      return values.clone();
    }

    /** The first component of each eigenvector; their squares are the weights of the quadrature. */
    public double[] first() {
      return first.clone();
    }

    /** The last component of each eigenvector. */
    public double[] last() {
      return last.clone();
    }
  }
}
