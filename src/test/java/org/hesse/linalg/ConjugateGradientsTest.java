package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
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

class ConjugateGradientsTest {
  private final Random random = new Random(3);

  private Tensor vector(int n) {
    return block(1, n).select(0, 0);
  }

  private Tensor block(int k, int n) {
    return Matrices.tensor(Matrices.gaussian(k, n, random), DType.F64);
  }

  private LinearOperator withSpectrum(double... spectrum) {
    return Matrices.operator(Matrices.withSpectrum(spectrum, random));
  }

  private static double[] geometric(int n, double from, double to) {
    double[] s = new double[n];
    Arrays.setAll(s, i -> from * Math.pow(to / from, i / (n - 1.0)));
    return s;
  }

  /** By LU, which shares nothing with the iteration. */
  private static Tensor direct(LinearOperator a, Tensor b) {
    return org.hesse.Matrices.solve(a.toDense(), b.rank() == 1 ? b : b.transpose());
  }

  private static double distance(Tensor a, Tensor b) {
    return Basis.norm(a.sub(b));
  }

  @Test
  void solvesAsADenseSolverDoes() {
    LinearOperator a = withSpectrum(geometric(30, 0.1, 10));
    Tensor b = vector(30);
    Solution s = ConjugateGradients.of(a).run(b);
    assertTrue(s.converged());
    assertArrayEquals(direct(a, b).toDoubleArray(), s.solution().toDoubleArray(), 1e-8);
    Tensor residual = b.sub(a.apply(s.solution()));
    assertEquals(Basis.norm(residual), s.residualNorms()[0], 1e-14);
    assertEquals(Basis.norm(residual) / Basis.norm(b), s.relativeResiduals()[0], 1e-14);
    assertTrue(s.relativeResiduals()[0] <= 1e-10);
  }

  @Test
  void aBlockIsSolvedRowByRow() {
    LinearOperator a = withSpectrum(geometric(20, 0.5, 5));
    Tensor b = Tensor.concat(0, block(3, 20), Tensor.zeros(DType.F64, 1, 20), block(1, 20));
    CountingOperator counting = a.counting();
    Solution s = ConjugateGradients.of(counting).run(b);
    assertArrayEquals(direct(a, b).transpose().toDoubleArray(), s.solution().toDoubleArray(), 1e-8);
    assertEquals(counting.matvecs(), s.matvecs());
    for (int i = 0; i < 5; i++) {
      Solution one = ConjugateGradients.of(a).run(b.select(0, i));
      // Both are within ‖r‖/λ of the exact solution, with ‖r‖ ≤ 1e-10 ‖b‖ and λ = 0.5.
      double bound = 4e-10 * Basis.norm(b.select(0, i));
      assertTrue(distance(one.solution(), s.solution().select(0, i)) <= bound);
    }
    assertArrayEquals(new double[20], s.solution().select(0, 3).toDoubleArray());
  }

  @Test
  void asManyStepsAsDistinctEigenvalues() {
    LinearOperator a = withSpectrum(1, 1, 1, 1, 3, 3, 3, 3, 3, 9);
    assertEquals(3, ConjugateGradients.of(a).run(vector(10)).iterations());
  }

  /** ‖e‖_A falls by 2((√κ−1)/(√κ+1))ʲ or faster (Saad, equation 6.128). */
  @Test
  void convergesAsTheConditionNumberSays() {
    double kappa = 400;
    LinearOperator a = withSpectrum(geometric(80, 1, kappa));
    Tensor x = vector(80);
    Tensor b = a.apply(x);
    double first = Math.sqrt(Basis.dot(x, b));
    for (int steps : new int[] {5, 20, 40}) {
      Solution s = ConjugateGradients.of(a).tolerance(0).maxIterations(steps).run(b);
      Tensor e = x.sub(s.solution());
      double rate = (Math.sqrt(kappa) - 1) / (Math.sqrt(kappa) + 1);
      assertEquals(steps, s.iterations());
      assertTrue(Math.sqrt(Basis.dot(e, a.apply(e))) <= 2 * Math.pow(rate, steps) * first);
      assertFalse(s.converged());
    }
  }

  @Test
  void errorBoundsAreBounds() {
    for (int trial = 0; trial < 20; trial++) {
      LinearOperator a = withSpectrum(geometric(25, 1e-3, 1));
      Tensor b = block(2, 25);
      Solution s = ConjugateGradients.of(a).smallestEigenvalue(1e-3).maxIterations(10).run(b);
      Tensor exact = direct(a, b).transpose();
      for (int i = 0; i < 2; i++) {
        double error = distance(exact.select(0, i), s.solution().select(0, i));
        assertTrue(error <= s.errorBounds()[i], error + " above " + s.errorBounds()[i]);
      }
    }
    Solution without = ConjugateGradients.of(withSpectrum(1, 2)).run(vector(2));
    assertTrue(
        assertThrows(IllegalStateException.class, without::errorBounds)
            .getMessage()
            .contains("smallestEigenvalue"));
  }

