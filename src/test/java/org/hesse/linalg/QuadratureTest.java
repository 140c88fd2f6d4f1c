package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Safetensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/** What is computed from a quadrature, and that it can be kept, continued and stopped. */
class QuadratureTest {

  private static Quadrature run(double[] spectrum, int probes, int steps, long seed) {
    return StochasticLanczosQuadrature.of(Matrices.diagonal(spectrum))
        .distribution(ProbeDistribution.NORMAL)
        .probes(probes)
        .steps(steps)
        .seed(seed)
        .run();
  }

  /** 200 values between 10⁻³ and 1, as far apart as those of a power law. */
  private static double[] positive() {
    return IntStream.range(0, 200).mapToDouble(i -> Math.pow(10, -3 * i / 199.0)).toArray();
  }

  private static double sum(double[] spectrum, DoubleUnaryOperator f) {
    return Arrays.stream(spectrum).map(f).sum();
  }

  /** 200 runs with few probes, so that it takes Student's quantiles; all made in one. */
  @Test
  void spectralSumsAreCalibrated(TestReporter reporter) {
    double[] spectrum = positive();
    double total = Arrays.stream(spectrum).sum();
    Map<String, Function<Quadrature, Estimate>> estimates =
        Map.of(
            "log-determinant",
            q -> q.logDeterminant(0.01),
            "effective dimension",
            q -> q.effectiveDimension(0.01),
            "nuclear norm",
            Quadrature::nuclearNorm,
            "entropy",
            Quadrature::entropy);
    Map<String, Double> truth =
        Map.of(
            "log-determinant", sum(spectrum, x -> Math.log(x + 0.01)),
            "effective dimension", sum(spectrum, x -> x / (x + 0.01)),
            "nuclear norm", total,
            "entropy", -sum(spectrum, x -> x / total * Math.log(x / total)));
    for (int probes : new int[] {4, 8}) {
      Quadrature run = run(spectrum, 200 * probes, 16, probes);
      Quadrature[] all = new Quadrature[200];
      Arrays.setAll(
          all, i -> new Quadrature(200, run.rules().subList(i * probes, (i + 1) * probes), 0));
      estimates.forEach((name, estimate) -> {
        double exact = truth.get(name);
        long inside =
            Arrays.stream(all)
                .map(estimate)
                .filter(e -> e.low() <= exact && exact <= e.high())
                .count();
        reporter.publishEntry(name + " with " + probes, "" + inside / 200.0);
        assertTrue(inside >= 180 && inside <= 198, name + " with " + probes + ": " + inside);
      });
    }
  }

  @Test
  void countsHoldTheTruth() {
    double[] spectrum = Matrices.bulkWithOutliers();
    Arrays.sort(spectrum);
    for (int seed = 0; seed < 5; seed++) {
      Quadrature q = run(spectrum, 10, 40, seed);
      for (double x : new double[] {-1, -0.1, 0, 0.3, 1.2, 5, 11}) {
        requireWithin(Arrays.stream(spectrum).filter(l -> l > x).count(), q.countAbove(x));
        requireWithin(Arrays.stream(spectrum).filter(l -> l < x).count(), q.countBelow(x));
        double t = Math.abs(x);
        requireWithin(Arrays.stream(spectrum).filter(l -> Math.abs(l) > t).count(), q.rank(t));
      }
      EigenvalueCount outliers = q.countAbove(1.2);
      assertTrue(outliers.high() - outliers.low() < 16, outliers.toString());
      EigenvalueCount none = q.countAbove(11);
      assertEquals(0, none.value());
      assertTrue(none.high() < 5, none.toString()); // one may hide behind the largest Ritz value
    }
  }

  private static void requireWithin(long truth, EigenvalueCount count) {
    assertTrue(count.low() <= truth && truth <= count.high(), truth + " in " + count);
    assertTrue(count.low() <= count.value() && count.value() <= count.high(), count.toString());
  }

  /** Two eigenvalues, 30 and 10 times: the nodes are exact, and only the spread is left. */
  @Test
  void countsOfExactRules() {
    double[] spectrum = new double[40];
    Arrays.setAll(spectrum, i -> i % 4 == 0 ? -1 : 2);
    EigenvalueCount negative = run(spectrum, 30, 10, 0).countBelow(0);
    requireWithin(10, negative);
    assertTrue(negative.high() - negative.low() < 8, negative.toString());
  }

  @Test
  void sumsThatAreNotFiniteAreRefused() {
    Quadrature q = run(new double[] {-1, 0.5, 2}, 2, 3, 0);
    assertThrows(NumericalException.class, () -> q.trace(Math::log));
    assertThrows(NumericalException.class, () -> q.logDeterminant(0.5));
    assertThrows(NumericalException.class, () -> q.effectiveDimension(1));
    assertThrows(NumericalException.class, q::entropy);
    assertThrows(IllegalArgumentException.class, () -> q.rank(-1));
    assertEquals(3.5, q.nuclearNorm().value(), 2 * 3.5);
  }

  @Test
  void quadraturesOfTwoSeedsAreOne(@TempDir Path folder) throws DataException {
    double[] spectrum = positive();
    Quadrature a = run(spectrum, 3, 12, 1L << 40);
    Quadrature b = run(spectrum, 2, 12, -7);
    Path file = folder.resolve("a.safetensors");
    a.save(file);
    Quadrature both = Quadrature.load(file).plus(b);
    assertEquals(5, both.probes());
    assertEquals(60, both.matvecs());
    for (int k = 0; k < 5; k++) {
      Quadrature of = k < 3 ? a : b;
      assertArrayEquals(of.nodes(k % 3), both.nodes(k), 0);
      assertArrayEquals(of.weights(k % 3), both.weights(k), 0);
    }
    double mean = (3 * a.trace().value() + 2 * b.trace().value()) / 5;
    assertEquals(mean, both.trace().value(), 1e-12 * mean);
    assertMessage("probe 0 of seed -7", () -> both.plus(b));
    assertMessage("probe 0 of seed " + (1L << 40), () -> both.plus(a));
    assertMessage("size 3", () -> both.plus(run(new double[] {1, 2, 3}, 2, 3, 9)));
  }

