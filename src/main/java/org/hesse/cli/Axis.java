package org.hesse.cli;

import java.util.List;
import org.hesse.cli.Ticks.Tick;

/**
 * One axis of a chart: a range of values, its marks and what it shows.
 *
 * @param label with the power of ten that the marks are in, if any
 * @param low least value
 * @param high greatest value, above the least
 * @param logarithmic whether equal ratios, not differences, take equal room
 * @param ticks the marks, ascending
 */
record Axis(String label, double low, double high, boolean logarithmic, List<Tick> ticks) {
  private static final int TICKS = 6;
  private static final double SMALLEST = Double.MIN_NORMAL;

  /** A linear axis over a range, a little wider than the data. */
  static Axis linear(String label, double low, double high) {
    double[] range = widened(low, high);
    return exact(label, range[0], range[1]);
  }

  /** A linear axis with exactly this range. */
  static Axis exact(String label, double low, double high) {
    int exponent = exponent(low, high);
    List<Tick> ticks = Ticks.linear(low, high, TICKS, exponent);
    return new Axis(label + unit(exponent), low, high, false, ticks);
  }

  /** The power of ten that the marks are in units of: 0 unless they are very small or large. */
  private static int exponent(double low, double high) {
    int e = Ticks.floorLog10(Math.max(Math.abs(low), Math.abs(high)));
    return e >= -3 && e <= 4 ? 0 : e;
  }

  private static String unit(int exponent) {
    return exponent == 0 ? "" : " (×10" + Numbers.superscript(exponent) + ")";
  }

  /** An axis of whole numbers. */
  static Axis whole(String label, int low, int high) {
    double pad = Math.max(0.5, 0.02 * (high - low));
    List<Tick> ticks = Ticks.whole(low, high, TICKS);
    // Counts from 1 end at 0, not below it.
    double from = low > 0 ? Math.max(0, low - pad) : low - pad;
    return new Axis(label, from, high + pad, false, ticks);
  }

  /** A logarithmic axis over positive values, a little wider than the data. */
  static Axis log(String label, double low, double high) {
    double a = Math.max(SMALLEST, Math.min(low, high));
    double b = Math.max(a, high);
    double pad = Math.max(1.05, Math.pow(b / a, 0.04));
    if (b / a < 1.02) {
      pad = 1.3;
    }
    double from = Math.max(SMALLEST, a / pad);
    double to = Math.min(Double.MAX_VALUE, b * pad);
    return new Axis(label, from, to, true, Ticks.log(from, to, TICKS));
  }

  /** Where a value lies: 0 at the low end, 1 at the high end; beyond for values outside. */
  double position(double value) {
    return logarithmic
        ? Math.log(Math.max(value, SMALLEST) / low) / Math.log(high / low)
        : (value - low) / (high - low);
  }

  private static double[] widened(double low, double high) {
    double size = Math.max(Math.abs(low), Math.abs(high));
    double span = high - low;
    if (size == 0) {
      return new double[] {-1, 1};
    }
    double pad = span <= 1e-9 * size ? 0.1 * size : 0.04 * span;
    return new double[] {low - pad, high + pad};
  }
}
