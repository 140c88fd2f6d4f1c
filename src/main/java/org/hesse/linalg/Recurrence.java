package org.hesse.linalg;

import java.util.Arrays;

/**
 * The matrix T = QAQᵀ of a Lanczos process, row by row.
 *
 * <p>T is tridiagonal; after a restart with l kept Ritz vectors its leading l×l part is diagonal
 * and row l couples to all of them:
 *
 * <pre>
 *   θ₀          s₀
 *      θ₁       s₁
 *   s₀ s₁  α₂   β₂
 *          β₂   α₃ …
 * </pre>
 */
final class Recurrence {
  /** A remainder below this many roundings of ‖A‖ is noise: the subspace is invariant. */
  private static final double BREAKDOWN = 64;

  private final LinearMap operator;
  private final double symmetryTolerance;
  private double[] alpha = new double[16];
  private double[] beta = new double[16];
  private double[] arrow = new double[0];
  private int size;
  private double scale;
  private boolean invariant;

  /**
   * No rows yet.
   *
   * @param scale a lower bound on ‖A‖ known so far, or 0
   */
  Recurrence(LinearMap operator, double scale, double symmetryTolerance) {
    this.operator = operator;
    this.scale = scale;
    this.symmetryTolerance = symmetryTolerance;
  }

  /** Rows of T. */
  int size() {
    return size;
  }

  /** Whether the basis spans an invariant subspace, so that every Ritz pair is an eigenpair. */
  boolean invariant() {
    return invariant;
  }

  /** The largest norm seen, a lower bound on ‖A‖. */
  double scale() {
    return scale;
  }

  /** The coupling of the last row of T to what lies outside the basis. */
  double coupling() {
    return invariant ? 0 : beta[size - 1];
  }

  /**
   * Takes the product of the basis' last row.
   *
   * @param coefficients its components along the basis
   * @param norm the norm of what remains of it
   * @param number the product's, for messages
   * @param full whether basis and locked rows span everything
   */
  void take(double[] coefficients, double norm, int number, boolean full) {
    int j = size++;
    grow(j + 1);
    alpha[j] = coefficients[j];
    beta[j] = norm;
    scale = Math.max(scale, Math.max(Math.abs(alpha[j]), beta[j]));
    requireSymmetric(coefficients, number);
    invariant = full || beta[j] <= BREAKDOWN * operator.dtype().epsilon() * scale;
  }

  private void grow(int rows) {
    if (rows > alpha.length) {
      alpha = Arrays.copyOf(alpha, 2 * rows);
      beta = Arrays.copyOf(beta, 2 * rows);
    }
  }

  /** Row j of QAQᵀ must repeat what column j said: that costs nothing and exposes asymmetry. */
  private void requireSymmetric(double[] coefficients, int number) {
    int j = size - 1;
    for (int i = 0; i < j; i++) {
      double expected = j == arrow.length ? arrow[i] : i == j - 1 ? beta[i] : 0;
      if (Math.abs(coefficients[i] - expected) > symmetryTolerance * scale) {
        throw new NumericalException(
            "operator: "
                + operator
                + " is not symmetric: for orthonormal u, v ⟨u, Av⟩ = "
                + coefficients[i]
                + " (product "
                + number
                + ") but ⟨v, Au⟩ = "
                + expected
                + ", where ‖A‖ is at least "
                + scale
                + "; check that the same product made twice "
                + "is the same (no dropout, the same batches in each pass) and that the operator "
                + "is a symmetric one; if its products are only that accurate, raise "
                + "symmetryTolerance above "
                + symmetryTolerance);
      }
    }
  }

  /** T, where it has not been restarted. */
  Tridiagonal tridiagonal() {
    return Tridiagonal.of(Arrays.copyOf(alpha, size), Arrays.copyOf(beta, size - 1));
  }

  /** The eigenproblem of T: Ritz values and vectors' coefficients over the basis. */
  Tridiagonal.Eigen eigen() {
    return arrow.length == 0 ? tridiagonal().eigen() : DenseSymmetric.eigen(dense());
  }

  /** Ritz values, ascending, and their residual norms ‖Ay − θy‖ = β·|last component|. */
  Ritz ritz() {
    double[] residuals = new double[size];
    if (arrow.length == 0) {
      Tridiagonal.Ends ends = tridiagonal().ends();
      for (int i = 0; i < residuals.length; i++) {
        residuals[i] = Math.abs(coupling() * ends.last[i]);
      }
      return new Ritz(ends.values, residuals);
    }
    Tridiagonal.Eigen eigen = eigen();
    for (int i = 0; i < residuals.length; i++) {
      residuals[i] = Math.abs(coupling() * eigen.vectors[i][size - 1]);
    }
    return new Ritz(eigen.values, residuals);
  }

  /** Ritz values and residual norms. */
  static final class Ritz {
    final double[] values;
    final double[] residuals;

    Ritz(double[] values, double[] residuals) {
      this.values = values;
      this.residuals = residuals;
    }
  }

  private double[][] dense() {
    int m = size;
    int kept = arrow.length;
    double[][] t = new double[m][m];
    for (int i = 0; i < m; i++) {
      t[i][i] = alpha[i];
      if (i < kept && kept < m) {
        t[i][kept] = arrow[i];
        t[kept][i] = arrow[i];
      } else if (i >= kept && i + 1 < m) {
        t[i][i + 1] = beta[i];
        t[i + 1][i] = beta[i];
      }
    }
    return t;
  }

  /** Keeps the Ritz pairs with the given indices in {@link #ritz()}, which {@link #eigen} gave. */
  void restart(Tridiagonal.Eigen eigen, int[] keep) {
    int last = size - 1;
    double coupling = coupling();
    double[] couplings = new double[keep.length];
    for (int i = 0; i < keep.length; i++) {
      alpha[i] = eigen.values[keep[i]];
      couplings[i] = coupling * eigen.vectors[keep[i]][last];
    }
    arrow = couplings;
    size = keep.length;
  }
}
