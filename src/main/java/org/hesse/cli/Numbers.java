package org.hesse.cli;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Numbers as people read them. */
final class Numbers {
  private static final Pattern EXPONENT = Pattern.compile("(?<=[\\d.)])e([+-]\\d+)");
  private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  private Numbers() {}

  /** A fixed number of decimals, never "-0.00". */
  static String fixed(double x, int decimals) {
    String s = String.format(Locale.ROOT, "%." + decimals + "f", x);
    return s.startsWith("-") && s.chars().allMatch(c -> c == '-' || c == '.' || c == '0')
        ? s.substring(1)
        : s;
  }

  /** The fewest digits that tell it from its neighbours: "0.003", "1e+20". */
  static String shortest(double x) {
    if (!Double.isFinite(x)) {
      return significant(x, 1);
    }
    BigDecimal exact = new BigDecimal(Double.toString(x)).stripTrailingZeros();
    int e = exact.precision() - exact.scale() - 1;
    if (x == 0 || e >= -4 && e <= 6) {
      return exact.toPlainString();
    }
    String digits = exact.scaleByPowerOfTen(-e).toPlainString();
    return digits + String.format(Locale.ROOT, "e%+03d", e);
  }

  /** With a comma between groups of three digits. */
  static String whole(long n) {
    return String.format(Locale.ROOT, "%,d", n);
  }

  /** So many significant digits; with an exponent where the number is very small or large. */
  static String significant(double x, int digits) {
    if (Double.isNaN(x)) {
      return "NaN";
    }
    if (Double.isInfinite(x)) {
      return x > 0 ? "infinity" : "-infinity";
    }
    if (x == 0) {
      return "0";
    }
    String scientific = String.format(Locale.ROOT, "%." + (digits - 1) + "e", x);
    int e = Integer.parseInt(scientific.substring(scientific.indexOf('e') + 1));
    if (e < -4 || e > 6 || e >= Math.max(4, digits)) {
      return scientific;
    }
    return fixed(x, Math.max(0, digits - 1 - e));
  }

  /**
   * A value to the digits that its error leaves meaningful: two digits of the error, at most {@code
   * most} significant ones.
   */
  static String meaningful(double x, double error, int most) {
    if (!(error > 0) || x == 0 || !Double.isFinite(x) || !Double.isFinite(error)) {
      return significant(x, most);
    }
    int digits = Ticks.floorLog10(x) - Ticks.floorLog10(error) + 2;
    return significant(x, Math.clamp(digits, 1, most));
  }

  /** For example "2.758 ± 0.021" or "(2.758 ± 0.021)e-07". */
  static String withError(double x, double error) {
    if (!(error > 0) || !Double.isFinite(x) || !Double.isFinite(error)) {
      return significant(x, 7) + " ± " + significant(error, 2);
    }
    int last = Ticks.floorLog10(error) - 1;
    int first = Math.max(x == 0 ? last : Ticks.floorLog10(x), last + 1);
    if (first >= -4 && first <= 6 && last <= 0) {
      int decimals = Math.max(0, -last);
      return fixed(x, decimals) + " ± " + fixed(error, decimals);
    }
    double unit = Math.pow(10, first);
    int decimals = first - last;
    String body = fixed(x / unit, decimals) + " ± " + fixed(error / unit, decimals);
    return "(" + body + ")" + String.format(Locale.ROOT, "e%+03d", first);
  }

  /**
   * Values with one number of decimals, so that they align: as many as the smallest error leaves
   * meaningful, and the largest value at most {@code most} significant digits.
   */
  static List<String> column(double[] values, double[] errors, int most) {
    double size = Arrays.stream(values).map(Math::abs).max().orElse(0);
    double error = Arrays.stream(errors).filter(e -> e > 0).min().orElse(0);
    if (!(size > 0) || !Double.isFinite(size)) {
      return Arrays.stream(values).mapToObj(v -> significant(v, most)).toList();
    }
    int first = Ticks.floorLog10(size);
    int last = Math.max(first - most + 1, error > 0 ? Ticks.floorLog10(error) - 1 : first - most);
    int decimals = Math.max(1, first - Math.min(last, first));
    if (first >= -3 && first <= 5 && last <= 0) {
      return Arrays.stream(values).mapToObj(v -> fixed(v, Math.max(1, -last))).toList();
    }
    String format = "%." + decimals + "e";
    return Arrays.stream(values).mapToObj(v -> String.format(Locale.ROOT, format, v)).toList();
  }

  /** A bound or an error to two digits, always with an exponent unless it is 0. */
  static String scientific(double x) {
    return x == 0 ? "0" : String.format(Locale.ROOT, "%.1e", x);
  }

  /** A share as "97.22%". */
  static String percent(double fraction) {
    return fixed(100 * fraction, 2) + "%";
  }

  /** A time span such as "0.42 s", "12.3 s", "3:07 min" or "2:03:00 h". */
  static String seconds(double s) {
    if (s < 59.95) {
      return s < 9.995 ? fixed(s, 2) + " s" : fixed(s, 1) + " s";
    }
    long t = Math.round(s);
    return t < 3600
        ? String.format(Locale.ROOT, "%d:%02d min", t / 60, t % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d h", t / 3600, t / 60 % 60, t % 60);
  }

  /** A number of bytes such as "9.7 KiB". */
  static String bytes(long n) {
    if (n < 1024) {
      return n + " B";
    }
    int unit = (63 - Long.numberOfLeadingZeros(n)) / 10;
    return fixed(n / Math.pow(1024, unit), 1) + " " + "KMGTPE".charAt(unit - 1) + "iB";
  }

  /** "1 sample", "2 samples", "2 classes". */
  static String count(long n, String what) {
    String ending = n == 1 ? "" : what.endsWith("s") ? "es" : "s";
    return whole(n) + " " + what + ending;
  }

  /** An exponent set high. */
  static String superscript(int e) {
    StringBuilder s = new StringBuilder(e < 0 ? "⁻" : "");
    for (char c : Integer.toString(Math.abs(e)).toCharArray()) {
      s.append(SUPERSCRIPTS.charAt(c - '0'));
    }
    return s.toString();
  }

  /** With a true minus sign before each number, for print; hyphens of words stay. */
  static String minus(String text) {
    return text.replaceAll("-(?=[\\d.∞])", "−");
  }

  /** For print: "1.2e-07" becomes "1.2×10⁻⁷", wherever it stands in a text. */
  static String print(String text) {
    return minus(
        EXPONENT.matcher(text).replaceAll(m -> "×10" + superscript(Integer.parseInt(m.group(1)))));
  }
}
