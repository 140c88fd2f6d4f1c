package org.hesse.linalg;

/**
 * A stochastic estimate and its standard error.
 *
 * @param value the estimate
 * @param standardError the estimated standard deviation of {@code value}
 */
public record Estimate(double value, double standardError) {

  /**
   * The mean of independent samples, x̄ = Σxᵢ/p, with standard error √(Σ(xᵢ−x̄)²/(p(p−1))).
   *
   * @throws IllegalArgumentException if there are fewer than two samples
   */
  public static Estimate ofSamples(double... samples) {
    int p = samples.length;
    if (p < 2) {
      throw new IllegalArgumentException(
          "samples: " + p + " given; a standard error needs at least 2");
    }
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < p; i++) {
      double step = samples[i] - mean;
      mean += step / (i + 1);
      squares += step * (samples[i] - mean);
    }
    return new Estimate(mean, Math.sqrt(squares / p / (p - 1)));
  }

  /** Two standard errors below the value. */
  public double low() {
    return value - 2 * standardError;
  }

  /** Two standard errors above the value. */
  public double high() {
    return value + 2 * standardError;
  }

  /** Standard error over |value|; NaN if both are zero. */
  public double relativeError() {
    return standardError / Math.abs(value);
  }

  /** The estimate of {@code factor} times the quantity. */
  public Estimate scale(double factor) {
    return new Estimate(factor * value, Math.abs(factor) * standardError);
  }

  @Override
  public String toString() {
    return value + " ± " + standardError;
  }
}
