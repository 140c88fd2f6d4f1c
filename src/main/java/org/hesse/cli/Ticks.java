package org.hesse.cli;

import java.util.ArrayList;
import java.util.List;

/** Where an axis is marked, at round numbers. */
final class Ticks {
  /**
   * A mark on an axis.
   *
   * @param value where it is
   * @param label what stands there; empty for a minor mark
   */
  record Tick(double value, String label) {
    boolean isMajor() {
      return !label.isEmpty();
    }
  }

  /** Rounding allowed in deciding whether a mark lies in the range, in steps. */
  private static final double SLACK = 1e-9;

  private Ticks() {}

  /** The one of 1, 2, 5 times a power of ten that is nearest to {@code rough} in ratio. */
  static double niceStep(double rough) {
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double m = rough / power;
    return power * (m < Math.sqrt(2) ? 1 : m < Math.sqrt(10) ? 2 : m < Math.sqrt(50) ? 5 : 10);
  }

  /**
   * Marks at multiples of a round step.
   *
   * @param wanted about how many
   * @param exponent labels are in units of 10 to this power
   */
  static List<Tick> linear(double low, double high, int wanted, int exponent) {
    double step = niceStep((high - low) / wanted);
    int decimals = Math.max(0, exponent - floorLog10(step));
    double unit = Math.pow(10, exponent);
    List<Tick> ticks = new ArrayList<>();
    long first = (long) Math.ceil(low / step - SLACK);
    long last = (long) Math.floor(high / step + SLACK);
    for (long k = first; k <= last; k++) {
      double value = k * step;
      ticks.add(new Tick(value, Numbers.minus(Numbers.fixed(value / unit, decimals))));
    }
    return ticks;
  }

  /** Marks at whole numbers. */
  static List<Tick> whole(double low, double high, int wanted) {
    double step = Math.max(1, niceStep((high - low) / wanted));
    List<Tick> ticks = new ArrayList<>();
    double first = Math.ceil(low - SLACK);
    if (step > 1 && first >= 1) {
      ticks.add(new Tick(first, Numbers.whole(Math.round(first))));
    }
    for (long k = (long) Math.ceil(low / step - SLACK); k * step <= high + SLACK; k++) {
      double value = k * step;
      if (ticks.isEmpty() || value - ticks.getFirst().value() >= step / 2) {
        ticks.add(new Tick(value, Numbers.minus(Numbers.whole(Math.round(value)))));
      }
    }
    return ticks;
  }

  /**
   * Marks of a logarithmic axis: powers of ten, every second or third … one where they are many,
   * also 2 and 5 times them where they are few, or round steps where the range is narrower still.
   */
  static List<Tick> log(double low, double high, int wanted) {
    double decades = Math.log10(high / low);
    if (decades < 0.7) {
      return narrow(low, high, wanted);
    }
    int from = (int) Math.floor(Math.log10(low) + SLACK);
    int to = (int) Math.ceil(Math.log10(high) - SLACK);
    int stride = Math.max(1, (int) Math.ceil(decades / (wanted + 1)));
    boolean dense = decades <= 2.2;
    boolean plain = low >= 0.9e-3 && high <= 1.1e4;
    List<Tick> ticks = new ArrayList<>();
    for (int e = from; e <= to; e++) {
      boolean major = Math.floorMod(e, stride) == 0;
      for (int m = 1; m <= (stride == 1 ? 9 : 1); m++) {
        double value = m * Math.pow(10, e);
        if (value >= low * (1 - SLACK) && value <= high * (1 + SLACK)) {
          boolean labelled = m == 1 ? major : dense && (m == 2 || m == 5);
          ticks.add(new Tick(value, labelled ? power(m, e, plain) : ""));
        }
      }
    }
    return ticks;
  }

  private static List<Tick> narrow(double low, double high, int wanted) {
    double step = niceStep((high - low) / Math.max(2, wanted - 2));
    List<Tick> ticks = new ArrayList<>();
    for (long k = (long) Math.ceil(low / step - SLACK); k * step <= high * (1 + SLACK); k++) {
      ticks.add(new Tick(k * step, multiple(k * step, floorLog10(step))));
    }
    return ticks;
  }

  private static String power(int m, int e, boolean plain) {
    if (plain) {
      return Numbers.fixed(m * Math.pow(10, e), Math.max(0, -e));
    }
    return m == 1 ? "10" + Numbers.superscript(e) : m + "×10" + Numbers.superscript(e);
  }

  /** A label that shows digits down to a power of ten. */
  private static String multiple(double value, int lastDigit) {
    int e = floorLog10(value);
    if (e >= -3 && e <= 4) {
      return Numbers.fixed(value, Math.max(0, -lastDigit));
    }
    String digits = Numbers.fixed(value / Math.pow(10, e), Math.max(0, e - lastDigit));
    return digits + "×10" + Numbers.superscript(e);
  }

  static int floorLog10(double x) {
    return (int) Math.floor(Math.log10(Math.abs(x)) + SLACK);
  }
}
