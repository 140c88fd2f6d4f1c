package org.hesse.linalg;

import java.util.Arrays;

/**
 * A stochastic estimate and its standard error.
 *
 * @param value the estimate
 * @param standardError the estimated standard deviation of {@code value}
 * @param degrees the degrees of freedom that the standard error has, one less than the samples that
 *     it was estimated from; {@link #KNOWN} where it is not itself an estimate
 */
public record Estimate(double value, double standardError, int degrees) {
  /** The degrees of freedom of a standard error that is known. */
  public static final int KNOWN = Integer.MAX_VALUE;

  /**
   * Student's quantiles for 1 to 5 degrees of freedom at the probability that a normal variable
   * stays below two standard deviations, 97.72%.
   */
  private static final double[] STUDENT = {13.96773, 4.526537, 3.306822, 2.869309, 2.648649};

  /** Checks the arguments. */
  public Estimate {
    if (degrees < 1) {
      throw new IllegalArgumentException("degrees: " + degrees + "; expected 1 or more");
    }
  }

  /** An estimate whose standard error is known. */
  public Estimate(double value, double standardError) {
    this(value, standardError, KNOWN);
  }

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
    double largest = Arrays.stream(samples).map(Math::abs).max().orElseThrow();
    double unit = Math.scalb(1.0, Math.clamp(Math.getExponent(largest), -1000, 1000));
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < p; i++) { // over a power of two, so that no square over- or underflows
      double step = samples[i] / unit - mean;
      mean += step / (i + 1);
      squares += step * (samples[i] / unit - mean);
    }
    return new Estimate(mean * unit, Math.sqrt(squares / p / (p - 1)) * unit, p - 1);
  }

  /**
   * The lower end of the 95% interval: two standard errors below the value, or where the standard
   * error comes from few samples, Student's quantile of the same probability, 95.45%, such as 2.32
   * for ten of them.
   */
  public double low() {
    return value - factor() * standardError;
  }

  /** The upper end of the 95% interval, as {@link #low}. */
  public double high() {
    return value + factor() * standardError;
  }

  /** Abramowitz and Stegun 26.7.5: a series in 1/ν, here off by less than 10⁻³ from ν = 6 on. */
  private double factor() {
    if (degrees <= STUDENT.length) {
      return STUDENT[degrees - 1];
    }
    double v = 1.0 / degrees;
    return 2 + v * (10.0 / 4 + v * (294.0 / 96 + v * 1098.0 / 384));
  }

  /** Standard error over |value|; NaN if both are zero. */
  public double relativeError() {
    return standardError / Math.abs(value);
  }

  /** Whether the standard error is at most {@code relative} times |value|. */
  boolean within(double relative) {
    return standardError <= relative * Math.abs(value);
  }

  /** The estimate of {@code factor} times the quantity. */
  public Estimate scale(double factor) {
    return new Estimate(factor * value, Math.abs(factor) * standardError, degrees);
  }

  /** The estimate of the quantity plus a known number. */
  public Estimate plus(double known) {
    return new Estimate(value + known, standardError, degrees);
  }

  /** The same where any two of the samples have this covariance, which their spread hides. */
  Estimate withCovariance(double covariance) {
    double variance = standardError * standardError + Math.max(0, covariance);
    return new Estimate(value, Math.sqrt(variance), degrees);
  }

  /**
   * The estimate of the quantity's square root, with the error that follows to first order.
   *
   * @throws IllegalStateException if the value is negative
   */
  public Estimate sqrt() {
    if (value < 0) {
      throw new IllegalStateException("sqrt: the estimate is " + this + "; expected 0 or more");
    }
    double root = Math.sqrt(value);
    double error = standardError == 0 ? 0 : standardError / (2 * root);
    return new Estimate(root, error, degrees);
  }

  @Override
  public String toString() {
    return value + " ± " + standardError;
  }
}
