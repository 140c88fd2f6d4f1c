package org.hesse.linalg;

import java.util.List;
import org.hesse.Hesse;
import org.hesse.RngKey;

/**
 * Norms and numbers that the ends of a spectrum tell, with bounds from the residuals.
 *
 * <pre>{@code
 * SpectralNorms.Bound norm = SpectralNorms.operatorNorm(jacobian);
 * SpectralNorms.Bound kappa = SpectralNorms.conditionNumber(gaussNewton.shift(1e-3));
 * kappa.value();                                     // in [kappa.low(), kappa.high()]
 * }</pre>
 *
 * <p>A residual bounds the distance to some eigenvalue; that it is the outermost one holds with the
 * probability that {@link Lanczos} states for random starts. The Frobenius norm is in {@link
 * TraceEstimate#frobenius}, the nuclear norm in {@link Quadrature#nuclearNorm}: both are estimates.
 */
public final class SpectralNorms {
  private SpectralNorms() {}

  /**
   * A number with an interval that its residuals leave.
   *
   * @param value from the Ritz values
   * @param low lower end
   * @param high upper end, infinite where a divisor may be 0
   * @param matvecs products made with the map, and with its adjoint where it is not symmetric
   */
  public record Bound(double value, double low, double high, int matvecs) {}

  /**
   * The operator norm ‖A‖₂, the largest singular value: of a symmetric operator the largest
   * magnitude of an eigenvalue, else the root of the largest eigenvalue of AᵀA.
   *
   * @throws UnsupportedOperationException if the map is not symmetric and its adjoint not known
   */
  public static Bound operatorNorm(LinearMap map) {
    if (map instanceof LinearOperator operator && operator.symmetric()) {
      Eigenpairs top = Lanczos.of(operator).largest(1).run();
      Eigenpairs.Eigenpair p = top.pairs().getFirst();
      double value = Math.abs(p.value());
      return new Bound(
          value, Math.max(0, value - p.residual()), value + p.residual(), top.matvecs());
    }
    double unit = unit(map);
    Eigenpairs top = Lanczos.of(map.scale(1 / unit).gram()).largestAlgebraic(1).run();
    Bound b = root(squared(top.pairs().getFirst()), 1 + 2 * top.matvecs());
    return new Bound(b.value * unit, b.low * unit, b.high * unit, b.matvecs);
  }

  /**
   * The condition number ‖A‖₂·‖A⁻¹‖₂, the largest singular value over the smallest. Of a definite
   * operator both ends of its spectrum tell it; of an indefinite one or one that is not symmetric
   * those of AᵀA do, whose small end takes long to find where A is ill-conditioned. What has not
   * been found by then shows in the bounds.
   *
   * @throws UnsupportedOperationException if the map is not symmetric and its adjoint not known
   */
  public static Bound conditionNumber(LinearMap map) {
    int spent = 0;
    if (map instanceof LinearOperator operator && operator.symmetric()) {
      Ends ends = Ends.of(operator);
      spent = ends.matvecs;
      if (ends.smallest.value() > 0 || ends.largest.value() < 0) {
        boolean positive = ends.smallest.value() > 0;
        Bound near = magnitude(positive ? ends.smallest : ends.largest);
        Bound far = magnitude(positive ? ends.largest : ends.smallest);
        return ratio(far, near, spent);
      }
    }
    Ends ends = Ends.of(map.scale(1 / unit(map)).gram());
    Bound square = ratio(squared(ends.largest), squared(ends.smallest), 0);
    return root(square, spent + 1 + 2 * ends.matvecs);
  }

  /** What A is to be divided by so that AᵀA does not over- or underflow, from one product. */
  private static double unit(LinearMap map) {
    return Hesse.on(
        map.device(),
        () -> Products.unit(map.apply(RngKey.of(0).normal(map.dtype(), map.columns()))));
  }

  private record Ends(Eigenpairs.Eigenpair smallest, Eigenpairs.Eigenpair largest, int matvecs) {
    static Ends of(LinearOperator operator) {
      if (operator.size() == 1) {
        Eigenpairs one = Lanczos.of(operator).largest(1).run();
        return new Ends(one.pairs().getFirst(), one.pairs().getFirst(), one.matvecs());
      }
      Eigenpairs both = Lanczos.of(operator).bothEnds(1).run();
      List<Eigenpairs.Eigenpair> pairs = both.pairs();
      Eigenpairs.Eigenpair a = pairs.getFirst();
      Eigenpairs.Eigenpair b = pairs.getLast();
      return a.value() <= b.value()
          ? new Ends(a, b, both.matvecs())
          : new Ends(b, a, both.matvecs());
    }
  }

  private static Bound magnitude(Eigenpairs.Eigenpair p) {
    double value = Math.abs(p.value());
    return new Bound(value, Math.max(0, value - p.residual()), value + p.residual(), 0);
  }

  /** An eigenvalue of AᵀA, which is not negative but for rounding. */
  private static Bound squared(Eigenpairs.Eigenpair p) {
    double value = Math.max(0, p.value());
    return new Bound(value, Math.max(0, value - p.residual()), value + p.residual(), 0);
  }

  private static Bound ratio(Bound a, Bound b, int matvecs) {
    return new Bound(a.value / b.value, a.low / b.high, a.high / b.low, matvecs);
  }

  private static Bound root(Bound b, int matvecs) {
    return new Bound(Math.sqrt(b.value), Math.sqrt(b.low), Math.sqrt(b.high), matvecs);
  }
}
