package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * XDiag (Epperly, Tropp and Webber 2024). With Q and the directions s of {@link Sketch}, and Z =
 * AᵀQ, leaving out the vector ω gives the sample d = Σ q∘z − Qs∘Zs + ω∘Qs·(sᵀr).
 *
 * <p>Leaving out a second vector takes from Q the direction e along its s, orthogonal to the first
 * one's; d then differs by Qe∘(Ze − ω·(eᵀr)). See {@link LeaveOneOut} for what that is good for.
 * The covariance is taken from m of the pairs, each vector with the next, as all would be m² long
 * vectors.
 */
final class XDiag {
  private final Probing probing;
  private final Sketch sketch;
  private final Products adjoint;

  XDiag(Probing probing, LinearOperator operator) {
    this.probing = probing;
    this.adjoint = operator.symmetric() ? probing.products() : probing.products().adjoint();
    this.sketch = new Sketch(probing, adjoint);
  }

  DiagonalEstimate run() {
    int most = Math.min(probing.most() / 2, probing.size());
    int m = probing.relativeError() > 0 ? Probing.LEAST_FOR_STOPPING : most;
    while (true) {
      sketch.extend(Math.min(m, most));
      sketch.multiply();
      DiagonalEstimate e = estimate();
      if (e.reached() || sketch.rank() == most) {
        return e;
      }
      m = sketch.rank() + Math.max(4, sketch.rank() / 2);
    }
  }

  private DiagonalEstimate estimate() {
    int m = sketch.rank();
    int n = probing.size();
    Tensor known = Tensor.zeros(probing.operator().dtype(), n);
    for (int from = 0; from < m; from += probing.together()) {
      int to = Math.min(m, from + probing.together());
      known = known.add(sketch.q().rows(from, to).mul(sketch.z().rows(from, to)).sum(0));
    }
    if (m == n) {
      double unit = probing.products().unit();
      return new DiagonalEstimate(
          known.mul(unit), known.mul(0), 0, Basis.norm(known) * unit, matvecs(), true);
    }
    DiagonalEstimator.Moments moments = DiagonalEstimator.Moments.none(known.dtype(), n);
    double covariance = 0;
    for (int i = 0; i < m; i++) {
      Sketch.Direction own = sketch.direction(i);
      Tensor omega = probing.draw(i);
      Tensor rest = beyond(omega, own.s(), own.distance());
      moments = moments.plus(known.sub(rest), i + 1);
      Tensor one = difference(i, (i + 1) % m, omega);
      covariance += Basis.dot(one, difference((i + 1) % m, i, probing.draw((i + 1) % m))) / m;
    }
    return moments.estimate(m, covariance, probing, matvecs());
  }

  /** Qs∘(Zs − cω). */
  private Tensor beyond(Tensor omega, double[] s, double c) {
    Tensor qs = sketch.q().combine(new double[][] {s}).select(0, 0);
    Tensor zs = sketch.z().combine(new double[][] {s}).select(0, 0);
    return qs.mul(zs.sub(omega.mul(Tensor.scalar(c, omega.dtype()))));
  }

  /** What the sample of vector i changes by when vector j is left out as well. */
  private Tensor difference(int i, int j, Tensor omega) {
    Sketch.Direction own = sketch.direction(i);
    double[] e = sketch.direction(j).s();
    double cos = LeaveOneOut.dot(own.s(), e);
    double sine = Math.sqrt(Math.max(0, 1 - cos * cos));
    if (sine < 1e-6) { // the same direction up to rounding, already out
      return omega.mul(0);
    }
    for (int k = 0; k < e.length; k++) {
      e[k] = (e[k] - cos * own.s()[k]) / sine;
    }
    return beyond(omega, e, -cos * own.distance() / sine);
  }

  private int matvecs() {
    int own = probing.products().count();
    return adjoint == probing.products() ? own : own + adjoint.count();
  }
}
