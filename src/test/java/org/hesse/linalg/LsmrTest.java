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

class LsmrTest {
  private final Random random = new Random(4);

  private Tensor vector(int n) {
    return matrix(1, n).select(0, 0);
  }

  private Tensor matrix(int rows, int columns) {
    return Matrices.tensor(Matrices.gaussian(rows, columns, random), DType.F64);
  }

  /** (AᵀA + λ²I)⁻¹Aᵀb by LU. */
  private static Tensor direct(Tensor a, Tensor b, double damping) {
    Tensor eye = Tensor.eye(DType.F64, a.dim(1)).mul(damping * damping);
    return org.hesse.Matrices.solve(a.transpose().matmul(a).add(eye), a.transpose().matmul(b));
  }

  private static void assertClose(Tensor expected, Tensor actual, double relative) {
    double error = Basis.norm(expected.sub(actual));
    assertTrue(error <= relative * Basis.norm(expected), "error " + error);
  }

  @Test
  void leastSquaresAsTheNormalEquations() {
    Tensor a = matrix(40, 12);
    Tensor b = vector(40);
    LeastSquares s = Lsmr.of(LinearMap.ofDense(a)).run(b);
    assertTrue(s.converged());
    assertClose(direct(a, b, 0), s.solution(), 1e-9);
    Tensor r = b.sub(a.matmul(s.solution()));
    assertEquals(Basis.norm(r), s.residualNorm(), 1e-12);
    assertEquals(Basis.norm(a.transpose().matmul(r)), s.normalResidual(), 1e-12);
    assertTrue(s.iterations() <= 30);
  }

  @Test
  void dampedForAnyShape() {
    for (int[] shape : new int[][] {{30, 10}, {10, 30}, {12, 12}}) {
      Tensor a = matrix(shape[0], shape[1]);
      Tensor b = vector(shape[0]);
      for (double damping : new double[] {0.1, 1, 100}) {
        LeastSquares s = Lsmr.of(LinearMap.ofDense(a)).damping(damping).tolerance(1e-12).run(b);
        assertTrue(s.converged());
        Tensor exact = direct(a, b, damping);
        assertClose(exact, s.solution(), 1e-8);
        assertTrue(
            Basis.norm(exact.sub(s.solution())) <= s.errorBound() + 1e-12 * Basis.norm(exact));
      }
    }
  }

  @Test
  void consistentSystemsOfFewRowsGetTheSolutionOfLeastNorm() {
    Tensor a = matrix(8, 25);
    Tensor b = vector(8);
    LeastSquares s = Lsmr.of(LinearMap.ofDense(a)).run(b);
    assertTrue(s.converged());
    assertTrue(s.residualNorm() < 1e-9);
    Tensor y = org.hesse.Matrices.solve(a.matmul(a.transpose()), b);
    assertClose(a.transpose().matmul(y), s.solution(), 1e-8);
  }

  @Test
  void rankDeficientProblemsGetTheSolutionOfLeastNorm() {
    Tensor left = matrix(20, 4);
    Tensor right = matrix(4, 15);
    Tensor b = vector(20);
    LeastSquares s = Lsmr.of(LinearMap.ofDense(left.matmul(right))).run(b);
    assertTrue(s.converged());
    // The least-squares solution of left·z = b, then that of least norm of right·x = z.
    Tensor z = direct(left, b, 0);
    Tensor y = org.hesse.Matrices.solve(right.matmul(right.transpose()), z);
    assertClose(right.transpose().matmul(y), s.solution(), 1e-8);
  }

  @Test
  void nonsymmetricAndIllConditioned() {
    int n = 20;
    double[][] u = Matrices.withSpectrum(powers(n, -5), random);
    double[][] v = Matrices.withSpectrum(powers(n, 0), random);
    Tensor a = Matrices.tensor(u, DType.F64).matmul(Matrices.tensor(v, DType.F64));
    Tensor x = vector(n);
    Tensor b = a.matmul(x);
    LeastSquares s = Lsmr.of(LinearMap.ofDense(a)).tolerance(1e-14).maxIterations(2000).run(b);
    assertTrue(s.residualNorm() <= 1e-11 * Basis.norm(b), s.toString());
    assertTrue(s.condition() > 1e3 && s.condition() < 2e5, s.toString());
  }

