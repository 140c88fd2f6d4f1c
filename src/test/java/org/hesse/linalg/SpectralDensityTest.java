package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

class SpectralDensityTest {

  private static double range(double[] spectrum) {
    return Arrays.stream(spectrum).max().orElseThrow()
        - Arrays.stream(spectrum).min().orElseThrow();
  }

  private static double distance(
      double[] spectrum, int steps, ProbeDistribution distribution, int seed) {
    Quadrature q =
        StochasticLanczosQuadrature.of(Matrices.diagonal(spectrum))
            .probes(10)
            .steps(steps)
            .distribution(distribution)
            .seed(seed)
            .run();
    return q.wasserstein1(spectrum) / range(spectrum);
  }

  @Test
  void knownSpectrumIsMatched(TestReporter reporter) {
    double[] spectrum = Matrices.bulkWithOutliers();
    for (ProbeDistribution distribution : ProbeDistribution.values()) {
      double coarse = 0;
      double fine = 0;
      for (int seed = 0; seed < 2; seed++) {
        coarse = Math.max(coarse, distance(spectrum, 64, distribution, seed));
        fine = Math.max(fine, distance(spectrum, 128, distribution, seed));
      }
      reporter.publishEntry(distribution + " W1/range at 64 and 128", coarse + " " + fine);
      assertTrue(coarse <= 5e-3, distribution + " at 64 steps: " + coarse);
      assertTrue(fine <= 3e-3, distribution + " at 128 steps: " + fine);
    }
  }

  @Test
  void spectrumOfARealHessianIsMatched(TestReporter reporter) throws IOException {
    Path file =
        Stream.of("../shared", "shared")
            .map(folder -> Path.of(folder, "models", "digits-mlp.spectrum.npz"))
            .filter(Files::exists)
            .findFirst()
            .orElse(null);
    assumeTrue(file != null, "shared/models/digits-mlp.spectrum.npz is not here: skipped");
    for (String name : new String[] {"hessian", "ggn"}) {
      double[] spectrum = readNpz(file, name);
      double w = distance(spectrum, 100, ProbeDistribution.NORMAL, 0);
      reporter.publishEntry(name + " W1/range", "" + w);
      assertTrue(w <= 5e-3, name + ": " + w);
    }
  }

