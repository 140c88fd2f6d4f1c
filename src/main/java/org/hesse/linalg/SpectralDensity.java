package org.hesse.linalg;

/**
 * The spectral density of a symmetric operator.
 *
 * <pre>{@code
 * Density d = SpectralDensity.of(hessian).probes(10).steps(100).seed(0).run();
 * plot(d.grid(), d.value(), d.low(), d.high());
 * }</pre>
 *
 * <p>A {@link StochasticLanczosQuadrature} and its smoothing in one. For the Ritz values
 * themselves, exact moments, cumulative counts and distances, run the quadrature and take the
 * density from it.
 */
public final class SpectralDensity {
  private final StochasticLanczosQuadrature quadrature;
  private double width;
  private int points;
  private SpectralAxis axis = SpectralAxis.LINEAR;

  private SpectralDensity(LinearOperator operator) {
    this.quadrature = StochasticLanczosQuadrature.of(operator);
  }

  /**
   * A density of a symmetric operator.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static SpectralDensity of(LinearOperator operator) {
    return new SpectralDensity(operator);
  }

  /** As {@link StochasticLanczosQuadrature#probes}. */
  public SpectralDensity probes(int count) {
    quadrature.probes(count);
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#steps}. */
  public SpectralDensity steps(int count) {
    quadrature.steps(count);
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#distribution}. */
  public SpectralDensity distribution(ProbeDistribution which) {
    quadrature.distribution(which);
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#seed}. */
  public SpectralDensity seed(long seed) {
    quadrature.seed(seed);
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#progress}. */
  public SpectralDensity progress(Progress callback) {
    quadrature.progress(callback);
    return this;
  }

  /** The standard deviation of the smoothing, as {@link Smoothing#width}. */
  public SpectralDensity width(double standardDeviation) {
    width = new Smoothing(standardDeviation, points).width();
    return this;
  }

  /** What the density is drawn over, as {@link Smoothing#axis}. */
  public SpectralDensity axis(SpectralAxis which) {
    axis = which;
    return this;
  }

  /**
   * Stops before all probes are used once {@link Density#uncertainty} is at most this, as {@link
   * StochasticLanczosQuadrature#until} does.
   */
  public SpectralDensity uncertainty(double target) {
    if (!(target > 0)) {
      throw new IllegalArgumentException(
          "uncertainty: " + target + "; expected a positive number, such as 0.05");
    }
    quadrature.until(q -> q.density(smoothing()).uncertainty() <= target);
    return this;
  }

  /** The number of grid points, as {@link Smoothing#points}. */
  public SpectralDensity points(int count) {
    points = new Smoothing(width, count).points();
    return this;
  }

  /**
   * Runs the quadrature and smooths it.
   *
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   */
  public Density run() {
    return quadrature.run().density(smoothing());
  }

  private Smoothing smoothing() {
    return new Smoothing(width, points, axis);
  }
}
