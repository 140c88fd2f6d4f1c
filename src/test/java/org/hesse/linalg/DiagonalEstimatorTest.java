package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

class DiagonalEstimatorTest {
  private static final Map<String, Function<LinearOperator, DiagonalEstimator>> METHODS =
      Map.of("Hutchinson", DiagonalEstimator::hutchinson, "XDiag", DiagonalEstimator::xDiag);

  private static double[][] steep(int n) {
    double[] spectrum = new double[n];
    Arrays.setAll(spectrum, i -> Math.pow(i + 1, -1.5));
    return Matrices.withSpectrum(spectrum, new Random(n));
  }

  private static double[] diagonal(double[][] a) {
    double[] d = new double[a.length];
    Arrays.setAll(d, i -> a[i][i]);
    return d;
  }

  /** Of single entries, on the average over them, and of their root mean square. */
  @Test
  void errorsAreCalibrated(TestReporter reporter) {
    Map<String, double[][]> matrices =
        Map.of("steep", steep(60), "Wishart", Matrices.wishart(60, 90, new Random(1)));
    matrices.forEach((name, a) -> {
      double[] truth = diagonal(a);
      LinearOperator op = Matrices.operator(a);
      METHODS.forEach((method, estimator) -> {
        int inside = 0;
        double squares = 0;
        double stated = 0;
        for (int seed = 0; seed < 200; seed++) {
          DiagonalEstimate e = estimator.apply(op).probes(40).seed(seed).run();
          double[] value = e.value().toDoubleArray();
          double[] error = e.standardError().toDoubleArray();
          for (int i = 0; i < truth.length; i++) {
            double off = Math.abs(value[i] - truth[i]);
            inside += off <= 2 * error[i] ? 1 : 0;
            squares += off * off / 200;
          }
          stated += e.error() * e.error() / 200;
        }
        double coverage = inside / (200.0 * truth.length);
        double ratio = Math.sqrt(stated / squares);
        reporter.publishEntry(name + ", " + method, coverage + ", stated over true " + ratio);
        assertTrue(coverage >= 0.9 && coverage <= 0.99, name + method + coverage);
        assertEquals(1, ratio, 0.1, name + method);
      });
    });
  }

  @Test
  void sketchesPayWhereTheSpectrumFalls(TestReporter reporter) {
    double[][] a = steep(200);
    LinearOperator op = Matrices.operator(a);
    double plain = DiagonalEstimator.hutchinson(op).probes(60).run().error();
    double sketched = DiagonalEstimator.xDiag(op).probes(60).run().error();
    reporter.publishEntry("Hutchinson and XDiag", plain + " " + sketched);
    assertTrue(sketched < plain / 3, plain + " " + sketched);
  }

  @Test
  void exactCases() {
    double[] d = {3, -1, 0, 2, 5};
    DiagonalEstimate diagonal = DiagonalEstimator.hutchinson(Matrices.diagonal(d)).probes(3).run();
    assertArrayEquals(d, diagonal.value().toDoubleArray(), 1e-14);
    assertEquals(0, diagonal.error(), 1e-14);
    double[][] a = Matrices.gaussian(9, 9, new Random(2));
    DiagonalEstimate full = DiagonalEstimator.xDiag(Matrices.operator(a)).run();
    assertArrayEquals(diagonal(a), full.value().toDoubleArray(), 1e-12);
    assertEquals(0, full.error());
    assertEquals(18, full.matvecs());
    LinearOperator zero = LinearOperator.ofSymmetric(40, DType.F32, v -> v.mul(0.0));
    DiagonalEstimate none = DiagonalEstimator.xDiag(zero).probes(20).run();
    assertEquals(0, none.norm(), 1e-6);
    assertEquals(0, none.error(), 1e-6);
  }

  @Test
  void operatorNeedNotBeSymmetric() {
    double[][] a = Matrices.gaussian(50, 50, new Random(3));
    for (int i = 0; i < 50; i++) {
      for (int j = 0; j < 50; j++) {
        a[i][j] *= Math.pow(i + 1, -1.5) * Math.pow(j + 1, -0.5);
      }
    }
    CountingOperator op = Matrices.operator(a).counting();
    DiagonalEstimate e = DiagonalEstimator.xDiag(op).probes(40).run();
    assertEquals(op.matvecs(), e.matvecs());
    double squares = 0;
    double[] value = e.value().toDoubleArray();
    for (int i = 0; i < 50; i++) {
      squares += Math.pow(value[i] - a[i][i], 2);
    }
    assertEquals(0, Math.sqrt(squares), 3 * e.error());
  }

  @Test
  void stopsAtTheErrorAskedFor() {
    LinearOperator op = Matrices.operator(steep(80));
    METHODS.forEach((name, method) -> {
      DiagonalEstimate e = method.apply(op).probes(3000).relativeError(0.1).run();
      assertTrue(e.reached() && e.error() <= 0.1 * e.norm(), name);
      assertTrue(e.matvecs() < 3000, name);
      assertTrue(!method.apply(op).probes(9).relativeError(1e-9).run().reached());
    });
  }

  @Test
  void errorsAreNamed() {
    LinearOperator op = Matrices.diagonal(1, 2, 3);
    LinearOperator nan = LinearOperator.ofDiagonal(Tensor.of(new double[] {1, Double.NaN}, 2));
    for (var method : METHODS.values()) {
      assertThrows(IllegalArgumentException.class, () -> method.apply(op).probes(1));
      assertThrows(IllegalArgumentException.class, () -> method.apply(op).relativeError(-1));
      assertThrows(NumericalException.class, () -> method.apply(nan).run());
      assertThrows(
          CancellationException.class, () -> method.apply(op).progress((s, d, t) -> false).run());
    }
  }
}