  @Test
  void otherFilesAreRefused(@TempDir Path folder) throws DataException {
    Path file = folder.resolve("other.safetensors");
    Tensor x = Tensor.of(new double[] {1}, 1);
    Safetensors.write(file, Map.of("nodes", x), Map.of());
    var other = assertThrows(DataException.class, () -> Quadrature.load(file));
    assertTrue(other.getMessage().contains("no quadrature"), other.getMessage());
    Safetensors.write(file, Map.of("nodes", x), Map.of("format", "hesse.quadrature"));
    var damaged = assertThrows(DataException.class, () -> Quadrature.load(file));
    assertTrue(damaged.getMessage().contains("damaged"), damaged.getMessage());
  }

  @Test
  void stopsWhenEnoughIsKnown() {
    double[] spectrum = positive();
    ToDoubleFunction<Quadrature> error = q -> q.logDeterminant(0.01).relativeError();
    LinearOperator op = Matrices.diagonal(spectrum);
    Quadrature[] runs = new Quadrature[2];
    for (int together = 1; together <= 2; together++) {
      runs[together - 1] =
          StochasticLanczosQuadrature.of(op)
              .distribution(ProbeDistribution.NORMAL)
              .probes(400)
              .steps(20)
              .together(100 * together - 99)
              .until(q -> error.applyAsDouble(q) <= 0.01)
              .run();
    }
    Quadrature q = runs[0];
    assertEquals(q.probes(), runs[1].probes());
    assertTrue(q.probes() > 8 && q.probes() < 400, "" + q.probes());
    assertTrue(error.applyAsDouble(q) <= 0.01);
    assertEquals(20 * q.probes(), q.matvecs());
    assertEquals(0, q.probes() % 4);
    Density d =
        SpectralDensity.of(op)
            .distribution(ProbeDistribution.NORMAL)
            .probes(300)
            .steps(30)
            .width(0.05)
            .uncertainty(0.1)
            .run();
    assertTrue(d.uncertainty() <= 0.1, "" + d.uncertainty());
  }

  /** Over a signed logarithmic axis every eigenvalue is a peak of its mass, whatever its size. */
  @Test
  void signedLogarithmicAxis() {
    double[] spectrum = {-1, -1e-3, 0, 0, 0, 0, 1e-4, 1e-2, 1, 100};
    Quadrature q = StochasticLanczosQuadrature.of(Matrices.diagonal(spectrum)).probes(4).run();
    SpectralAxis axis = SpectralAxis.signedLog(1e-6);
    Density d = q.density(Smoothing.DEFAULT.on(axis));
    assertEquals(1, d.integral(), 1e-4);
    assertEquals(0.08, d.width());
    double[] at = d.eigenvalues();
    double step = d.grid()[1] - d.grid()[0];
    double[] mass = {0.1, 0.1, 0.4, 0.1, 0.1, 0.1, 0.1};
    double[] places = {-1, -1e-3, 0, 1e-4, 1e-2, 1, 100};
    for (int k = 0; k < places.length; k++) {
      double sum = 0;
      for (int i = 0; i < at.length; i++) {
        double off = axis.position(at[i]) - axis.position(places[k]);
        sum += Math.abs(off) < 0.5 ? step * d.value()[i] : 0;
      }
      assertEquals(mass[k], sum, 1e-3, "" + places[k]);
    }
  }

  @Test
  void axesAreMonotoneAndInvertible() {
    SpectralAxis axis = SpectralAxis.signedLog(1e-4);
    double last = Double.NEGATIVE_INFINITY;
    for (double x : new double[] {-1e200, -3, -1e-5, -1e-12, 0, 1e-20, 1e-4, 1, 1e300}) {
      double at = axis.position(x);
      assertTrue(at > last, x + " at " + at);
      assertEquals(x, axis.eigenvalue(at), 1e-12 * Math.abs(x));
      assertEquals(-at, axis.position(-x));
      last = at;
    }
    assertEquals(6, axis.position(100), 1e-10); // decades above the floor
    assertEquals(3, SpectralAxis.LINEAR.position(3));
  }

  /** Quantiles from scipy.stats.t.ppf(norm.cdf(2), ν). */
  @Test
  void fewSamplesHaveWideIntervals() {
    int[] degrees = {1, 3, 5, 6, 9, 20, 30, Estimate.KNOWN};
    double[] factors = {13.96773, 3.306822, 2.648649, 2.516524, 2.319806, 2.133025, 2.086844, 2};
    for (int i = 0; i < degrees.length; i++) {
      Estimate e = new Estimate(1, 0.5, degrees[i]);
      assertEquals(1 + 0.5 * factors[i], e.high(), 1e-3);
      assertEquals(1 - 0.5 * factors[i], e.low(), 1e-3);
    }
    Estimate root = new Estimate(9, 0.6, 4).sqrt();
    assertEquals(3, root.value(), 1e-15);
    assertEquals(0.1, root.standardError(), 1e-15);
    assertThrows(IllegalStateException.class, () -> new Estimate(-1, 1).sqrt());
    assertThrows(IllegalArgumentException.class, () -> new Estimate(1, 1, 0));
  }

  private static void assertMessage(String part, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }
}
