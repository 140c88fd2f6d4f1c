package org.hesse.linalg;

/**
 * A spectral density on a linear grid: the Gaussian-smoothed quadrature of {@link
 * StochasticLanczosQuadrature}, averaged over its probes.
 *
 * <p>The band is two standard errors to either side, taken point by point from the spread over the
 * probes and cut off at 0. It is a band for the smoothed density: about 95% at each point by
 * itself, not for all points at once; with ten probes nearer 92%.
 */
public final class Density {
  private final double[] grid;
  private final double[] value;
  private final double[] low;
  private final double[] high;
  private final double width;

  Density(double[] grid, double[] value, double[] low, double[] high, double width) {
    this.grid = grid;
    this.value = value;
    this.low = low;
    this.high = high;
    this.width = width;
  }

  /** The points, ascending and evenly spaced. */
  public double[] grid() {
    return grid.clone();
  }

  /** The density at each point: the fraction of eigenvalues per unit. */
  public double[] value() {
    return value.clone();
  }

  /** The lower edge of the band at each point. */
  public double[] low() {
    return low.clone();
  }

  /** The upper edge of the band at each point. */
  public double[] high() {
    return high.clone();
  }

  /** The standard deviation of the smoothing Gaussians. */
  public double width() {
    return width;
  }

  /** ∫ of the density over the grid, by the trapezoidal rule; close to 1. */
  public double integral() {
    double sum = 0;
    for (int i = 0; i + 1 < grid.length; i++) {
      sum += (value[i] + value[i + 1]) / 2 * (grid[i + 1] - grid[i]);
    }
    return sum;
  }
}