  @Test
  void theExactInverseAsPreconditionerNeedsOneStep() {
    double[] spectrum = geometric(12, 1e-4, 1e4);
    double[][] m = Matrices.withSpectrum(spectrum, random);
    LinearOperator a = Matrices.operator(m);
    Tensor inverse = org.hesse.Matrices.inverse(a.toDense());
    LinearOperator exact =
        LinearOperator.ofDense(inverse.add(inverse.transpose()).mul(0.5)).assumeSymmetric();
    Solution s = ConjugateGradients.of(a).tolerance(1e-8).preconditioner(exact).run(block(2, 12));
    assertTrue(s.converged());
    assertEquals(1, s.iterations());
  }

  @Test
  void aDiagonalPreconditionerMendsBadScaling() {
    int n = 60;
    double[] scale = geometric(n, 1, 1e4);
    double[][] m = Matrices.withSpectrum(geometric(n, 1, 4), random);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        m[i][j] *= scale[i] * scale[j];
      }
    }
    LinearOperator a = Matrices.operator(m);
    double[] jacobi = new double[n];
    Arrays.setAll(jacobi, i -> 1 / m[i][i]);
    Tensor b = vector(n);
    ConjugateGradients plain = ConjugateGradients.of(a).maxIterations(60);
    assertFalse(plain.run(b).converged());
    Solution s = plain.preconditioner(Matrices.diagonal(jacobi)).run(b);
    assertTrue(s.converged());
    assertTrue(s.iterations() < 40, s.toString());
    Tensor exact = direct(a, b);
    assertTrue(distance(exact, s.solution()) < 1e-6 * Basis.norm(exact));
  }

  @Test
  void illConditionedSystemsReachWhatRoundingAllows() {
    LinearOperator a = withSpectrum(geometric(40, 1e-10, 1));
    Tensor x = vector(40);
    Tensor b = a.apply(x);
    Solution s = ConjugateGradients.of(a).maxIterations(2000).run(b);
    assertTrue(s.converged(), s.toString());
    assertTrue(distance(b, a.apply(s.solution())) <= 1e-10 * Basis.norm(b));
  }

  @Test
  void singlePrecisionReportsTheTrueResidual() {
    double[][] m = Matrices.withSpectrum(geometric(50, 1e-3, 1), random);
    LinearOperator a = LinearOperator.ofDense(Matrices.tensor(m, DType.F32));
    Tensor b = vector(50).cast(DType.F32);
    Solution s = ConjugateGradients.of(a).tolerance(1e-14).run(b);
    assertFalse(s.converged());
    double residual =
        Basis.norm(
            b.cast(DType.F64)
                .sub(a.toDense().cast(DType.F64).matmul(s.solution().cast(DType.F64))));
    assertEquals(residual, s.residualNorms()[0], 0.5 * residual);
    assertTrue(s.relativeResiduals()[0] < 1e-4, s.toString());
    double[][] better = Matrices.withSpectrum(geometric(50, 0.02, 1), random);
    LinearOperator regular = LinearOperator.ofDense(Matrices.tensor(better, DType.F32));
    assertTrue(ConjugateGradients.of(regular).run(b).converged());
  }

  @Test
  void zeroIsSolvedByZeroWithoutAProduct() {
    Solution s = ConjugateGradients.of(withSpectrum(1, 2, 3)).run(Tensor.zeros(DType.F64, 3));
    assertTrue(s.converged());
    assertEquals(0, s.matvecs());
    assertArrayEquals(new double[3], s.solution().toDoubleArray());
    assertArrayEquals(new double[1], s.relativeResiduals());
  }

  @Test
  void singularSystemsWithASolutionHaveTheSmallestOne() {
    double[] spectrum = new double[20];
    Arrays.setAll(spectrum, i -> i < 8 ? 0 : 1 + i % 5);
    LinearOperator a = withSpectrum(spectrum);
    Tensor x = a.apply(vector(20));
    Solution s = ConjugateGradients.of(a).run(a.apply(x));
    assertTrue(s.converged());
    assertTrue(distance(x, s.solution()) < 1e-8);
    assertTrue(s.negativeCurvature().isEmpty());
  }

  @Test
  void singularSystemsWithoutASolutionSayWhatIsLeft() {
    LinearOperator a = Matrices.diagonal(1, 2, 3, 0, 0);
    Solution s = ConjugateGradients.of(a).run(Tensor.of(new double[] {1, 1, 1, 3, 4}, 5));
    assertFalse(s.converged());
    assertTrue(s.residualNorms()[0] >= 5);
    assertTrue(s.negativeCurvature().isEmpty(), s.toString());
  }

  @Test
  void negativeCurvatureIsReportedWithItsDirection() {
    LinearOperator a = withSpectrum(-0.5, 1, 2, 3, 4, 5);
    Tensor b = block(2, 6);
    Solution s = ConjugateGradients.of(a).run(b);
    assertFalse(s.converged());
    assertEquals(2, s.negativeCurvature().size());
    for (Solution.NegativeCurvature n : s.negativeCurvature()) {
      double curvature = Basis.dot(n.direction(), a.apply(n.direction()));
      assertTrue(curvature < 0);
      assertEquals(curvature, n.curvature(), 1e-12);
      assertEquals(1, Basis.norm(n.direction()), 1e-12);
      double left = distance(b.select(0, n.vector()), a.apply(s.solution().select(0, n.vector())));
      assertEquals(left, s.residualNorms()[n.vector()], 1e-12);
    }
    String message =
        assertThrows(NumericalException.class, () -> ConjugateGradients.of(a).inverse().applyAll(b))
            .getMessage();
    assertTrue(message.contains("negative curvature") && message.contains("shift"), message);
  }

  /** One row meets it at once, the other never does. */
  @Test
  void negativeCurvatureEndsOnlyTheSearchThatMeetsIt() {
    LinearOperator a = Matrices.diagonal(-1, 2, 4);
    Solution s = ConjugateGradients.of(a).run(Tensor.of(new double[] {1, 0, 0, 0, 1, 1}, 2, 3));
    assertArrayEquals(new boolean[] {false, true}, s.convergedEach());
    assertArrayEquals(new double[] {0, 0, 0, 0, 0.5, 0.25}, s.solution().toDoubleArray(), 1e-12);
    assertArrayEquals(
        new double[] {1, 0, 0}, s.negativeCurvature().get(0).direction().toDoubleArray(), 0);
  }

  @Test
  void extremeScalesDoNotOverflow() {
    LinearOperator a = Matrices.diagonal(2, 3);
    for (double c : new double[] {1e-300, 1e300, 0x1p-1060}) {
      Solution s = ConjugateGradients.of(a).run(Tensor.of(new double[] {2 * c, -3 * c}, 2));
      assertTrue(s.converged());
      assertArrayEquals(new double[] {c, -c}, s.solution().toDoubleArray(), 1e-9 * c);
    }
  }

  @Test
  void aGuessIsGoneOnFrom() {
    LinearOperator a = withSpectrum(geometric(30, 1, 100));
    Tensor x = vector(30);
    Tensor b = a.apply(x);
    Solution cold = ConjugateGradients.of(a).run(b);
    Solution warm = ConjugateGradients.of(a).run(b, x.add(vector(30).mul(1e-8)));
    assertTrue(warm.converged());
    assertTrue(warm.iterations() < cold.iterations() / 2);
    assertEquals(1, ConjugateGradients.of(a).run(b, x).matvecs());
  }

  @Test
  void theInverseIsAnOperator() {
    LinearOperator a = withSpectrum(geometric(10, 1, 10));
    Inverse inverse = ConjugateGradients.of(a).inverse();
    Tensor expected = org.hesse.Matrices.inverse(a.toDense());
    assertArrayEquals(expected.toDoubleArray(), inverse.toDense().toDoubleArray(), 1e-9);
    assertTrue(inverse.symmetric());
    assertTrue(inverse.worst() > 0 && inverse.worst() <= 1e-10);
    assertTrue(inverse.matvecs() > 10);
  }

  @Test
  void progressCanCancel() {
    LinearOperator a = withSpectrum(geometric(30, 1, 100));
    var e =
        assertThrows(
            CancellationException.class,
            () ->
                ConjugateGradients.of(a)
                    .progress((stage, done, total) -> done < 4)
                    .run(vector(30)));
    assertTrue(e.getMessage().contains("4 of 300"), e.getMessage());
  }

  @Test
  void wrongArgumentsAreNamed() {
    LinearOperator a = withSpectrum(1, 2, 3);
    ConjugateGradients cg = ConjugateGradients.of(a);
    assertMessage("tolerance: -1.0", "1e-8", () -> cg.tolerance(-1));
    assertMessage("maxIterations: 0", "1 or more", () -> cg.maxIterations(0));
    assertMessage("smallestEigenvalue: 0.0", "positive", () -> cg.smallestEigenvalue(0));
    assertMessage("v: shape [2]", "[3]", () -> cg.run(vector(2)));
    assertMessage("vs: shape [2, 2]", "[2, 3]", () -> cg.run(block(2, 2)));
    assertMessage("guess", "[3]", () -> cg.run(vector(3), vector(2)));
    assertMessage("preconditioner", "sizes", () -> cg.preconditioner(Matrices.diagonal(1, 2)));
    Tensor nan = Tensor.of(new double[] {1, Double.NaN, 0}, 3);
    assertMessage("b: right-hand side 0", "NaN", () -> cg.run(nan));
    LinearOperator general = Matrices.operator(Matrices.gaussian(3, 3, random));
    assertMessage("not symmetric", "symmetric one", () -> ConjugateGradients.of(general));
    var e =
        assertThrows(
            NumericalException.class,
            () ->
                ConjugateGradients.of(a)
                    .preconditioner(Matrices.diagonal(-1, -1, -1))
                    .run(vector(3)));
    assertTrue(e.getMessage().contains("not positive definite"), e.getMessage());
    LinearOperator broken =
        LinearOperator.ofSymmetric(3, DType.F64, v -> v.mul(Double.POSITIVE_INFINITY));
    assertThrows(NumericalException.class, () -> ConjugateGradients.of(broken).run(vector(3)));
  }

  private static void assertMessage(String given, String expected, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(given), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
