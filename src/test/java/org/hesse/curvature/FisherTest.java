package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.hesse.testing.Close.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.LossFunction;
import org.hesse.nn.Mlp;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** Fisher matrices against each other and against gradients sample by sample. */
class FisherTest {
  private static Arr dense(ObjectiveOperator<?> a) {
    return Arr.of(a.toDense());
  }

  @Test
  void exactIsGaussNewton() {
    Problem.all()
        .forEach(p ->
            assertClose(
                p.name(),
                dense(GaussNewton.of(p.objective())),
                dense(Fisher.exact(p.objective())),
                1e-13));
  }

  /** Of 3,000 draws for each of 48 terms: within a tenth, and 0.015 of the largest entry. */
  @Test
  void drawsApproachTheExpectation() {
    for (Loss loss : Loss.values()) {
      Problem p = Problem.of(loss, 6);
      assertNear(p, dense(Fisher.monteCarlo(p.objective(List.of(p.data())), 3000, 1)));
    }
  }

  /** Of as many draws for 8 terms, which takes six times as many for each. */
  @Test
  void drawsForSamplesWithoutPositions() {
    for (Loss loss : Loss.values()) {
      Problem p = Problem.of(loss, 0);
      assertNear(p, dense(Fisher.monteCarlo(p.objective(List.of(p.data())), 18_000, 1)));
    }
  }

  private static void assertNear(Problem p, Arr drawn) {
    Arr exact = p.gaussNewton();
    double scale = exact.maxAbs();
    for (int i = 0; i < exact.size(); i++) {
      double e = exact.values()[i] / scale;
      double d = drawn.values()[i] / scale;
      assertEquals(e, d, 0.1 * Math.abs(e) + 0.015, p.name() + ", entry " + i);
    }
  }

  @Test
  void drawsDependOnTheSeedAndNotOnTheBatches() {
    for (Loss loss : Loss.values()) {
      Problem p = Problem.of(loss, 2);
      Arr a = dense(Fisher.monteCarlo(p.objective(), 2, 1));
      Objective<Mlp> cut = p.objective(p.data().batches(5));
      assertClose(p.name(), a, dense(Fisher.monteCarlo(cut, 2, 1)), 1e-13);
      Arr b = dense(Fisher.monteCarlo(p.objective(), 2, 2));
      assertTrue(a.plus(-1, b).maxAbs() > 1e-3 * a.maxAbs(), p.name());
    }
  }

  @Test
  void empiricalIsTheMeanOfOuterProductsOfGradients() {
    for (Loss loss : Loss.values()) {
      Problem p = Problem.of(loss, 0);
      Tree<Mlp> tree = Tree.of(p.model());
      int n = p.objective().size();
      double[] sum = new double[n * n];
      for (Dataset one : p.data().batches(1)) {
        Mlp gradient =
            Autodiff.grad((Mlp m) -> loss.apply(m.apply(one.x()), one.y())).apply(p.model());
        double[] g = tree.ravel(gradient).toDoubleArray();
        for (int i = 0; i < n * n; i++) {
          sum[i] += g[i / n] * g[i % n] / Problem.SAMPLES;
        }
      }
      Arr expected = Arr.real(new int[] {n, n}, sum);
      double bound = 1e-8 * expected.maxAbs() + 1e-10;
      assertWithin(p.name(), expected, dense(Fisher.empirical(p.objective())), bound);
    }
  }

  /** Whose Hessian is by automatic differentiation, and whose terms are samples. */
  @Test
  void lossesOfOnesOwn() {
    Problem p = Problem.of(Loss.MSE, 2);
    LossFunction own = (o, t) -> o.sub(t).square().mean();
    Objective<Mlp> f = Objective.of(p.model(), own, p.data().batches(3));
    assertEquals(Problem.SAMPLES, f.terms());
    assertClose("Gauss–Newton", p.gaussNewton(), dense(GaussNewton.of(f)), 1e-12);
    int n = f.size();
    double[] sum = new double[n * n];
    for (Dataset one : p.data().batches(1)) {
      double[] g =
          Objective.of(p.model(), own, List.of(one)).lossAndGradient().gradient().toDoubleArray();
      for (int i = 0; i < n * n; i++) {
        sum[i] += g[i / n] * g[i % n] / Problem.SAMPLES;
      }
    }
    Arr expected = Arr.real(new int[] {n, n}, sum);
    assertClose("empirical Fisher", expected, dense(Fisher.empirical(f)), 1e-12);
    refused(() -> Fisher.exact(f), "Likelihood");
    refused(() -> Fisher.monteCarlo(f, 1, 0), "Likelihood");
  }

  @Test
  void argumentsThatDoNotFit() {
    Problem p = Problem.of(Loss.MSE, 0);
    refused(() -> Fisher.monteCarlo(p.objective(), 0, 1), "samples: 0");
    Objective<Mlp> alone =
        Objective.ofLoss(p.model(), (m, b) -> Tensor.scalar(0, DType.F64), p.data().batches(3));
    refused(() -> Fisher.empirical(alone), "ofLoss");
    refused(() -> GaussNewton.of(alone), "Objective.of(model, network, loss, batches)");
    refused(() -> Jacobian.of(alone), "ofLoss");
  }

  private static void refused(org.junit.jupiter.api.function.Executable body, String part) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
  }
}