  /** Reads a one-dimensional F64 array of version 1 of NumPy's format. */
  private static double[] readNpz(Path file, String name) throws IOException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      try (var in = zip.getInputStream(zip.getEntry(name + ".npy"))) {
        ByteBuffer bytes = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(10 + bytes.getShort(8));
        double[] values = new double[bytes.remaining() / Double.BYTES];
        bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
        return values;
      }
    }
  }

  @Test
  void massesOfTwoValuedSpectrum() {
    double[] spectrum = new double[100];
    Arrays.setAll(spectrum, i -> i % 2 == 0 ? 1 : 5);
    LinearOperator op = Matrices.operator(Matrices.withSpectrum(spectrum, new Random(1)));
    for (ProbeDistribution distribution : ProbeDistribution.values()) {
      Quadrature q = StochasticLanczosQuadrature.of(op).probes(20).distribution(distribution).run();
      for (int k = 0; k < 20; k++) {
        assertArrayEquals(new double[] {1, 5}, q.nodes(k), 1e-9);
      }
      assertEquals(40, q.matvecs());
      assertEquals(0.5, q.cdf(3).value(), 0.08);
      assertEquals(0.5, q.mean(x -> x > 3 ? 1 : 0).value(), 0.08);
    }
  }

  @Test
  void weightsSumToOneAndTheDensityIntegratesToOne() {
    LinearOperator op = Matrices.diagonal(Matrices.bulkWithOutliers());
    Quadrature q = StochasticLanczosQuadrature.of(op).probes(5).steps(60).run();
    for (int k = 0; k < q.probes(); k++) {
      assertEquals(1, Arrays.stream(q.weights(k)).sum(), 1e-12);
    }
    for (Smoothing s :
        new Smoothing[] {
          Smoothing.DEFAULT, new Smoothing(1e-3, 0), new Smoothing(1, 100), new Smoothing(0, 5000)
        }) {
      Density d = q.density(s);
      assertEquals(1, d.integral(), 1e-4, s.toString());
      double[] low = d.low();
      double[] value = d.value();
      double[] high = d.high();
      for (int i = 0; i < value.length; i++) {
        assertTrue(0 <= low[i] && low[i] <= value[i] && value[i] <= high[i]);
      }
    }
    assertEquals(1, SpectralDensity.of(op).probes(3).steps(20).seed(4).run().integral(), 1e-4);
  }

  @Test
  void functionsOfTheOperatorAreIntegrated() {
    double[] spectrum = Matrices.bulkWithOutliers();
    Quadrature q =
        StochasticLanczosQuadrature.of(Matrices.diagonal(spectrum))
            .distribution(ProbeDistribution.NORMAL)
            .probes(20)
            .steps(50)
            .run();
    double exact = Arrays.stream(spectrum).map(Math::exp).sum();
    Estimate estimate = q.trace(Math::exp);
    assertEquals(exact, estimate.value(), 4 * estimate.standardError());
    assertEquals(Arrays.stream(spectrum).sum(), q.trace().value(), 4 * q.trace().standardError());
    assertEquals(0.095, q.cdf(0).value(), 0.05); // to the weight of a node of the bulk
    assertEquals(0.995, q.cdf(1.2).value(), 4 * q.cdf(1.2).standardError());
    assertEquals(1, q.cdf(10.6).value(), 1e-12);
    assertEquals(10.5, q.max(), 1e-9);
  }

  @Test
  void bandIsCalibrated(TestReporter reporter) {
    double[] spectrum = new double[300];
    Random random = new Random(5);
    Arrays.setAll(spectrum, i -> random.nextGaussian());
    double width = 0.4;
    int inside = 0;
    int points = 0;
    int traces = 0;
    for (int seed = 0; seed < 200; seed++) {
      Quadrature q =
          StochasticLanczosQuadrature.of(Matrices.diagonal(spectrum))
              .distribution(ProbeDistribution.NORMAL)
              .probes(20)
              .steps(16)
              .seed(seed)
              .run();
      Density d = q.density(new Smoothing(width, 64));
      double[] grid = d.grid();
      double[] low = d.low();
      double[] high = d.high();
      for (int i = 16; i < 48; i += 4) {
        double truth = smoothed(spectrum, grid[i], width);
        points++;
        inside += low[i] <= truth && truth <= high[i] ? 1 : 0;
      }
      Estimate squares = q.mean(x -> x * x);
      double truth = Arrays.stream(spectrum).map(x -> x * x).sum() / spectrum.length;
      traces += squares.low() <= truth && truth <= squares.high() ? 1 : 0;
    }
    double coverage = inside / (double) points;
    reporter.publishEntry("coverage of band and of a moment", coverage + " " + traces / 200.0);
    assertTrue(coverage >= 0.9 && coverage <= 0.99, "band: " + coverage);
    assertTrue(traces >= 180 && traces <= 198, "second moment: " + traces);
  }

  private static double smoothed(double[] spectrum, double x, double width) {
    return Arrays.stream(spectrum)
            .map(l -> Math.exp(-(x - l) * (x - l) / (2 * width * width)))
            .average()
            .orElseThrow()
        / (width * Math.sqrt(2 * Math.PI));
  }

  @Test
  void wassersteinDistanceOfPointMasses() {
    Quadrature q = StochasticLanczosQuadrature.of(Matrices.diagonal(2, 2, 2)).probes(2).run();
    assertEquals(0, q.wasserstein1(2), 1e-14);
    assertEquals(3, q.wasserstein1(5), 1e-14);
    assertEquals(2, q.wasserstein1(0, 4), 1e-14);
    assertEquals(1, q.wasserstein1(2, 4), 1e-14);
  }

  @Test
  void groupingOfProbesChangesNothing() {
    LinearOperator op = Matrices.diagonal(Matrices.bulkWithOutliers());
    Quadrature all = StochasticLanczosQuadrature.of(op).probes(5).steps(12).seed(3).run();
    Quadrature single =
        StochasticLanczosQuadrature.of(op).probes(5).steps(12).seed(3).together(1).run();
    for (int k = 0; k < 5; k++) {
      assertArrayEquals(all.nodes(k), single.nodes(k), 1e-12);
      assertArrayEquals(all.weights(k), single.weights(k), 1e-12);
    }
    assertEquals(60, all.matvecs());
  }

  @Test
  void everyStepIsOneBlockOfProducts() {
    int[] blocks = {0};
    LinearOperator counting =
        new LinearOperator() {
          @Override
          public int size() {
            return 50;
          }

          @Override
          public DType dtype() {
            return DType.F64;
          }

          @Override
          public boolean symmetric() {
            return true;
          }

          @Override
          public Tensor apply(Tensor v) {
            throw new AssertionError("a product by itself");
          }

          @Override
          public Tensor applyAll(Tensor vs) {
            blocks[0]++;
            assertEquals(4, vs.dim(0));
            double[] diagonal = new double[50];
            Arrays.setAll(diagonal, i -> i);
            return vs.mul(Tensor.of(diagonal, 50));
          }
        };
    StochasticLanczosQuadrature.of(counting)
        .probes(4)
        .steps(20)
        .distribution(ProbeDistribution.NORMAL)
        .run();
    assertEquals(20, blocks[0]);
  }

  @Test
  void degenerateOperators() {
    LinearOperator zero = LinearOperator.ofSymmetric(30, DType.F32, v -> v.mul(0.0));
    Density d = SpectralDensity.of(zero).probes(2).run();
    assertEquals(1, d.integral(), 1e-4);
    Quadrature one = StochasticLanczosQuadrature.of(Matrices.diagonal(-4)).probes(2).run();
    assertEquals(-4, one.min(), 1e-15);
    assertEquals(1, one.density().integral(), 1e-4);
    assertEquals(0, one.trace().standardError(), 1e-15);
  }

  @Test
  void singlePrecisionAgrees() {
    double[] spectrum = Matrices.bulkWithOutliers();
    LinearOperator op =
        LinearOperator.ofDiagonal(Tensor.of(spectrum, spectrum.length).cast(DType.F32));
    double w = StochasticLanczosQuadrature.of(op).steps(64).run().wasserstein1(spectrum);
    assertTrue(w / range(spectrum) <= 5e-3, "" + w);
  }

  @Test
  void wrongArgumentsAreNamed() {
    LinearOperator op = Matrices.diagonal(1, 2, 3);
    assertMessage("probes: 1", () -> SpectralDensity.of(op).probes(1));
    assertMessage("steps: 0", () -> SpectralDensity.of(op).steps(0));
    assertMessage("width: -1.0", () -> SpectralDensity.of(op).width(-1));
    assertMessage("at least", () -> SpectralDensity.of(op).width(1e-3).points(100).run());
    assertMessage("floor: 0", () -> SpectralAxis.signedLog(0));
    assertMessage("floor: NaN", () -> SpectralAxis.signedLog(Double.NaN));
    assertMessage("uncertainty: 0.0", () -> SpectralDensity.of(op).uncertainty(0));
    assertMessage("spectrum: empty", () -> quadrature(op).wasserstein1());
    LinearOperator general = Matrices.operator(Matrices.gaussian(5, 5, new Random(0)));
    assertMessage("not symmetric", () -> SpectralDensity.of(general));
    assertThrows(
        NumericalException.class, () -> SpectralDensity.of(general.assumeSymmetric()).run());
    assertThrows(
        CancellationException.class,
        () -> SpectralDensity.of(op).progress((stage, done, total) -> done < 20).run());
  }

  private static Quadrature quadrature(LinearOperator op) {
    return StochasticLanczosQuadrature.of(op).probes(2).run();
  }

  private static void assertMessage(String part, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void aQuadraturePrintsWhatItSpans() {
    Quadrature q =
        StochasticLanczosQuadrature.of(Matrices.diagonal(new double[] {-2, 1, 4})).probes(2).run();
    assertEquals("Quadrature[size 3, probes 2, nodes 6, from -2.00000 to 4.00000]", q.toString());
  }
}