  /** 1 … 10^last. */
  private static double[] powers(int n, double last) {
    double[] s = new double[n];
    Arrays.setAll(s, i -> Math.pow(10, last * i / (n - 1)));
    return s;
  }

  /** LSMR is MINRES on the normal equations: ‖Aᵀr‖ never grows (section 1 of the paper). */
  @Test
  void theNormalResidualFallsInEveryStep() {
    Tensor a = matrix(30, 20);
    Tensor b = vector(30);
    double last = Double.POSITIVE_INFINITY;
    for (int steps = 1; steps < 20; steps++) {
      LeastSquares s =
          Lsmr.of(LinearMap.ofDense(a)).damping(0.3).tolerance(0).maxIterations(steps).run(b);
      assertEquals(steps, s.iterations());
      assertTrue(s.normalResidual() < last);
      last = s.normalResidual();
      assertTrue(s.operatorNorm() <= 1.001 * Math.sqrt(steps * 0.09 + sum(a)));
    }
  }

  private static double sum(Tensor a) {
    return a.square().sum().item();
  }

  @Test
  void errorBoundNeedsToKnowHowSingularAMayBe() {
    LinearMap a = LinearMap.ofDense(Tensor.of(new double[] {3, 0, 0, 2, 0, 0}, 3, 2));
    Tensor b = Tensor.of(new double[] {3, 2, 7}, 3);
    LeastSquares s = Lsmr.of(a).smallestSingularValue(2).maxIterations(1).run(b);
    double error = Basis.norm(s.solution().sub(Tensor.ones(DType.F64, 2)));
    assertFalse(s.converged());
    assertTrue(error > 0 && error <= s.errorBound());
    assertThrows(NumericalException.class, s::orThrow);
    assertThrows(IllegalStateException.class, () -> Lsmr.of(a).run(b).errorBound());
  }

  @Test
  void zeroAndWhatIsOrthogonalToTheRange() {
    LinearMap a = LinearMap.ofDense(Tensor.of(new double[] {1, 0, 0, 2, 0, 0}, 3, 2));
    for (Tensor b :
        new Tensor[] {Tensor.zeros(DType.F64, 3), Tensor.of(new double[] {0, 0, 5}, 3)}) {
      LeastSquares s = Lsmr.of(a).run(b);
      assertTrue(s.converged());
      assertArrayEquals(new double[2], s.solution().toDoubleArray());
      assertEquals(Basis.norm(b), s.residualNorm());
    }
  }

  @Test
  void extremeScalesDoNotOverflow() {
    LinearMap a = LinearMap.ofDense(Tensor.of(new double[] {3, 1, 0, 2}, 2, 2));
    for (double c : new double[] {1e-300, 1e300}) {
      LeastSquares s = Lsmr.of(a).run(Tensor.of(new double[] {4 * c, 2 * c}, 2));
      assertArrayEquals(new double[] {c, c}, s.solution().toDoubleArray(), 1e-8 * c);
    }
  }

  @Test
  void singlePrecision() {
    Tensor a = matrix(40, 12);
    Tensor b = vector(40);
    LeastSquares s = Lsmr.of(LinearMap.ofDense(a.cast(DType.F32))).run(b.cast(DType.F32));
    assertTrue(s.converged());
    assertClose(direct(a, b, 0), s.solution().cast(DType.F64), 1e-4);
  }

  @Test
  void wrongArgumentsAreNamedAndProgressCanCancel() {
    Lsmr solver = Lsmr.of(LinearMap.ofDense(matrix(5, 3)));
    assertMessage("v: shape [3]", "[5]", () -> solver.run(vector(3)));
    assertMessage("v: shape [1, 5]", "[5]", () -> solver.run(matrix(1, 5)));
    assertMessage("damping: -1.0", "positive", () -> solver.damping(-1));
    assertMessage("tolerance: 1.0", "1e-8", () -> solver.tolerance(1));
    assertMessage("maxIterations: 0", "1 or more", () -> solver.maxIterations(0));
    assertThrows(
        CancellationException.class, () -> solver.progress((a, b, c) -> false).run(vector(5)));
  }

  private static void assertMessage(String given, String expected, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(given), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
