package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class NeumannSeriesTest {
  private final Random random = new Random(5);

  private Tensor block(int k, int n) {
    return Matrices.tensor(Matrices.gaussian(k, n, random), DType.F64);
  }

  private Tensor vector(int n) {
    return block(1, n).select(0, 0);
  }

  private LinearOperator withSpectrum(double from, double to, int n) {
    double[] s = new double[n];
    Arrays.setAll(s, i -> from + (to - from) * i / (n - 1));
    return Matrices.operator(Matrices.withSpectrum(s, random));
  }

  private static Tensor direct(LinearOperator a, Tensor b) {
    return org.hesse.Matrices.solve(a.toDense(), b.rank() == 1 ? b : b.transpose());
  }

  private static double relativeError(Tensor exact, Tensor x) {
    return Math.sqrt(exact.sub(x).square().sum().item() / exact.square().sum().item());
  }

  @Test
  void matchesADenseSolverAtAnyFittingScale() {
    LinearOperator a = withSpectrum(0.2, 4, 20);
    Tensor b = vector(20);
    Tensor exact = direct(a.shift(0.1), b);
    for (double scale : new double[] {0, 2.5, 4.1, 20}) {
      NeumannSeries series = NeumannSeries.of(a).damping(0.1);
      Solution s = (scale == 0 ? series : series.scale(scale)).run(b);
      assertTrue(s.converged());
      assertTrue(relativeError(exact, s.solution()) < 2e-5, s.toString());
      Tensor residual = b.sub(a.shift(0.1).apply(s.solution()));
      assertEquals(Basis.norm(residual), s.residualNorms()[0], 1e-12);
    }
  }

  @Test
  void errorsAreBoundedAndBlocksAreSolvedRowByRow() {
    LinearOperator a = withSpectrum(0, 3, 15);
    Tensor b = Tensor.concat(0, block(2, 15), Tensor.zeros(DType.F64, 1, 15));
    NeumannSeries series =
        NeumannSeries.of(a).damping(0.05).smallestEigenvalue(0.05).tolerance(1e-3);
    Solution s = series.run(b);
    assertTrue(s.converged());
    Tensor exact = direct(a.shift(0.05), b).transpose();
    for (int i = 0; i < 3; i++) {
      double error = Basis.norm(exact.select(0, i).sub(s.solution().select(0, i)));
      // Along the smallest eigenvector, as the last terms are, the bound is attained.
      double bound = s.errorBounds()[i] * (1 + 1e-10);
      assertTrue(error <= bound, error + " above " + bound);
    }
    assertArrayEquals(new double[15], s.solution().select(0, 2).toDoubleArray());
  }

  /** The j-th term is (1 − μ/σ)ʲ along an eigenvector. */
  @Test
  void aTruncatedSeriesIsItsPartialSum() {
    LinearOperator a = Matrices.diagonal(1, 0.5);
    Solution s = NeumannSeries.of(a).scale(2).depth(3).run(Tensor.ones(DType.F64, 2));
    double first = (1 - Math.pow(0.5, 3)) / 1;
    double second = (1 - Math.pow(0.75, 3)) / 0.5;
    assertArrayEquals(new double[] {first, second}, s.solution().toDoubleArray(), 1e-15);
    assertFalse(s.converged());
    assertEquals(3, s.iterations());
    assertEquals(4, s.matvecs());
    double residual = Math.hypot(Math.pow(0.5, 3), Math.pow(0.75, 3));
    assertEquals(residual, s.residualNorms()[0], 1e-15);
  }

  @Test
  void divergenceIsRefusedWithTheRemedy() {
    LinearOperator a = withSpectrum(0.1, 4, 20);
    Tensor b = vector(20);
    assertRefused("raise the scale", () -> NeumannSeries.of(a).scale(1.9).run(b));
    assertRefused("negative eigenvalue", () -> NeumannSeries.of(a.shift(-0.5)).scale(5).run(b));
    assertRefused("for every scale", () -> NeumannSeries.of(a.scale(-1)).run(b));
    assertTrue(NeumannSeries.of(a.shift(-0.5)).scale(5).damping(1).run(b).converged());
    assertRefused(
        "raise the scale",
        () -> NeumannSeries.of(a).scale(1.5).batches(List.of(a), 0).depth(500).run(b));
  }

  private static void assertRefused(String remedy, Runnable call) {
    var e = assertThrows(NumericalException.class, call::run);
    assertTrue(e.getMessage().contains(remedy), e.getMessage());
  }

  @Test
  void slowConvergenceIsNoDivergence() {
    LinearOperator a = Matrices.diagonal(1, 1e-9, 0);
    Solution s = NeumannSeries.of(a).depth(200).run(Tensor.ones(DType.F64, 3));
    assertFalse(s.converged());
    assertEquals(Math.sqrt(2), s.residualNorms()[0], 1e-6);
  }

  @Test
  void stochasticStepsFindTheMeanSystem() {
    int n = 8;
    List<LinearOperator> parts = new ArrayList<>();
    double[][] mean = new double[n][n];
    for (int i = 0; i < 6; i++) {
      double[][] part = Matrices.wishart(n, 30, random);
      parts.add(Matrices.operator(part));
      for (int r = 0; r < n; r++) {
        for (int c = 0; c < n; c++) {
          mean[r][c] += part[r][c] / 6;
        }
      }
    }
    LinearOperator a = Matrices.operator(mean);
    Tensor b = block(2, n);
    NeumannSeries lissa =
        NeumannSeries.of(a).damping(0.2).scale(30).batches(parts, 1).depth(300).tolerance(0.1);
    Solution s = lissa.run(b);
    Tensor exact = direct(a.shift(0.2), b).transpose();
    assertTrue(s.converged(), s.toString());
    assertTrue(relativeError(exact, s.solution()) < 0.1);
    Solution better = lissa.repeats(10).run(b);
    double[] few = s.relativeResiduals();
    double[] many = better.relativeResiduals();
    assertTrue(many[0] + many[1] < 0.6 * (few[0] + few[1]), s + " " + better);
    assertArrayEquals(
        better.solution().toDoubleArray(), lissa.run(b).solution().toDoubleArray(), 0);
    // Without a scale it is measured, on every part.
    Solution measured =
        NeumannSeries.of(a).damping(0.2).batches(parts, 1).depth(50).tolerance(0.5).run(b);
    assertTrue(measured.converged(), measured.toString());
  }

  @Test
  void theInverseIsAnOperator() {
    LinearOperator a = withSpectrum(1, 3, 6);
    Inverse inverse = NeumannSeries.of(a).tolerance(1e-9).inverse();
    assertArrayEquals(
        org.hesse.Matrices.inverse(a.toDense()).toDoubleArray(),
        inverse.toDense().toDoubleArray(),
        1e-8);
    assertTrue(inverse.worst() <= 1e-9);
    assertThrows(
        NumericalException.class, () -> NeumannSeries.of(a).depth(2).inverse().apply(vector(6)));
  }

  @Test
  void singlePrecisionAndZero() {
    LinearOperator a = LinearOperator.ofDense(withSpectrum(0.5, 2, 10).toDense().cast(DType.F32));
    Tensor b = vector(10).cast(DType.F32);
    Solution s = NeumannSeries.of(a).run(b);
    assertTrue(s.converged());
    Tensor exact = direct(LinearOperator.ofDense(a.toDense().cast(DType.F64)), b.cast(DType.F64));
    assertTrue(relativeError(exact, s.solution().cast(DType.F64)) < 1e-3);
    LinearOperator zero = Matrices.diagonal(0, 0);
    assertFalse(NeumannSeries.of(zero).depth(5).run(vector(2)).converged());
    assertTrue(NeumannSeries.of(zero).run(Tensor.zeros(DType.F64, 2)).converged());
  }

  @Test
  void wrongArgumentsAreNamedAndProgressCanCancel() {
    LinearOperator a = withSpectrum(1, 2, 3);
    NeumannSeries series = NeumannSeries.of(a);
    assertMessage("damping: -1.0", "positive", () -> series.damping(-1));
    assertMessage("scale: 0.0", "positive", () -> series.scale(0));
    assertMessage("depth: 0", "1 or more", () -> series.depth(0));
    assertMessage("repeats: 0", "1 or more", () -> series.repeats(0));
    assertMessage("tolerance: 1.5", "1e-4", () -> series.tolerance(1.5));
    assertMessage("batches", "one or more", () -> series.batches(List.of(), 0));
    assertMessage("batches", "sizes", () -> series.batches(List.of(Matrices.diagonal(1, 2)), 0));
    LinearOperator general = Matrices.operator(Matrices.gaussian(3, 3, random));
    assertMessage("not symmetric", "symmetric one", () -> NeumannSeries.of(general));
    assertThrows(
        CancellationException.class, () -> series.progress((x, y, z) -> false).run(vector(3)));
  }

  private static void assertMessage(String given, String expected, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(given), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
