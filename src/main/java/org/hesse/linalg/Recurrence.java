package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The matrix T = QAQᵀ of a Lanczos process, row by row.
 *
 * <p>T is a band, tridiagonal where the process takes one vector at a time; after a restart with l
 * kept Ritz vectors its leading l×l part is diagonal and the next rows couple to all of them:
 *
 * <pre>
 *   θ₀          s₀
 *      θ₁       s₁
 *   s₀ s₁  α₂   β₂
 *          β₂   α₃ …
 * </pre>
 *
 * <p>A row is held from its first entry that can differ from zero up to the diagonal.
 */
final class Recurrence {
  /** A remainder below this many roundings of ‖A‖ is noise. */
  private static final double BREAKDOWN = 64;

  private final Products products;
  private final double symmetryTolerance;
  private final List<double[]> rows = new ArrayList<>();

  /** The next rows of T, as the products made so far say, from column {@link #aheadFrom} on. */
  private double[][] ahead = {};

  private int aheadFrom;
  private double scale;
  private boolean invariant;

  /**
   * No rows yet.
   *
   * @param scale a lower bound on ‖A‖ known so far, or 0
   */
  Recurrence(Products products, double scale, double symmetryTolerance) {
    this.products = products;
    this.scale = scale;
    this.symmetryTolerance = symmetryTolerance;
  }

  /** Rows of T. */
  int size() {
    return rows.size();
  }

  /** Whether the basis spans an invariant subspace, so that every Ritz pair is an eigenpair. */
  boolean invariant() {
    return invariant;
  }

  /** The largest norm seen, a lower bound on ‖A‖. */
  double scale() {
    return scale;
  }

  /** The coupling of the rows of T to what lies outside the basis, by its Frobenius norm. */
  double coupling() {
    double norm = 0;
    for (double[] row : ahead) {
      for (double x : row) {
        norm = Math.hypot(norm, x);
      }
    }
    return norm;
  }

  /**
   * Looks at the products of the basis' last rows, and answers which norm in their remainders is
   * rounding.
   *
   * @param coefficients components of each product along the basis
   * @param norms of what remains of each
   */
  double negligible(double[][] coefficients, double[] norms) {
    int first = size();
    for (int r = 0; r < norms.length; r++) {
      scale = Math.max(scale, norms[r]);
      for (int i = first; i < first + norms.length; i++) {
        scale = Math.max(scale, Math.abs(coefficients[r][i]));
      }
    }
    return BREAKDOWN * products.operator().dtype().epsilon() * scale;
  }

  /** Takes the product of the basis' last row, where a step takes one. */
  void take(double[] coefficients, double norm, int number, boolean full) {
    double[][] product = {coefficients};
    double least = negligible(product, new double[] {norm});
    take(product, norm <= least ? new double[0][] : new double[][] {{norm}}, number, full);
  }

  /**
   * Takes the products of the basis' last rows.
   *
   * @param coefficients components of each product along the basis
   * @param next for each of the rows that come next, its components in those products
   * @param number the first product's, for messages
   * @param full whether basis and locked rows span everything
   */
  void take(double[][] coefficients, double[][] next, int number, boolean full) {
    int first = size();
    for (int r = 0; r < coefficients.length; r++) {
      double[] c = coefficients[r];
      double[] known = first == 0 ? new double[0] : ahead[r];
      double[] row = Arrays.copyOf(known, first + r + 1 - aheadFrom);
      for (int i = 0; i < first; i++) {
        requireSymmetric(c[i], i < aheadFrom ? 0 : known[i - aheadFrom], number + r);
      }
      for (int s = 0; s <= r; s++) {
        requireSymmetric(c[first + s], coefficients[s][first + r], number + r);
        row[first + s - aheadFrom] = (c[first + s] + coefficients[s][first + r]) / 2;
      }
      rows.add(row);
    }
    invariant = full || next.length == 0;
    ahead = invariant ? new double[0][] : next;
    aheadFrom = first;
  }

  /** Row j of QAQᵀ must repeat what column j said: that costs nothing and exposes asymmetry. */
  private void requireSymmetric(double uAv, double vAu, int number) {
    products.requireSymmetric(uAv, vAu, number, scale, symmetryTolerance);
  }

  /** T, where the process took one vector at a time and was not restarted. */
  Tridiagonal tridiagonal() {
    double[] diagonal = new double[size()];
    double[] offDiagonal = new double[size() - 1];
    for (int i = 0; i < diagonal.length; i++) {
      double[] row = rows.get(i);
      diagonal[i] = row[row.length - 1];
      if (i > 0 && row.length > 1) {
        offDiagonal[i - 1] = row[row.length - 2];
      }
    }
    return Tridiagonal.of(diagonal, offDiagonal);
  }

  private boolean isTridiagonal() {
    return rows.stream().allMatch(row -> row.length <= 2);
  }

  /** The eigenproblem of T: Ritz values and vectors' coefficients over the basis. */
  Tridiagonal.Eigen eigen() {
    return isTridiagonal() ? tridiagonal().eigen() : DenseSymmetric.eigen(dense());
  }

  /** Ritz values, ascending, and their residual norms ‖Ay − θy‖. */
  Ritz ritz() {
    double[] residuals = new double[size()];
    if (isTridiagonal() && aheadFrom == size() - 1) {
      Tridiagonal.Ends ends = tridiagonal().ends();
      for (int i = 0; i < residuals.length; i++) {
        residuals[i] = Math.abs(coupling() * ends.last[i]);
      }
      return new Ritz(ends.values, residuals);
    }
    Tridiagonal.Eigen eigen = DenseSymmetric.eigen(dense(), aheadFrom);
    for (int i = 0; i < residuals.length; i++) {
      for (double[] row : ahead) {
        residuals[i] = Math.hypot(residuals[i], dot(row, eigen.vectors[i], 0));
      }
    }
    return new Ritz(eigen.values, residuals);
  }

  private static double dot(double[] row, double[] vector, int from) {
    double sum = 0;
    for (int i = 0; i < row.length; i++) {
      sum += row[i] * vector[from + i];
    }
    return sum;
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
    double[][] t = new double[size()][size()];
    for (int i = 0; i < t.length; i++) {
      double[] row = rows.get(i);
      for (int j = 0; j < row.length; j++) {
        int column = i + 1 - row.length + j;
        t[i][column] = row[j];
        t[column][i] = row[j];
      }
    }
    return t;
  }

  /** Keeps the Ritz pairs with the given indices in {@link #ritz()}, which {@link #eigen} gave. */
  void restart(Tridiagonal.Eigen eigen, int[] keep) {
    double[][] couplings = new double[ahead.length][keep.length];
    rows.clear();
    for (int i = 0; i < keep.length; i++) {
      double[] vector = eigen.vectors[keep[i]];
      rows.add(new double[] {eigen.values[keep[i]]});
      for (int r = 0; r < ahead.length; r++) {
        couplings[r][i] = dot(ahead[r], vector, aheadFrom);
      }
    }
    ahead = couplings;
    aheadFrom = 0;
  }

  void save(State state) {
    state.put("rows", rows.toArray(double[][]::new));
    state.put("ahead", ahead);
    state.put("ahead.from", aheadFrom);
    state.put("scale", scale);
    state.put("invariant", invariant);
  }

  /** Goes on from what {@link #save} wrote. */
  void load(State state) {
    rows.clear();
    rows.addAll(List.of(state.rows("rows")));
    ahead = state.rows("ahead");
    aheadFrom = state.integer("ahead.from");
    scale = state.doubles("scale")[0];
    invariant = state.flag("invariant");
  }
}
