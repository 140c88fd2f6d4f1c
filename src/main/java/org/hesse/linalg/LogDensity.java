package org.hesse.linalg;

import java.util.List;
import java.util.function.DoublePredicate;

/**
 * A spectral density over x = log₁₀|λ|, in fractions of all eigenvalues per decade.
 *
 * @param negative the density of the negative eigenvalues; its integral is their fraction
 * @param positive the density of the positive eigenvalues, on the same grid
 * @param zero the fraction of eigenvalues whose magnitude is at most the floor
 */
public record LogDensity(Density negative, Density positive, Estimate zero) {
  /** Standard deviation of the smoothing, in decades. */
  private static final double WIDTH = 0.08;

  static LogDensity of(Quadrature quadrature, double floor) {
    if (!(floor > 0) || Double.isInfinite(floor)) {
      throw new IllegalArgumentException(
          "floor: "
              + floor
              + "; expected a positive number, such as 1e-6 of the largest magnitude");
    }
    double largest = Math.max(Math.abs(quadrature.min()), Math.abs(quadrature.max()));
    double from = Math.log10(floor);
    double to = Math.max(from, Math.log10(Math.max(largest, floor)));
    return new LogDensity(
        side(quadrature, x -> x < -floor, from, to),
        side(quadrature, x -> x > floor, from, to),
        quadrature.mean(x -> Math.abs(x) <= floor ? 1 : 0));
  }

  private static Density side(Quadrature q, DoublePredicate admits, double from, double to) {
    List<Quadrature.Rule> rules =
        q.rules().stream().map(r -> r.map(admits, x -> Math.log10(Math.abs(x)))).toList();
    return new Smoothing(WIDTH, 0).density(rules, from, to);
  }
}
