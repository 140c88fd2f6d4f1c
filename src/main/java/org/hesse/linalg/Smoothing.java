package org.hesse.linalg;

import java.util.Arrays;
import java.util.List;

/**
 * How weighted Ritz values become a curve: each is replaced by a Gaussian.
 *
 * <pre>{@code
 * Density d = quadrature.density(Smoothing.DEFAULT);
 * Density log = quadrature.density(Smoothing.DEFAULT.on(SpectralAxis.signedLog(1e-6)));
 * }</pre>
 *
 * <p>The grid is even on the axis and reaches 5 widths beyond the smallest and the largest Ritz
 * value.
 *
 * <p><b>The width.</b> It trades resolution for noise: eigenvalues closer than it are one peak, and
 * the band is narrower the wider it is. m Lanczos steps put nodes some πr/2m apart into the middle
 * of a bulk that spans r, closer at its ends, and exactly onto outliers. The default, r/200, is
 * finer than that for the usual 100 steps: it resolves outliers and relies on the average over
 * probes, whose nodes lie differently, to fill a bulk. For the shape of a bulk by itself take πr/2m
 * or more (Lin, Saad and Yang 2016 discuss the choice). A quadrature can be smoothed again and
 * again at no cost.
 *
 * @param width standard deviation of the Gaussians, in units of the axis; 0 takes 1/200 of the
 *     range of the Ritz values, or where they are all equal 1/200 of their magnitude, or of 1; on a
 *     logarithmic axis 0.08, which is in decades
 * @param points points of the grid; 0 takes 1024, or as many as put two into a width
 * @param axis what the density is drawn over
 */
public record Smoothing(double width, int points, SpectralAxis axis) {
  /** Default width and grid, over the eigenvalues themselves. */
  public static final Smoothing DEFAULT = new Smoothing(0, 0);

  private static final double WIDTHS_BEYOND = 5;
  private static final double FRACTION = 1.0 / 200;
  private static final double DECADES = 0.08;
  private static final int DEFAULT_POINTS = 1024;
  private static final int MOST_POINTS = 1 << 22;

  /** Checks the arguments. */
  public Smoothing {
    if (!(width >= 0) || Double.isInfinite(width)) {
      throw new IllegalArgumentException(
          "width: " + width + "; expected a positive number, or 0 for the default");
    }
    if (points < 0 || points == 1 || points > MOST_POINTS) {
      throw new IllegalArgumentException(
          "points: " + points + "; expected 2 to " + MOST_POINTS + ", or 0 for the default");
    }
  }

  /** A smoothing over the eigenvalues themselves. */
  public Smoothing(double width, int points) {
    this(width, points, SpectralAxis.LINEAR);
  }

  /** The same over another axis, to whose units the width then refers. */
  public Smoothing on(SpectralAxis other) {
    return new Smoothing(width, points, other);
  }

  Density density(List<Quadrature.Rule> rules, double smallest, double largest) {
    double min = axis.position(smallest);
    double max = axis.position(largest);
    double sigma = width > 0 ? width : axis.floor() > 0 ? DECADES : defaultWidth(min, max);
    double from = min - WIDTHS_BEYOND * sigma;
    double to = max + WIDTHS_BEYOND * sigma;
    double[] grid = grid(from, to, count(from, to, sigma));
    double[][] curves = new double[rules.size()][];
    for (int k = 0; k < curves.length; k++) {
      curves[k] = curve(rules.get(k), grid, sigma);
    }
    return band(grid, curves, sigma);
  }

  private static double defaultWidth(double min, double max) {
    double magnitude = Math.max(Math.abs(min), Math.abs(max));
    double range = max - min > 1e-9 * magnitude ? max - min : magnitude;
    return FRACTION * (range > 0 ? range : 1);
  }

  private int count(double from, double to, double sigma) {
    double needed = Math.ceil((to - from) / sigma) + 1;
    if (points > 0 ? points < needed : needed > MOST_POINTS / 2) {
      throw new IllegalArgumentException(
          "width: "
              + sigma
              + " is less than a step of a grid of "
              + (points > 0 ? points : MOST_POINTS)
              + " points over ["
              + from
              + ", "
              + to
              + "], so the density would miss weight; expected at least "
              + needed
              + " points, or a larger width");
    }
    return points > 0 ? points : Math.max(DEFAULT_POINTS, 2 * (int) needed);
  }

  private static double[] grid(double from, double to, int count) {
    double[] grid = new double[count];
    Arrays.setAll(grid, i -> from + (to - from) * i / (count - 1));
    return grid;
  }

  private double[] curve(Quadrature.Rule rule, double[] grid, double sigma) {
    double[] curve = new double[grid.length];
    double step = grid[1] - grid[0];
    int reach = (int) Math.ceil(9 * sigma / step);
    for (int i = 0; i < rule.nodes.length; i++) {
      double node = axis.position(rule.nodes[i]);
      int centre = (int) Math.round((node - grid[0]) / step);
      double height = rule.weights[i] / (sigma * Math.sqrt(2 * Math.PI));
      int last = Math.min(grid.length - 1, centre + reach);
      for (int j = Math.max(0, centre - reach); j <= last; j++) {
        double z = (grid[j] - node) / sigma;
        curve[j] += height * Math.exp(-z * z / 2);
      }
    }
    return curve;
  }

  private Density band(double[] grid, double[][] curves, double sigma) {
    double[] value = new double[grid.length];
    double[] low = new double[grid.length];
    double[] high = new double[grid.length];
    double[] samples = new double[curves.length];
    for (int j = 0; j < grid.length; j++) {
      for (int k = 0; k < curves.length; k++) {
        samples[k] = curves[k][j];
      }
      Estimate estimate = Estimate.ofSamples(samples);
      value[j] = estimate.value();
      low[j] = Math.max(0, estimate.low());
      high[j] = estimate.high();
    }
    return new Density(grid, value, low, high, sigma, axis);
  }
}
