package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * The Lanczos process with full re-orthogonalisation, for one vector at a time or a block of them,
 * with thick restarts (Wu and Simon 2000).
 *
 * <p>After j products the basis Q holds j orthonormal rows, and QAQᵀ = T up to rounding.
 */
final class LanczosProcess {
  private final Products products;
  private final Basis locked;
  private final Recurrence t;

  private Basis basis;
  private Tensor vectors;

  private LanczosProcess(
      Products products, Tensor vectors, Basis basis, Basis locked, Recurrence t) {
    this.products = products;
    this.vectors = vectors;
    this.basis = basis;
    this.locked = locked;
    this.t = t;
  }

  /**
   * Starts a process.
   *
   * @param start [b, n], b or fewer of whose directions are taken
   * @param locked orthonormal rows that the process stays orthogonal to
   * @param t the operator's matrix, without rows yet
   */
  static LanczosProcess start(Products products, Tensor start, Basis locked, Recurrence t) {
    int most = start.dim(1) - locked.size();
    Orthonormal unit = Orthonormal.of(Basis.project(start, locked), most, 0, locked);
    return new LanczosProcess(products, unit.rows(), new Basis(), locked, t);
  }

  /** Goes on from what {@link #save} wrote. */
  static LanczosProcess resume(Products products, State state, Basis locked, Recurrence t) {
    t.load(state.in("t"));
    return new LanczosProcess(
        products, state.tensor("vectors"), Basis.load(state.in("basis")), locked, t);
  }

  void save(State state) {
    t.save(state.in("t"));
    basis.save(state.in("basis"));
    state.put("vectors", vectors);
  }

  /** How many vectors the next step takes. */
  int block() {
    return vectors.dim(0);
  }

  /** The orthonormal vectors multiplied so far. */
  Basis basis() {
    return basis;
  }

  /** The matrix of the operator on the basis. */
  Recurrence t() {
    return t;
  }

  /** Makes the products with the next vectors. */
  void advance() {
    int number = products.count() + 1;
    Tensor made = products.applyAll(vectors);
    basis.appendAll(vectors);
    Basis.Projection p = Basis.project(made, basis, locked);
    for (int i = 0; i < p.norms().length; i++) {
      if (!Double.isFinite(p.norms()[i])) {
        products.requireFinite(p.norms()[i], made.select(0, i), number + i);
      }
    }
    double negligible = t.negligible(p.coefficients(), p.norms());
    int most = vectors.dim(1) - locked.size() - basis.size();
    Orthonormal next = Orthonormal.of(p, most, negligible, basis, locked);
    t.take(next.coefficients(), next.factor(), number, most == 0);
    if (!t.invariant()) {
      vectors = next.rows();
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
    basis.appendAll(rows);
    t.restart(eigen, keep);
    Basis.Projection p = Basis.project(vectors, basis, locked);
    vectors = Basis.divide(p.remainder(), p.norms());
  }
}
