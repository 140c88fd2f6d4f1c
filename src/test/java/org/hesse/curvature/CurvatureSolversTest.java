package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.linalg.LeastSquares;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.Lsmr;
import org.hesse.linalg.NeumannSeries;
import org.hesse.linalg.NumericalException;
import org.hesse.linalg.Solution;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

/** Solvers on the curvature of a network beside dense linear algebra. */
class CurvatureSolversTest {
  private static final double DAMPING = 1e-2;

  private final Tensor x = RngKey.of(1).normal(DType.F64, 20, 4);

  private Objective<Mlp> objective(DType dtype) {
    Tensor labels = x.slice(1, 0, 3).argMax(1);
    Dataset data = Dataset.classification("classes", x, labels, 3).cast(dtype);
    Mlp model = Mlp.init(RngKey.of(2), MlpShape.parse("mlp:4-6-3:tanh"), dtype);
    return Objective.of(model, Loss.CROSS_ENTROPY, data.batches(7));
  }

  private static Tensor direct(LinearOperator a, Tensor b) {
    return Matrices.solve(a.toDense().cast(DType.F64), b.cast(DType.F64).transpose());
  }

  private static void assertClose(Tensor expected, Tensor actual, double relative) {
    double largest = expected.abs().max().item();
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), relative * largest);
  }

  @Test
  void conjugateGradientsOnDampedGaussNewtonAreItsDenseInverse() {
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      Objective<Mlp> f = objective(dtype);
      LinearOperator a = GaussNewton.of(f).shift(DAMPING);
      Tensor b = RngKey.of(3).normal(dtype, 3, f.size());
      Solution s =
          ConjugateGradients.of(a)
              .tolerance(dtype == DType.F64 ? 1e-8 : 2e-6)
              .smallestEigenvalue(DAMPING / 2)
              .run(b);
      assertTrue(s.converged(), s.toString());
      Tensor exact = direct(a, b).transpose();
      assertClose(exact, s.solution().cast(DType.F64), 5e-5);
      for (int i = 0; i < 3; i++) {
        Tensor e = exact.select(0, i).sub(s.solution().select(0, i).cast(DType.F64));
        assertTrue(Math.sqrt(e.square().sum().item()) <= s.errorBounds()[i]);
      }
    }
  }

  @Test
  void negativeCurvatureOfTheHessianIsReported() {
    Objective<Mlp> f = objective(DType.F64);
    LinearOperator h = Hessian.of(f);
    double smallest = Matrices.eigh(h.toDense()).values().toDoubleArray()[0];
    assertTrue(smallest < -1e-3);
    Solution s = ConjugateGradients.of(h).run(f.lossAndGradient().gradient());
    assertFalse(s.converged());
    Solution.NegativeCurvature n = s.negativeCurvature().getFirst();
    double curvature = n.direction().matmul(h.apply(n.direction())).item();
    assertEquals(curvature, n.curvature(), 1e-12);
    assertTrue(curvature < 0 && curvature >= smallest);
  }

  @Test
  void neumannSeriesMatchOrAreRefused() {
    Objective<Mlp> f = objective(DType.F64);
    Tensor b = f.lossAndGradient().gradient();
    LinearOperator g = GaussNewton.of(f);
    Solution s = NeumannSeries.of(g).damping(DAMPING).run(b);
    assertClose(direct(g.shift(DAMPING), b.insertAxis(0)).reshape(-1), s.solution(), 1e-3);
    double largest = Matrices.eigh(g.toDense()).values().max().item();
    assertThrows(
        NumericalException.class,
        () -> NeumannSeries.of(g).damping(DAMPING).scale(largest / 3).run(b));
    assertThrows(NumericalException.class, () -> NeumannSeries.of(Hessian.of(f)).run(b));
  }

  /** With squared error JᵀJ is the Gauss–Newton matrix, so one solver's step is the other's. */
  @Test
  void leastSquaresWithTheJacobianAreGaussNewtonSteps() {
    Dataset data = Dataset.regression("targets", x, RngKey.of(4).normal(DType.F64, 20, 2));
    Mlp model = Mlp.init(RngKey.of(5), MlpShape.parse("mlp:4-5-2:tanh"), DType.F64);
    Objective<Mlp> f = Objective.of(model, Loss.MSE, data.batches(6));
    Tensor residual = data.y().sub(model.apply(data.x())).reshape(-1);
    LeastSquares s =
        Lsmr.of(Jacobian.of(f)).damping(Math.sqrt(DAMPING)).tolerance(1e-12).run(residual);
    // The mean over 40 numbers of squares: H = (2/40) JᵀJ, and g = −(2/40) Jᵀr.
    LinearOperator a = GaussNewton.of(f).shift(DAMPING * 2 / 40);
    Tensor g = f.lossAndGradient().gradient().neg().insertAxis(0);
    assertClose(direct(a, g).reshape(-1), s.solution(), 1e-8);
  }
}
