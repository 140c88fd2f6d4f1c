package org.hesse.testing;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.hesse.ir.FactorKind;

/** Dense linear algebra on one matrix, straight from the definitions, in double precision. */
final class ReferenceFactors {
  private ReferenceFactors() {}

  /**
   * The result of a kind, row-major.
   *
   * @param in the operands read, each as rows
   * @param rows of the result
   * @param columns of the result
   */
  static double[][] compute(FactorKind kind, double[][][] in, int rows, int columns) {
    double[][] a = in[0];
    return switch (kind) {
      case FactorKind.Cholesky c -> cholesky(a);
      case FactorKind.TriangularSolve s ->
          substitute(a, s.lower(), s.unit(), s.transposed(), in[1]);
      case FactorKind.Lu l -> lu(a);
      case FactorKind.LuSolve s -> luSolve(a, in[1], s.transposed());
      case FactorKind.Determinant d -> new double[][] {determinant(a)};
      case FactorKind.Eigh e -> eigh(a);
      case FactorKind.Qr q -> qr(a, rows - columns);
      case FactorKind.Svd s -> svd(a, rows - 1);
      case FactorKind.Gaps g -> gaps(a[0]);
      case FactorKind.Part(var factor) -> {
        throw new IllegalArgumentException(factor + " is a slice");
      }
    };
  }

