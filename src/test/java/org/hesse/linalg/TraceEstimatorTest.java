package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

class TraceEstimatorTest {

  @Test
  void quadraticDecay(TestReporter reporter) {
    double[] spectrum = new double[500];
    Arrays.setAll(spectrum, i -> 1.0 / (i + 1) / (i + 1));
    double trace = Arrays.stream(spectrum).sum();
    LinearOperator op = Matrices.operator(Matrices.withSpectrum(spectrum, new Random(0)));
    for (ProbeDistribution distribution : ProbeDistribution.values()) {
      double error = 0;
      for (int seed = 0; seed < 30; seed++) {
        Estimate e =
            TraceEstimator.hutchinson(op)
                .probes(60)
                .distribution(distribution)
                .seed(seed)
                .run()
                .trace();
        error += Math.abs(e.value() - trace) / trace / 30;
      }
      reporter.publishEntry(distribution + " mean error", "" + error);
      assertTrue(error <= 0.14, distribution + ": " + error);
    }
  }

  @Test
  void standardErrorsAreCalibrated(TestReporter reporter) {
    double[][] a = Matrices.wishart(100, 150, new Random(1));
    double trace = 0;
    double squares = 0;
    for (int i = 0; i < 100; i++) {
      trace += a[i][i];
      squares += Matrices.dot(a[i], a[i]);
    }
    int inside = 0;
    int insideSquares = 0;
    for (int seed = 0; seed < 200; seed++) {
      TraceEstimate e = TraceEstimator.hutchinson(Matrices.operator(a)).probes(40).seed(seed).run();
      inside += Math.abs(e.trace().value() - trace) <= 2 * e.trace().standardError() ? 1 : 0;
      Estimate f = e.frobeniusSquared();
      insideSquares += Math.abs(f.value() - squares) <= 2 * f.standardError() ? 1 : 0;
    }
    reporter.publishEntry("coverage", inside / 200.0 + " " + insideSquares / 200.0);
    assertTrue(inside >= 180 && inside <= 198, "trace: " + inside);
    assertTrue(insideSquares >= 180 && insideSquares <= 198, "Frobenius: " + insideSquares);
  }

  @Test
  void rademacherProbesAreExactOnADiagonal() {
    TraceEstimate e = TraceEstimator.hutchinson(Matrices.diagonal(1, -2, 4)).probes(5).run();
    assertEquals(3, e.trace().value(), 1e-14);
    assertEquals(0, e.trace().standardError(), 1e-14);
    assertEquals(21, e.frobeniusSquared().value(), 1e-13);
    assertTrue(e.reached());
  }

  @Test
  void operatorNeedNotBeSymmetric() {
    double[][] a = Matrices.gaussian(30, 30, new Random(2));
    double trace = 0;
    for (int i = 0; i < 30; i++) {
      a[i][i] += 3;
      trace += a[i][i];
    }
    Estimate e = TraceEstimator.hutchinson(Matrices.operator(a)).probes(400).run().trace();
    assertEquals(trace, e.value(), 4 * e.standardError());
  }

  @Test
  void stopsAtTheErrorAskedFor() {
    LinearOperator op = Matrices.operator(Matrices.wishart(100, 150, new Random(3)));
    TraceEstimate e = TraceEstimator.hutchinson(op).probes(5000).relativeError(0.005).seed(1).run();
    assertTrue(e.reached());
    assertTrue(e.probes() > 16 && e.probes() < 1000, "" + e.probes());
    assertTrue(e.trace().relativeError() <= 0.005);
    TraceEstimate more = TraceEstimator.hutchinson(op).probes(e.probes()).seed(1).run();
    assertEquals(more.trace(), e.trace());
    TraceEstimate never = TraceEstimator.hutchinson(op).probes(10).relativeError(1e-6).run();
    assertFalse(never.reached());
    assertEquals(10, never.probes());
  }

  @Test
  void largeOperatorsTakeOneVectorAtATime() {
    int n = 3_000_000;
    LinearOperator op = LinearOperator.ofSymmetric(n, DType.F32, v -> v.mul(2.0)).counting();
    Estimate e = TraceEstimator.hutchinson(op).probes(2).run().trace();
    assertEquals(2.0 * n, e.value(), 1e-3);
  }

  @Test
  void zeroOperator() {
    LinearOperator zero = LinearOperator.ofSymmetric(9, DType.F64, v -> v.mul(0.0));
    TraceEstimate e = TraceEstimator.hutchinson(zero).relativeError(0.1).run();
    assertEquals(new Estimate(0, 0, 7), e.trace());
    assertEquals(8, e.probes());
  }

  @Test
  void errorsAreNamed() {
    LinearOperator op = Matrices.diagonal(1, 2, 3);
    var probes =
        assertThrows(IllegalArgumentException.class, () -> TraceEstimator.hutchinson(op).probes(1));
    assertTrue(probes.getMessage().contains("probes: 1"), probes.getMessage());
    var relative =
        assertThrows(
            IllegalArgumentException.class,
            () -> TraceEstimator.hutchinson(op).relativeError(Double.NaN));
    assertTrue(relative.getMessage().contains("NaN"), relative.getMessage());
    LinearOperator nan =
        LinearOperator.ofDiagonal(Tensor.of(new double[] {1, Double.POSITIVE_INFINITY}, 2));
    var infinite =
        assertThrows(
            NumericalException.class, () -> TraceEstimator.hutchinson(nan).probes(4).run());
    assertTrue(infinite.getMessage().contains("product 1 "), infinite.getMessage());
    assertThrows(
        CancellationException.class,
        () -> TraceEstimator.hutchinson(op).progress((s, done, total) -> false).run());
  }

  @Test
  void estimateOfSamplesIsTheTextbookFormula() {
    Estimate e = Estimate.ofSamples(1, 2, 3, 4);
    assertEquals(2.5, e.value(), 1e-15);
    assertEquals(Math.sqrt(5.0 / 3 / 4), e.standardError(), 1e-15);
    assertEquals(new Estimate(-5, 2 * e.standardError(), 3), e.scale(-2));
    var few = assertThrows(IllegalArgumentException.class, () -> Estimate.ofSamples(1));
    assertTrue(few.getMessage().contains("at least 2"), few.getMessage());
  }
}
