package org.hesse.linalg;

import java.util.Arrays;
import java.util.List;
import org.hesse.Tensor;

/**
 * The Lanczos process with full re-orthogonalisation, one product at a time, with thick restarts
 * (Wu and Simon 2000).
 *
 * <p>After j products the basis Q holds j orthonormal rows, and QAQᵀ = T up to rounding. T is
 * tridiagonal; after a restart with l kept Ritz vectors its leading l×l part is diagonal and row l
 * couples to all of them:
 *
 * <pre>
 *   θ₀          s₀
 *      θ₁       s₁
 *   s₀ s₁  α₂   β₂
 *          β₂   α₃ …
 * </pre>
 */
final class LanczosProcess {
  /** A remainder below this many roundings of ‖A‖ is noise: the subspace is invariant. */
  private static final double BREAKDOWN = 64;

  private final Products products;
  private final List<Tensor> locked;
  private final int lockedRows;
  private final double symmetryTolerance;

  private Basis basis = new Basis();
  private Tensor vector;
  private double[] alpha = new double[16];
  private double[] beta = new double[16];
  private double[] arrow = new double[0];
  private double scale;
  private boolean invariant;

  /**
   * Starts a process.
   *
   * @param start unit vector [n], orthogonal to the locked rows
   * @param locked orthonormal rows, in blocks, that the process stays orthogonal to
   * @param scale a lower bound on ‖A‖ known so far, or 0
   */
  LanczosProcess(
      Products products, Tensor start, Basis locked, double scale, double symmetryTolerance) {
    this.products = products;
    this.vector = start;
    this.locked = locked.blocks();
    this.lockedRows = locked.size();
    this.scale = scale;
    this.symmetryTolerance = symmetryTolerance;
  }

  /** The vector to multiply next. */
  Tensor vector() {
    return vector;
  }

  /** The orthonormal vectors multiplied so far. */
  Basis basis() {
    return basis;
  }

  /** Rows of T. */
  int size() {
    return basis.size();
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
    return invariant ? 0 : beta[size() - 1];
  }

  /** Takes the product of {@link #vector()}, the {@code number}-th made. */
  void advance(Tensor product, int number) {
    int j = size();
    grow(j + 1);
    basis.append(vector);
    List<Tensor> blocks = basis.blocks();
    blocks.addAll(locked);
    Basis.Projection p = Basis.project(product, blocks);
    products.requireFinite(p.norm(), product, number);
    alpha[j] = p.coefficients()[j];
    beta[j] = p.norm();
    scale = Math.max(scale, Math.max(Math.abs(alpha[j]), beta[j]));
    requireSymmetric(p.coefficients(), number);
    int n = vector.dim(0);
    double noise = BREAKDOWN * vector.dtype().epsilon() * scale;
    invariant = beta[j] <= noise || lockedRows + j + 1 >= n;
    if (!invariant) {
      vector = Basis.divide(p.remainder(), beta[j]);
    }
  }

  private void grow(int rows) {
    if (rows > alpha.length) {
      alpha = Arrays.copyOf(alpha, 2 * rows);
      beta = Arrays.copyOf(beta, 2 * rows);
    }
  }

  /** Row j of QAQᵀ must repeat what column j said: that costs nothing and exposes asymmetry. */
  private void requireSymmetric(double[] coefficients, int number) {
    int j = size() - 1;
    for (int i = 0; i < j; i++) {
      double expected = j == arrow.length ? arrow[i] : i == j - 1 ? beta[i] : 0;
      if (Math.abs(coefficients[i] - expected) > symmetryTolerance * scale) {
        throw new NumericalException(
            "operator: "
                + products.operator()
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
    return Tridiagonal.of(Arrays.copyOf(alpha, size()), Arrays.copyOf(beta, size() - 1));
  }

  /** The eigenproblem of T: Ritz values and vectors' coefficients over the basis. */
  Tridiagonal.Eigen eigen() {
    return arrow.length == 0 ? tridiagonal().eigen() : DenseSymmetric.eigen(dense());
  }

  /** Ritz values, ascending, and their residual norms ‖Ay − θy‖ = β·|last component|. */
  Ritz ritz() {
    double[] residuals = new double[size()];
    if (arrow.length == 0) {
      Tridiagonal.Ends ends = tridiagonal().ends();
      for (int i = 0; i < residuals.length; i++) {
        residuals[i] = Math.abs(coupling() * ends.last[i]);
      }
      return new Ritz(ends.values, residuals);
    }
    Tridiagonal.Eigen eigen = eigen();
    for (int i = 0; i < residuals.length; i++) {
      residuals[i] = Math.abs(coupling() * eigen.vectors[i][size() - 1]);
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
    int m = size();
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

  /** Shrinks the basis to the Ritz vectors with the given indices in {@link #ritz()}. */
  void restart(int[] keep) {
    Tridiagonal.Eigen eigen = eigen();
    int last = size() - 1;
    double coupling = coupling();
    double[][] coefficients = new double[keep.length][];
    double[] couplings = new double[keep.length];
    for (int i = 0; i < keep.length; i++) {
      coefficients[i] = eigen.vectors[keep[i]];
      alpha[i] = eigen.values[keep[i]];
      couplings[i] = coupling * coefficients[i][last];
    }
    Tensor rows = basis.combine(coefficients);
    basis = new Basis();
    for (int i = 0; i < keep.length; i++) {
      basis.append(rows.select(0, i));
    }
    arrow = couplings;
    vector = orthonormalised(vector);
  }

  private Tensor orthonormalised(Tensor v) {
    List<Tensor> blocks = basis.blocks();
    blocks.addAll(locked);
    Basis.Projection p = Basis.project(v, blocks);
    return Basis.divide(p.remainder(), p.norm());
  }
}
