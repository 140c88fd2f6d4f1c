package org.hesse.linalg;

import java.util.Arrays;

/**
 * A spectral density on an even grid: the Gaussian-smoothed quadrature of {@link
 * StochasticLanczosQuadrature}, averaged over its probes.
 *
 * <p>The band is the interval of {@link Estimate#low} to {@link Estimate#high}, taken point by
 * point from the spread over the probes and cut off at 0. It is a band for the smoothed density:
 * about 95% at each point by itself, not for all points at once.
 */
public final class Density {
  private final double[] grid;
  private final double[] value;
  private final double[] low;
  private final double[] high;
  private final double width;
  private final SpectralAxis axis;

  Density(
      double[] grid, double[] value, double[] low, double[] high, double width, SpectralAxis axis) {
    this.grid = grid;
    this.value = value;
    this.low = low;
    this.high = high;
    this.width = width;
    this.axis = axis;
  }

  /** The points, ascending and evenly spaced, as positions on the axis. */
  public double[] grid() {
    return grid.clone();
  }

  /** What the grid's positions stand for. */
  public SpectralAxis axis() {
    return axis;
  }

  /** The eigenvalue at each point; on a linear axis the grid itself. */
  public double[] eigenvalues() {
    return Arrays.stream(grid).map(axis::eigenvalue).toArray();
  }

  /** The density at each point: the fraction of eigenvalues per unit of the axis. */
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
    return integral(value);
  }

  /**
   * Half the area between the edges of the band: how far, summed up over the axis, the density may
   * be off. As the density's own area is 1, 0.05 is an accuracy of 5%.
   */
  public double uncertainty() {
    return (integral(high) - integral(low)) / 2;
  }

  private double integral(double[] curve) {
    double sum = 0;
    for (int i = 0; i + 1 < grid.length; i++) {
      sum += (curve[i] + curve[i + 1]) / 2 * (grid[i + 1] - grid[i]);
    }
    return sum;
  }
}
