package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.random.RandomGenerator;
import org.hesse.cli.Ticks.Tick;
import org.junit.jupiter.api.Test;

class TicksTest {
  private static List<String> labels(Axis axis) {
    return axis.ticks().stream().filter(Tick::isMajor).map(Tick::label).toList();
  }

  @Test
  void linearMarksAreRound() {
    assertEquals(List.of("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"), labels(Axis.exact("", 0, 1)));
    assertEquals(List.of("−2", "0", "2", "4"), labels(Axis.exact("", -3, 5.5)));
  }

  @Test
  void smallAndLargeRangesAreInAPowerOfTen() {
    Axis small = Axis.linear("eigenvalue", -1e-11, 4.2e-11);
    assertEquals("eigenvalue (×10⁻¹¹)", small.label());
    assertEquals(List.of("−1", "0", "1", "2", "3", "4"), labels(small));
    Axis large = Axis.linear("eigenvalue", 0, 5e9);
    assertEquals("eigenvalue (×10⁹)", large.label());
    assertEquals(List.of("0", "1", "2", "3", "4", "5"), labels(large));
    assertEquals("x", Axis.linear("x", 0, 0.5).label());
  }

  @Test
  void logarithmicMarksArePowersOfTen() {
    assertEquals(List.of("0.01", "0.1", "1", "10", "100"), labels(Axis.log("", 0.01, 100)));
    assertEquals(
        List.of("10⁻⁹", "10⁻⁶", "10⁻³", "10⁰", "10³", "10⁶"), labels(Axis.log("", 1e-10, 1e6)));
    assertEquals(List.of("0.5", "1", "2", "5", "10", "20"), labels(Axis.log("", 0.5, 20)));
  }

  @Test
  void narrowLogarithmicRangesHaveMarksToo() {
    for (double high : new double[] {1, 1.0001, 1.01, 1.3, 2, 4}) {
      assertTrue(labels(Axis.log("", 1, high)).size() >= 2, "1 to " + high);
      assertTrue(labels(Axis.log("", 1e-8, high * 1e-8)).size() >= 2, "1e-8 times " + high);
    }
  }

  @Test
  void epochsAreWholeAndBeginAtOne() {
    assertEquals(List.of("1"), labels(Axis.whole("", 1, 1)));
    assertEquals(List.of("1", "2", "3"), labels(Axis.whole("", 1, 3)));
    assertEquals(List.of("1", "5", "10", "15", "20"), labels(Axis.whole("", 1, 20)));
    assertEquals("1", labels(Axis.whole("", 1, 1000)).getFirst());
    assertEquals("1,000", labels(Axis.whole("", 1, 1000)).getLast());
  }

  @Test
  void everyRangeHasAFewMarksInsideIt() {
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    for (int i = 0; i < 2000; i++) {
      double a = random.nextGaussian() * Math.pow(10, random.nextInt(-30, 30));
      double b = a + Math.abs(a) * Math.pow(10, random.nextInt(-6, 6));
      Axis axis = Axis.linear("", a, b);
      int n = axis.ticks().size();
      assertTrue(n >= 3 && n <= 12, () -> n + " marks from " + a + " to " + b);
      for (Tick t : axis.ticks()) {
        double p = axis.position(t.value());
        assertTrue(p >= -1e-6 && p <= 1 + 1e-6, () -> t + " is outside of " + a + " to " + b);
      }
      assertEquals(n, axis.ticks().stream().map(Tick::label).distinct().count(), "labels differ");
    }
  }

  @Test
  void emptyRangesAreWidened() {
    assertTrue(labels(Axis.linear("", 0, 0)).contains("0.0"));
    assertTrue(Axis.linear("", 5, 5).low() < 5);
    assertTrue(Axis.log("", 0, 0).high() > 0);
  }
}
