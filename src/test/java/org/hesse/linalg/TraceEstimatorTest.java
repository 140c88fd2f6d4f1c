package org.hesse.linalg;

import static org.hesse.linalg.TraceEstimator.Method.HUTCHINSON;
import static org.hesse.linalg.TraceEstimator.Method.XTRACE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
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

  private static final Map<String, Function<LinearOperator, TraceEstimator>> METHODS =
      Map.of(
          "Hutchinson", TraceEstimator::hutchinson,
          "Hutch++", TraceEstimator::hutchPlusPlus,
          "XTrace", TraceEstimator::xTrace,
          "chosen", TraceEstimator::of);

  private static LinearOperator withSpectrum(int n, IntToDoubleFunction value) {
    double[] spectrum = IntStream.range(0, n).mapToDouble(value).toArray();
    return Matrices.operator(Matrices.withSpectrum(spectrum, new Random(n)));
  }

  /** The mean relative error of 60 products over 30 seeds. */
  private static double error(
      String method, LinearOperator op, double trace, ProbeDistribution distribution) {
    double error = 0;
    for (int seed = 0; seed < 30; seed++) {
      TraceEstimate e =
          METHODS.get(method).apply(op).probes(60).distribution(distribution).seed(seed).run();
      assertEquals(60, e.matvecs());
      error += Math.abs(e.trace().value() - trace) / Math.abs(trace) / 30;
    }
    return error;
  }

  @Test
  void sketchesPayWhereTheSpectrumFalls(TestReporter reporter) {
    LinearOperator op = withSpectrum(500, i -> 1.0 / (i + 1) / (i + 1));
    double trace = IntStream.rangeClosed(1, 500).mapToDouble(i -> 1.0 / i / i).sum();
    for (ProbeDistribution distribution : ProbeDistribution.values()) {
      double plusPlus = error("Hutch++", op, trace, distribution);
      double xTrace = error("XTrace", op, trace, distribution);
      double chosen = error("chosen", op, trace, distribution);
      reporter.publishEntry(distribution + "", plusPlus + " " + xTrace + " " + chosen);
      assertTrue(plusPlus <= 3e-3, "Hutch++ " + plusPlus);
      assertTrue(xTrace <= 2e-3, "XTrace " + xTrace);
      assertTrue(chosen <= 2e-3, "chosen " + chosen);
    }
    assertEquals(XTRACE, TraceEstimator.of(op).probes(60).run().method());
  }

  @Test
  void samplesPayWhereTheSpectrumIsFlat(TestReporter reporter) {
    LinearOperator op = withSpectrum(400, i -> i % 4 == 0 ? -1 : 1);
    Map<String, Double> errors = new TreeMap<>();
    for (String method : METHODS.keySet()) {
      errors.put(method, error(method, op, 200, ProbeDistribution.RADEMACHER));
    }
    reporter.publishEntry("flat spectrum", errors.toString());
    assertTrue(errors.get("Hutchinson") < errors.get("Hutch++"), errors.toString());
    assertTrue(errors.get("Hutchinson") < errors.get("XTrace"), errors.toString());
    for (int seed = 0; seed < 30; seed++) {
      TraceEstimate chosen = TraceEstimator.of(op).probes(60).seed(seed).run();
      assertEquals(HUTCHINSON, chosen.method());
      TraceEstimate plain = TraceEstimator.hutchinson(op).probes(60).seed(seed).run();
      assertEquals(plain, chosen); // what was looked at is not lost
    }
    LinearOperator diagonal = Matrices.diagonal(IntStream.range(0, 300).asDoubleStream().toArray());
    TraceEstimate e = TraceEstimator.of(diagonal).probes(60).run();
    assertEquals(HUTCHINSON, e.method(), "exact on a diagonal, falling or not");
    assertEquals(300 * 299 / 2.0, e.trace().value(), 1e-9);
  }

  /**
   * Over 200 seeds, for a spectrum that falls and one that hardly does, with few and more probes.
   */
  @Test
  void everyMethodIsCalibrated(TestReporter reporter) {
    Map<String, IntToDoubleFunction> spectra =
        Map.of("steep", i -> Math.pow(i + 1, -1.5), "mild", i -> 1 + Math.cos(i));
    spectra.forEach((name, value) -> {
      LinearOperator op = withSpectrum(120, value);
      double trace = IntStream.range(0, 120).mapToDouble(value).sum();
      double squares = IntStream.range(0, 120).mapToDouble(value).map(x -> x * x).sum();
      for (int probes : new int[] {16, 48}) {
        METHODS.forEach((method, estimator) -> {
          int inside = 0;
          int insideSquares = 0;
          for (int seed = 0; seed < 200; seed++) {
            TraceEstimate e = estimator.apply(op).probes(probes).seed(seed).run();
            inside += holds(e.trace(), trace);
            insideSquares += holds(e.frobeniusSquared(), squares);
          }
          String what = name + ", " + method + ", " + probes;
          reporter.publishEntry(what, inside / 200.0 + " " + insideSquares / 200.0);
          assertTrue(inside >= 180 && inside <= 198, what + ": " + inside);
          assertTrue(insideSquares >= 180 && insideSquares <= 198, what);
        });
      }
    });
  }

  private static int holds(Estimate e, double truth) {
    return e.low() <= truth && truth <= e.high() ? 1 : 0;
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
  void stopsAtTheErrorAskedFor(TestReporter reporter) {
    LinearOperator flat = Matrices.operator(Matrices.wishart(100, 150, new Random(3)));
    TraceEstimate e =
        TraceEstimator.hutchinson(flat).probes(5000).relativeError(0.005).seed(1).run();
    assertTrue(e.reached());
    assertTrue(e.matvecs() > 16 && e.matvecs() < 1000, "" + e.matvecs());
    assertTrue(e.trace().relativeError() <= 0.005);
    TraceEstimate more = TraceEstimator.hutchinson(flat).probes(e.matvecs()).seed(1).run();
    assertEquals(more.trace(), e.trace());
    TraceEstimate never = TraceEstimator.hutchinson(flat).probes(10).relativeError(1e-6).run();
    assertFalse(never.reached());
    assertEquals(10, never.matvecs());
    LinearOperator steep = withSpectrum(300, i -> Math.pow(i + 1, -2));
    double trace = IntStream.rangeClosed(1, 300).mapToDouble(i -> 1.0 / i / i).sum();
    METHODS.forEach((name, method) -> {
      CountingOperator counted = steep.counting();
      TraceEstimate s = method.apply(counted).probes(4000).relativeError(0.05).seed(3).run();
      reporter.publishEntry(name, s.matvecs() + " products");
      assertEquals(counted.matvecs(), s.matvecs(), name);
      assertTrue(s.reached() && s.trace().relativeError() <= 0.05, name);
      assertEquals(trace, s.trace().value(), 0.2 * trace, name);
      assertEquals(name.equals("Hutchinson"), s.matvecs() > 200, name + " " + s.matvecs());
    });
  }

  @Test
  void fullRangesAreExact() {
    double[][] a = Matrices.gaussian(12, 12, new Random(4));
    double trace = 0;
    double squares = 0;
    for (int i = 0; i < 12; i++) {
      trace += a[i][i];
      squares += Matrices.dot(a[i], a[i]);
    }
    LinearOperator op = Matrices.operator(a);
    for (var method : METHODS.entrySet()) {
      if (!method.getKey().equals("Hutchinson")) {
        TraceEstimate e = method.getValue().apply(op).probes(60).run();
        assertEquals(trace, e.trace().value(), 1e-11, method.getKey());
        assertEquals(squares, e.frobeniusSquared().value(), 1e-11 * squares, method.getKey());
        assertEquals(Math.sqrt(squares), e.frobenius().value(), 1e-11 * squares);
        assertEquals(0, e.trace().standardError());
        assertEquals(method.getKey().equals("chosen") ? 12 : 24, e.matvecs());
      }
    }
  }

  /** Rank 3 of 200, so that most of what is sketched is rounding, and the operator 0. */
  @Test
  void lowRanksAreExact() {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      double[] spectrum = new double[200];
      spectrum[0] = 5;
      spectrum[1] = -2;
      spectrum[2] = 1e-3;
      double[][] a = Matrices.withSpectrum(spectrum, new Random(5));
      LinearOperator op = LinearOperator.ofDense(Matrices.tensor(a, dtype)).assumeSymmetric();
      for (ProbeDistribution distribution : ProbeDistribution.values()) {
        for (String name : new String[] {"XTrace", "Hutch++", "chosen"}) {
          TraceEstimate e = METHODS.get(name).apply(op).probes(50).distribution(distribution).run();
          double rounding = 1e4 * dtype.epsilon();
          assertEquals(3.001, e.trace().value(), rounding, name + dtype);
          assertEquals(29.000001, e.frobeniusSquared().value(), 10 * rounding, name + dtype);
          assertEquals(0, e.trace().standardError(), rounding, name + dtype);
        }
      }
    }
  }

  @Test
  void methodsTakeGeneralOperators() {
    double[][] a = Matrices.gaussian(60, 60, new Random(6));
    double trace = 0;
    for (int i = 0; i < 60; i++) {
      for (int j = 0; j < 60; j++) {
        a[i][j] *= Math.pow(i + 1, -1.5) * 5;
      }
      trace += a[i][i];
    }
    for (var method : METHODS.values()) {
      Estimate e = method.apply(Matrices.operator(a)).probes(45).seed(2).run().trace();
      assertEquals(trace, e.value(), 4 * e.standardError());
    }
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
    assertEquals(8, e.matvecs());
    LinearOperator large = LinearOperator.ofSymmetric(90, DType.F64, v -> v.mul(0.0));
    for (var method : METHODS.values()) {
      assertEquals(0, method.apply(large).probes(40).run().trace().value(), 1e-12);
      assertTrue(method.apply(large).probes(40).relativeError(0.1).run().reached());
    }
  }

  /** The trace of a matrix without rows is an empty sum; of one row, the row. */
  @Test
  void aSingleRow() {
    LinearOperator one = Matrices.diagonal(-3);
    for (var method : METHODS.values()) {
      TraceEstimate e = method.apply(one).probes(8).run();
      assertEquals(-3, e.trace().value());
      assertEquals(0, e.trace().standardError());
    }
  }

  @Test
  void errorsAreNamed() {
    LinearOperator op = Matrices.diagonal(1, 2, 3);
    var probes =
        assertThrows(IllegalArgumentException.class, () -> TraceEstimator.hutchinson(op).probes(1));
    assertTrue(probes.getMessage().contains("probes: 1"), probes.getMessage());
    var pairs =
        assertThrows(IllegalArgumentException.class, () -> TraceEstimator.xTrace(op).probes(3));
    assertTrue(pairs.getMessage().contains("probes: 3"), pairs.getMessage());
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
    for (var method : METHODS.values()) {
      assertThrows(
          CancellationException.class,
          () -> method.apply(op).progress((s, done, total) -> false).run());
      assertThrows(NumericalException.class, () -> method.apply(nan).probes(4).run());
    }
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
