package org.hesse.linalg;

import java.util.Arrays;

/**
 * The eigenproblem of a small dense symmetric matrix on the host, by Householder reduction to
 * tridiagonal form (Golub and Van Loan, Matrix Computations, section 8.3) and {@link Tridiagonal}.
 */
final class DenseSymmetric {
  private DenseSymmetric() {}

  /** Eigenvalues, ascending, and eigenvectors of the symmetric matrix {@code a}; overwrites it. */
  static Tridiagonal.Eigen eigen(double[][] a) {
    return eigen(a, 0);
  }

  /** The same with the components of the eigenvectors from {@code first} on only. */
  static Tridiagonal.Eigen eigen(double[][] a, int first) {
    int m = a.length;
    double[][] q = Arrays.copyOfRange(Tridiagonal.identity(m), first, m);
    for (int k = 0; k < m - 2; k++) {
      double[] u = reflector(a, k);
      if (u.length > 0) {
        reflectBothSides(a, u, k + 1);
        reflectFromTheRight(q, u, k + 1);
      }
    }
    double[] diagonal = new double[m];
    double[] offDiagonal = new double[m - 1];
    for (int i = 0; i < m; i++) {
      diagonal[i] = a[i][i];
      if (i < m - 1) {
        offDiagonal[i] = a[i + 1][i];
      }
    }
    return Tridiagonal.of(diagonal, offDiagonal).solve(transpose(q));
  }

  /** Unit u such that I − 2uuᵀ maps column k below the diagonal to a multiple of e₁; or empty. */
  private static double[] reflector(double[][] a, int k) {
    int n = a.length - k - 1;
    double[] u = new double[n];
    double norm = 0;
    for (int i = 0; i < n; i++) {
      u[i] = a[k + 1 + i][k];
      norm = Math.hypot(norm, u[i]);
    }
    u[0] += Math.copySign(norm, u[0]);
    double length = 0;
    for (double x : u) {
      length = Math.hypot(length, x);
    }
    if (length == 0) {
      return new double[0];
    }
    for (int i = 0; i < n; i++) {
      u[i] /= length;
    }
    return u;
  }

  /**
   * A ← HAH with H = I − 2uuᵀ acting on rows and columns from {@code from} on, as A − 2uwᵀ − 2wuᵀ
   * with p = Au and w = p − (u·p)u. Of the others only the one before is not zero there.
   */
  private static void reflectBothSides(double[][] a, double[] u, int from) {
    int n = u.length;
    double[] w = new double[n];
    for (int i = 0; i < n; i++) {
      w[i] = dot(a[from + i], u, from);
    }
    double along = dot(w, u, 0);
    for (int i = 0; i < n; i++) {
      w[i] -= along * u[i];
    }
    for (int i = 0; i < n; i++) {
      double[] row = a[from + i];
      for (int j = 0; j < n; j++) {
        row[from + j] -= 2 * (u[i] * w[j] + w[i] * u[j]);
      }
    }
    reflectFromTheRight(new double[][] {a[from - 1]}, u, from);
    for (int i = 0; i < n; i++) {
      a[from + i][from - 1] = a[from - 1][from + i];
    }
  }

  private static double dot(double[] row, double[] u, int from) {
    double dot = 0;
    for (int j = 0; j < u.length; j++) {
      dot += row[from + j] * u[j];
    }
    return dot;
  }

  private static void reflectFromTheRight(double[][] a, double[] u, int from) {
    for (double[] row : a) {
      double dot = dot(row, u, from);
      for (int j = 0; j < u.length; j++) {
        row[from + j] -= 2 * dot * u[j];
      }
    }
  }

  private static double[][] transpose(double[][] q) {
    int m = q[0].length;
    double[][] t = new double[m][q.length];
    for (int i = 0; i < q.length; i++) {
      for (int j = 0; j < m; j++) {
        t[j][i] = q[i][j];
      }
    }
    return t;
  }
}
