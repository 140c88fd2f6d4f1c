package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * The Lanczos process with full re-orthogonalisation, one product at a time, with thick restarts
 * (Wu and Simon 2000).
 *
 * <p>After j products the basis Q holds j orthonormal rows, and QAQᵀ = T up to rounding.
 */
final class LanczosProcess {
  private final Products products;
  private final Basis locked;
  private final Recurrence t;

  private Basis basis = new Basis();
  private Tensor vector;

  /**
   * Starts a process.
   *
   * @param start unit vector [n], orthogonal to the locked rows
   * @param locked orthonormal rows that the process stays orthogonal to
   * @param scale a lower bound on ‖A‖ known so far, or 0
   */
  LanczosProcess(
      Products products, Tensor start, Basis locked, double scale, double symmetryTolerance) {
    this.products = products;
    this.vector = start;
    this.locked = locked;
    this.t = new Recurrence(products.operator(), scale, symmetryTolerance);
  }

  /** The vector to multiply next. */
  Tensor vector() {
    return vector;
  }

  /** The orthonormal vectors multiplied so far. */
  Basis basis() {
    return basis;
  }

  /** The matrix of the operator on the basis. */
  Recurrence t() {
    return t;
  }

  /** Takes the product of {@link #vector()}, the {@code number}-th made. */
  void advance(Tensor product, int number) {
    basis.append(vector);
    Basis.Projection p = Basis.project(product, basis, locked);
    products.requireFinite(p.norm(), product, number);
    boolean full = locked.size() + basis.size() >= vector.dim(0);
    t.take(p.coefficients()[0], p.norm(), number, full);
    if (!t.invariant()) {
      vector = Basis.divide(p.remainder(), p.norm());
    }
  }

  /** Shrinks the basis to the Ritz vectors with the given indices in {@link Recurrence#ritz()}. */
  void restart(int[] keep) {
    Tridiagonal.Eigen eigen = t.eigen();
    double[][] coefficients = new double[keep.length][];
    for (int i = 0; i < keep.length; i++) {
      coefficients[i] = eigen.vectors[keep[i]];
    }
    Tensor rows = basis.combine(coefficients);
    basis = new Basis();
    for (int i = 0; i < keep.length; i++) {
      basis.append(rows.select(0, i));
    }
    t.restart(eigen, keep);
    Basis.Projection p = Basis.project(vector, basis, locked);
    vector = Basis.divide(p.remainder(), p.norm());
  }
}
