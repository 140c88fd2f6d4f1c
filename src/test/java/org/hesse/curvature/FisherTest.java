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

  /**
   * 3,000 draws for each term: within a tenth, and 0.015 of the largest entry. By theory these miss
   * that bound in up to one of 14 cases for squared error over 8 terms, and far less often else; so
   * as many more are drawn as make it one of 1,000.
   */
  @Test
  void drawsApproachTheExpectation() {
    for (Loss loss : Loss.values()) {
      for (int positions : new int[] {0, 6}) {
        Problem p = Problem.of(loss, positions);
        int draws = 3000;
        while (chanceOfAMiss(p, draws) > 1e-3) {
          draws += 1000;
        }
        assertNear(p, dense(Fisher.monteCarlo(p.objective(List.of(p.data())), draws, 1)));
      }
    }
  }

  /**
   * The errors of few draws, in units of the standard deviations that theory gives them: these see
   * a wrong factor of a percent or two, and draws that are not independent, which bounds on the
   * entries do not.
   */
  @Test
  void drawsSpreadAsMuchAsTheyShould() {
    for (Loss loss : Loss.values()) {
      for (int positions : new int[] {0, 2}) {
        requireSpread(Problem.of(loss, positions), 25, 40);
      }
    }
  }

  private static void requireSpread(Problem p, int draws, int seeds) {
    Arr exact = p.gaussNewton();
    Arr variance = variance(p);
    double squares = 0;
    double trace = 0;
    double exactTrace = 0;
    int n = exact.dims()[0];
    for (int seed = 0; seed < seeds; seed++) {
      Arr drawn = dense(Fisher.monteCarlo(p.objective(List.of(p.data())), draws, seed));
      for (int i = 0; i < exact.size(); i++) {
        double error = drawn.values()[i] - exact.values()[i];
        squares += error * error / variance.values()[i] * draws / exact.size() / seeds;
      }
      for (int i = 0; i < n; i++) {
        trace += drawn.at(i, i) / seeds;
        exactTrace += exact.at(i, i) / seeds;
      }
    }
    assertEquals(1, squares, 0.25, p.name());
    assertEquals(exactTrace, trace, 0.05 * exactTrace, p.name());
  }

  /**
   * The variance of each entry for one draw of each term: for the mean of T independent sᵢsⱼ it is
   * Σ (E sᵢ²sⱼ² − (E sᵢsⱼ)²)/T², where s is normal for squared error, so that E sᵢ²sⱼ² = fᵢᵢfⱼⱼ +
   * 2fᵢⱼ², and has one value for each class otherwise.
   */
  private static Arr variance(Problem p) {
    Arr j = p.jacobian();
    Arr o = Arr.of(p.model().apply(p.data().x())).reshape(p.terms(), Problem.OUTPUTS);
    int n = j.dims()[2];
    int k = Problem.OUTPUTS;
    double[] sum = new double[n * n];
    for (int t = 0; t < p.terms(); t++) {
      double total = 0;
      for (int c = 0; c < k; c++) {
        total += Math.exp(o.at(t, c));
      }
      double[] f = new double[n * n];
      double[] fourth = new double[n * n];
      for (int c = 0; c < k; c++) {
        double weight = p.loss() == Loss.MSE ? 2.0 / k : Math.exp(o.at(t, c)) / total;
        double[] s = new double[n];
        for (int i = 0; i < n; i++) {
          s[i] = j.at(t, c, i);
          for (int d = 0; d < k && p.loss() != Loss.MSE; d++) {
            s[i] -= Math.exp(o.at(t, d)) / total * j.at(t, d, i);
          }
        }
        for (int i = 0; i < n * n; i++) {
          double product = s[i / n] * s[i % n];
          f[i] += weight * product;
          fourth[i] += weight * product * product;
        }
      }
      for (int i = 0; i < n * n; i++) {
        double square = f[i] * f[i];
        sum[i] +=
            p.loss() == Loss.MSE
                ? f[i / n * (n + 1)] * f[i % n * (n + 1)] + square
                : fourth[i] - square;
      }
    }
    return Arr.real(new int[] {n, n}, sum).map(x -> x / p.terms() / p.terms());
  }

  /** At most the probability that any entry misses, by the tails of normal distributions. */
  private static double chanceOfAMiss(Problem p, int draws) {
    Arr exact = p.gaussNewton();
    Arr variance = variance(p);
    double sum = 0;
    int n = exact.dims()[0];
    for (int i = 0; i < exact.size(); i++) {
      double bound = 0.1 * Math.abs(exact.values()[i]) + 0.015 * exact.maxAbs();
      double z = bound / Math.sqrt(variance.values()[i] / draws);
      double tail = Math.exp(-z * z / 2) * Math.min(1, Math.sqrt(2 / Math.PI) / z);
      sum += i / n <= i % n ? tail : 0;
    }
    return sum;
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
