package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class NumbersTest {
  @Test
  void significantDigits() {
    assertEquals("0.007346322", Numbers.significant(0.0073463219247, 7));
    assertEquals("1.2e-07", Numbers.significant(1.23e-7, 2));
    assertEquals("-3.20e+05", Numbers.significant(-320000, 3));
    assertEquals("4702", Numbers.significant(4701.6, 4));
    assertEquals("10.00", Numbers.significant(9.9999, 4));
    assertEquals("0", Numbers.significant(0, 4));
    assertEquals("NaN", Numbers.significant(Double.NaN, 4));
    assertEquals("-infinity", Numbers.significant(Double.NEGATIVE_INFINITY, 4));
  }

  @Test
  void shortestDigits() {
    assertEquals("0.003", Numbers.shortest(0.003));
    assertEquals("0.1", Numbers.shortest(0.1));
    assertEquals("-1", Numbers.shortest(-1));
    assertEquals("0", Numbers.shortest(0));
    assertEquals("1000000", Numbers.shortest(1e6));
    assertEquals("1e+20", Numbers.shortest(1e20));
    assertEquals("1.25e-07", Numbers.shortest(1.25e-7));
    assertEquals("NaN", Numbers.shortest(Double.NaN));
  }

  @Test
  void valuesWithErrors() {
    assertEquals("2.758 ± 0.021", Numbers.withError(2.75843, 0.0213));
    assertEquals("0.00 ± 0.12", Numbers.withError(0.001, 0.123));
    assertEquals("-1234.6 ± 1.3", Numbers.withError(-1234.56, 1.34));
    assertEquals("(1.765 ± 0.013)e+06", Numbers.withError(1765376, 13440));
    assertEquals("(2.758 ± 0.021)e-11", Numbers.withError(2.7584e-11, 2.1e-13));
    assertEquals("3 ± 0", Numbers.withError(3, 0).replace(".000000", ""));
    assertEquals("NaN ± NaN", Numbers.withError(Double.NaN, Double.NaN));
  }

  @Test
  void columnsAlign() {
    assertEquals(
        List.of("0.4894519", "-0.0386052"),
        Numbers.column(new double[] {0.48945188, -0.03860522}, new double[] {2e-6, 2e-6}, 9));
    assertEquals(
        List.of("4.200e-11", "-1.000e-12"),
        Numbers.column(new double[] {4.2e-11, -1e-12}, new double[] {1e-13, 1e-13}, 9));
    assertEquals(List.of("0", "0"), Numbers.column(new double[] {0, 0}, new double[] {0, 0}, 9));
    assertEquals(List.of(), Numbers.column(new double[0], new double[0], 9));
  }

  @Test
  void forPrint() {
    assertEquals("−1.2×10⁻⁷", Numbers.print("-1.2e-07"));
    assertEquals("(1.8 ± 0.1)×10⁶", Numbers.print("(1.8 ± 0.1)e+06"));
    assertEquals("−0.5", Numbers.print("-0.5"));
  }

  @Test
  void spans() {
    assertEquals("0.42 s", Numbers.seconds(0.42));
    assertEquals("59.9 s", Numbers.seconds(59.94));
    assertEquals("1:00 min", Numbers.seconds(59.96));
    assertEquals("2:03:00 h", Numbers.seconds(7380));
    assertEquals("1023 B", Numbers.bytes(1023));
    assertEquals("9.7 KiB", Numbers.bytes(9952));
    assertEquals("1 sample", Numbers.count(1, "sample"));
    assertEquals("1,797 samples", Numbers.count(1797, "sample"));
    assertEquals("1 class", Numbers.count(1, "class"));
    assertEquals("10 classes", Numbers.count(10, "class"));
  }

  @Test
  void bounds() {
    assertEquals("1.2e-07", Numbers.scientific(1.23e-7));
    assertEquals("0", Numbers.scientific(0));
  }

  @Test
  void numbersAreTypesetWhereverTheyStand() {
    assertEquals(
        "by lissa, damping 1×10⁻⁶, residuals up to 1.2×10⁻⁷; not all converged",
        Numbers.print("by lissa, damping 1e-06, residuals up to 1.2e-07; not all converged"));
    assertEquals("(4.49 ± 0.30)×10³, −2×10⁵", Numbers.print("(4.49 ± 0.30)e+03, -2e+05"));
    assertEquals(
        "filter-normalized, from −0.5 to −2", Numbers.print("filter-normalized, from -0.5 to -2"));
  }
}
