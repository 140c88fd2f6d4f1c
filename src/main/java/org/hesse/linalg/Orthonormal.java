package org.hesse.linalg;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * A block of vectors W, [b, n], written as W = C·Q + F·Z: its components along bases Q, and
 * orthonormal rows Z, [b', n], orthogonal to Q, where b' ≤ b is the rank of what is left.
 *
 * <p>Rows are made orthonormal by the eigenvectors of their Gram matrix in F64 (SVQB, Stathopoulos
 * and Wu 2002): two matrix products, and no column waits for another. Where that cancels digits, as
 * in nearly dependent rows, they are projected on the bases once more and the step is repeated
 * (Duersch, Shao, Yang and Gu 2018).
 *
 * @param rows Z
 * @param coefficients C, [b][rows of Q]
 * @param factor Fᵀ, [b'][b]: row k holds the components along row k of Z
 */
record Orthonormal(Tensor rows, double[][] coefficients, double[][] factor) {
  private static final int MAX_ROUNDS = 5;

  /** Gram matrices of unit rows with eigenvalues from here on cost less than a digit. */
  private static final double WELL_CONDITIONED = 0.1;

  /** Below this the eigenvalue of a Gram matrix is rounding, and the next round must tell. */
  private static final double UNRESOLVED = 0x1p-46;

  /**
   * Splits a block.
   *
   * @param most the most rows to keep
   * @param negligible the norm up to which a direction of what is left is dropped, as rounding
   */
  static Orthonormal of(Basis.Projection w, int most, double negligible, Basis... bases) {
    double[][] c = w.coefficients();
    if (w.norms().length == 1) {
      return w.norm() <= negligible || most == 0
          ? new Orthonormal(w.remainder().slice(0, 0, 0), c, new double[0][])
          : new Orthonormal(
              Basis.divide(w.remainder(), w.norms()), c, new double[][] {{w.norm()}});
    }
    Tensor z = w.remainder();
    double[][] factor = Tridiagonal.identity(z.dim(0));
    for (int round = 1; ; round++) {
      Step step = Step.of(gram(z), factor, most, negligible);
      factor = step.factor;
      if (factor.length == 0) {
        return new Orthonormal(z.slice(0, 0, 0), c, factor);
      }
      z = Tensor.of(flat(step.transform), factor.length, z.dim(0)).cast(z.dtype()).matmul(z);
      if (step.condition >= WELL_CONDITIONED || round == MAX_ROUNDS) {
        return new Orthonormal(z, c, factor);
      }
      Basis.Projection again = Basis.project(z, bases);
      c = plus(c, factor, again.coefficients());
      z = again.remainder();
    }
  }

  /** Of one round: Z ← transform·Z, and what this makes of the factor. */
  private record Step(double[][] transform, double[][] factor, double condition) {
    static Step of(double[][] gram, double[][] factor, int most, double negligible) {
      int b = gram.length;
      double[] d = new double[b];
      Arrays.setAll(d, i -> Math.sqrt(gram[i][i]));
      double[][] unit = new double[b][b];
      for (int i = 0; i < b; i++) {
        for (int j = 0; j < b; j++) {
          // Else rounding, made as long as the others, would be mixed with them.
          boolean rounding = d[i] * norm(factor[i]) <= negligible || d[j] * norm(factor[j]) <= negligible;
          unit[i][j] = rounding ? 0 : gram[i][j] / d[i] / d[j];
        }
      }
      Tridiagonal.Eigen eigen = DenseSymmetric.eigen(unit);
      double floor = b * UNRESOLVED;
      double[] root = Arrays.stream(eigen.values).map(x -> Math.sqrt(Math.max(x, floor))).toArray();
      double[][] factors = new double[b][];
      for (int k = 0; k < b; k++) {
        factors[k] = factor(factor, d, eigen.vectors[k], root[k]);
      }
      int[] kept =
          IntStream.range(0, b)
              .filter(k -> norm(factors[k]) > negligible)
              .toArray();
      kept = Arrays.copyOfRange(kept, Math.max(0, kept.length - most), kept.length);
      double[][] transform = new double[kept.length][b];
      for (int k = 0; k < kept.length; k++) {
        for (int i = 0; i < b; i++) {
          transform[k][i] = eigen.vectors[kept[k]][i] / d[i] / root[kept[k]];
        }
      }
      double condition = kept.length == 0 ? 0 : eigen.values[kept[0]];
      return new Step(
          transform,
          Arrays.stream(kept).mapToObj(k -> factors[k]).toArray(double[][]::new),
          condition);
    }

    /** √λ·Fᵀ·(d∘u): row k of the new factor. */
    private static double[] factor(double[][] factor, double[] d, double[] u, double root) {
      double[] row = new double[factor[0].length];
      for (int i = 0; i < d.length; i++) {
        for (int j = 0; j < row.length; j++) {
          row[j] += root * d[i] * u[i] * factor[i][j];
        }
      }
      return row;
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
        for (int i = 0; i < sum[r].length; i++) {
          sum[r][i] += factor[k][r] * further[k][i];
        }
      }
    }
    return sum;
  }

  private static double norm(double[] x) {
    double norm = 0;
    for (double y : x) {
      norm = Math.hypot(norm, y);
    }
    return norm;
  }

  private static double[] flat(double[][] rows) {
    return Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
  }
}