  private static double[][] transpose(double[][] a, int columns) {
    double[][] t = new double[columns][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < columns; j++) {
        t[j][i] = a[i][j];
      }
    }
    return t;
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double[][] cholesky(double[][] a) {
    int n = a.length;
    double[][] l = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j <= i; j++) {
        double rest = a[i][j] - dot(l[i], l[j]);
        l[i][j] = i == j ? Math.sqrt(rest) : rest / l[j][j];
      }
    }
    return l;
  }

  private static double[][] triangle(
      double[][] a, boolean lower, boolean unit, boolean transposed) {
    int n = a.length;
    double[][] t = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        boolean inside = lower ? j <= i : j >= i;
        t[i][j] = i == j && unit ? 1 : inside ? a[i][j] : 0;
      }
    }
    return transposed ? transpose(t, n) : t;
  }

  /** Solves with a triangular matrix of either kind: each row has one unknown that is new. */
  private static double[][] substitute(
      double[][] a, boolean lower, boolean unit, boolean transposed, double[][] b) {
    double[][] t = triangle(a, lower, unit, transposed);
    boolean forward = lower != transposed;
    int n = t.length;
    double[][] x = new double[n][];
    for (int step = 0; step < n; step++) {
      int i = forward ? step : n - 1 - step;
      x[i] = b[i].clone();
      for (int j = 0; j < n; j++) {
        if (j != i && x[j] != null && t[i][j] != 0) {
          for (int k = 0; k < x[i].length; k++) {
            x[i][k] -= t[i][j] * x[j][k];
          }
        }
      }
      for (int k = 0; k < x[i].length; k++) {
        x[i][k] /= t[i][i];
      }
    }
    return x;
  }

  private static double[][] lu(double[][] a) {
    int n = a.length;
    double[][] u = Arrays.stream(a).map(double[]::clone).toArray(double[][]::new);
    double[] rows = IntStream.range(0, n).asDoubleStream().toArray();
    for (int k = 0; k < n; k++) {
      int best = k;
      for (int i = k + 1; i < n; i++) {
        best = Math.abs(u[i][k]) > Math.abs(u[best][k]) ? i : best;
      }
      double[] row = u[k];
      u[k] = u[best];
      u[best] = row;
      double r = rows[k];
      rows[k] = rows[best];
      rows[best] = r;
      for (int i = k + 1; i < n && u[k][k] != 0; i++) {
        u[i][k] /= u[k][k];
        for (int j = k + 1; j < n; j++) {
          u[i][j] -= u[i][k] * u[k][j];
        }
      }
    }
    double[][] packed = Arrays.copyOf(u, n + 1);
    packed[n] = rows;
    return packed;
  }

  private static double[][] luSolve(double[][] packed, double[][] b, boolean transposed) {
    int n = packed.length - 1;
    double[][] lu = Arrays.copyOf(packed, n);
    int[] rows = Arrays.stream(packed[n]).mapToInt(v -> (int) v).toArray();
    if (!transposed) {
      double[][] moved = Arrays.stream(rows).mapToObj(r -> b[r]).toArray(double[][]::new);
      double[][] y = substitute(lu, true, true, false, moved);
      return substitute(lu, false, false, false, y);
    }
    double[][] y = substitute(lu, false, false, true, b);
    double[][] z = substitute(lu, true, true, true, y);
    double[][] x = new double[n][];
    for (int i = 0; i < n; i++) {
      x[rows[i]] = z[i];
    }
    return x;
  }

  private static double[] determinant(double[][] packed) {
    int n = packed.length - 1;
    double det = 1;
    for (int i = 0; i < n; i++) {
      det *= packed[i][i];
      for (int j = 0; j < i; j++) {
        det = packed[n][j] > packed[n][i] ? -det : det;
      }
    }
    return new double[] {Math.signum(det), Math.log(Math.abs(det)), det};
  }

  /** Jacobi's method: rotations until nothing is left off the diagonal. */
  private static double[][] eigh(double[][] lower) {
    int n = lower.length;
    double[][] a = new double[n][n];
    double[][] v = new double[n][n];
    for (int i = 0; i < n; i++) {
      v[i][i] = 1;
      for (int j = 0; j <= i; j++) {
        a[i][j] = lower[i][j];
        a[j][i] = lower[i][j];
      }
    }
    for (int sweep = 0; sweep < 30; sweep++) {
      for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
          double angle = 0.5 * Math.atan2(2 * a[p][q], a[q][q] - a[p][p]);
          rotate(a, p, q, angle);
          a = transpose(a, n);
          rotate(a, p, q, angle);
          rotate(v, p, q, angle);
        }
      }
    }
    double[][] d = a;
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> d[i][i]))
            .mapToInt(i -> i)
            .toArray();
    double[][] packed = new double[n + 1][n];
    for (int j = 0; j < n; j++) {
      packed[0][j] = a[order[j]][order[j]];
      for (int i = 0; i < n; i++) {
        packed[i + 1][j] = v[i][order[j]];
      }
    }
    return packed;
  }

  /** Turns columns p and q into each other. */
  private static void rotate(double[][] a, int p, int q, double angle) {
    double c = Math.cos(angle);
    double s = Math.sin(angle);
    for (double[] row : a) {
      double x = row[p];
      row[p] = c * x - s * row[q];
      row[q] = s * x + c * row[q];
    }
  }

  /** Gram and Schmidt, twice. */
  private static double[][] qr(double[][] a, int m) {
    int n = a.length == 0 ? 0 : a[0].length;
    double[][] q = transpose(a, n);
    double[][] r = new double[n][n];
    for (int j = 0; j < n; j++) {
      for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < j; i++) {
          double part = dot(q[i], q[j]);
          r[i][j] += part;
          for (int k = 0; k < m; k++) {
            q[j][k] -= part * q[i][k];
          }
        }
      }
      r[j][j] = Math.sqrt(dot(q[j], q[j]));
      for (int k = 0; k < m; k++) {
        q[j][k] /= r[j][j];
      }
    }
    return stacked(transpose(q, m), r);
  }

  private static double[][] stacked(double[][] a, double[][] b) {
    double[][] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  /** From the eigenvectors of the smaller of AᵀA and AAᵀ; for well-conditioned matrices. */
  private static double[][] svd(double[][] a, int sum) {
    int m = a.length;
    int n = sum - m;
    boolean wide = n > m;
    double[][] tall = wide ? transpose(a, n) : a;
    int k = Math.min(m, n);
    double[][] columns = transpose(tall, k);
    double[][] gram = new double[k][k];
    for (int i = 0; i < k; i++) {
      for (int j = 0; j < k; j++) {
        gram[i][j] = dot(columns[i], columns[j]);
      }
    }
    double[][] packed = eigh(gram);
    double[][] right = new double[k][k];
    double[][] left = new double[tall.length][k];
    double[] s = new double[k];
    for (int j = 0; j < k; j++) {
      s[j] = Math.sqrt(packed[0][k - 1 - j]);
      for (int i = 0; i < k; i++) {
        right[i][j] = packed[i + 1][k - 1 - j];
        for (int l = 0; l < tall.length; l++) {
          left[l][j] += tall[l][i] * right[i][j] / s[j];
        }
      }
    }
    return stacked(wide ? stacked(right, left) : stacked(left, right), new double[][] {s});
  }

  private static double[][] gaps(double[] x) {
    double[][] g = new double[x.length][x.length];
    for (int i = 0; i < x.length; i++) {
      for (int j = 0; j < x.length; j++) {
        g[i][j] = i == j ? 0 : 1 / (x[j] - x[i]);
      }
    }
    return g;
  }
}
