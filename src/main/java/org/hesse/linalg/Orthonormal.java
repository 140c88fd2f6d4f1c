package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * A block of vectors W, [b, n], written as W = C·Q + F·Z: its components along bases Q, and
 * orthonormal rows Z, [b', n], orthogonal to Q, where b' ≤ b is the rank of what is left.
 *
 * <p>Rows are made orthonormal by the Cholesky factor, with pivots, of their Gram matrix in F64:
 * two matrix products, and no row waits for another. Where that cancels digits, as in nearly
 * dependent rows, they are projected on the bases once more and the step is repeated (Yamamoto,
 * Nakatsukasa, Yanagisawa and Fukaya 2015; with bases Duersch, Shao, Yang and Gu 2018).
 *
 * @param rows Z
 * @param coefficients C, [b][rows of Q]
 * @param factor Fᵀ, [b'][b]: row k holds the components along row k of Z
 */
record Orthonormal(Tensor rows, double[][] coefficients, double[][] factor) {
  private static final int MAX_ROUNDS = 5;

  /** With pivots from here on a step costs less than a digit. */
  private static final double WELL_CONDITIONED = 0.1;

  /** Below this the pivot of a unit row is rounding, and the next round must tell. */
  private static final double UNRESOLVED = 0x1p-44;

  /**
   * Splits a block.
   *
   * @param w the block, projected on the bases once
   * @param most the most rows to keep
   * @param negligible the norm up to which a direction of what is left is dropped, as rounding
   */
  static Orthonormal of(Basis.Projection w, int most, double negligible, Basis... bases) {
    double[][] c = w.coefficients();
    Tensor z = w.remainder();
    if (w.norms().length == 1 && w.norm() > negligible && most > 0) {
      return new Orthonormal(Basis.divide(z, w.norm()), c, new double[][] {{w.norm()}});
    }
    double[][] factor = Tridiagonal.identity(z.dim(0));
    for (int round = 1; ; round++) {
      Cholesky step = new Cholesky(gram(z), factor, most, negligible);
      factor = step.factor();
      if (factor.length == 0) {
        return new Orthonormal(z.slice(0, 0, 0), c, factor);
      }
      double[] transform = step.transform.stream().flatMapToDouble(Arrays::stream).toArray();
      z = Tensor.of(transform, factor.length, z.dim(0)).cast(z.dtype()).matmul(z);
      if (step.leastPivot >= WELL_CONDITIONED || round == MAX_ROUNDS) {
        return new Orthonormal(z, c, factor);
      }
      Basis.Projection again = Basis.project(z, bases);
      c = plus(c, factor, again.coefficients());
      z = again.remainder();
    }
  }

  private static double[][] gram(Tensor z) {
    double[] g = z.matmul(z.transpose(), DType.F64).toDoubleArray();
    int b = z.dim(0);
    double[][] rows = new double[b][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(g, i * b, (i + 1) * b));
    return rows;
  }

  /** C + F·(further coefficients). */
  private static double[][] plus(double[][] c, double[][] factor, double[][] further) {
    double[][] sum = Arrays.stream(c).map(double[]::clone).toArray(double[][]::new);
    for (int k = 0; k < factor.length; k++) {
      for (int r = 0; r < sum.length; r++) {
        add(sum[r], further[k], factor[k][r]);
      }
    }
    return sum;
  }

  private static void add(double[] to, double[] x, double factor) {
    for (int i = 0; i < x.length; i++) {
      to[i] += factor * x[i];
    }
  }

  private static double norm(double[] x) {
    double norm = 0;
    for (double y : x) {
      norm = Math.hypot(norm, y);
    }
    return norm;
  }

  /** One round: unit rows z/d = L·(new rows), where L is the factor of their Gram matrix. */
  private static final class Cholesky {
    private static final double DONE = Double.NEGATIVE_INFINITY;

    /** New rows by the old ones. */
    final List<double[]> transform = new ArrayList<>();

    double leastPivot = 1;

    private final double[][] gram;
    private final double[] d;
    private final double[][] l;
    private final double[] pivots;
    private final List<double[]> factors = new ArrayList<>();

    Cholesky(double[][] gram, double[][] before, int most, double negligible) {
      int b = gram.length;
      this.gram = gram;
      this.d = new double[b];
      this.l = new double[b][b];
      this.pivots = new double[b];
      Arrays.setAll(d, i -> Math.sqrt(gram[i][i]));
      Arrays.setAll(pivots, i -> d[i] * norm(before[i]) > negligible ? 1 : DONE);
      int i = largest();
      for (int k = 0; pivots[i] != DONE && transform.size() < most; k++) {
        leastPivot = Math.min(leastPivot, pivots[i]);
        eliminate(i, k);
        double[] row = new double[before[0].length];
        for (int j = 0; j < b; j++) {
          add(row, before[j], d[j] * l[j][k]);
        }
        factors.add(row);
        i = largest();
      }
    }

    private int largest() {
      int best = 0;
      for (int i = 1; i < pivots.length; i++) {
        best = pivots[i] > pivots[best] ? i : best;
      }
      return best;
    }

    /** Makes row i the k-th new one, and takes it out of those that are left. */
    private void eliminate(int i, int k) {
      boolean resolved = pivots[i] > UNRESOLVED;
      l[i][k] = Math.sqrt(Math.max(pivots[i], UNRESOLVED));
      pivots[i] = DONE;
      for (int j = 0; resolved && j < pivots.length; j++) {
        if (pivots[j] != DONE) {
          double along = gram[i][j] / d[i] / d[j];
          for (int m = 0; m < k; m++) {
            along -= l[i][m] * l[j][m];
          }
          l[j][k] = along / l[i][k];
          pivots[j] -= l[j][k] * l[j][k];
        }
      }
      double[] row = new double[pivots.length];
      row[i] = 1 / d[i];
      for (int m = 0; m < k; m++) {
        add(row, transform.get(m), -l[i][m]);
      }
      Arrays.setAll(row, j -> row[j] / l[i][k]);
      transform.add(row);
    }

    double[][] factor() {
      return factors.toArray(double[][]::new);
    }
  }
}
