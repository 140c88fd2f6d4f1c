package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.Laplace.Evidence;
import org.hesse.curvature.Laplace.Structure;
import org.hesse.io.Dataset;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

class LaplaceTest {
  private static final int N = 30;
  private static final int D = 4;

  private static final int SAMPLES = 600;

  private final Random random = new Random(7);
  private final Tensor x = gaussian(N, D);
  private final Tensor y = x.matmul(gaussian(D, 2)).add(gaussian(N, 2).mul(0.3));

  private Tensor gaussian(int... dims) {
    int size = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    double[] values = new double[size];
    Arrays.setAll(values, _ -> random.nextGaussian());
    return Tensor.of(values, dims);
  }

  /** x W with as many outputs as W has columns, and no bias. */
  record Weights(Tensor w) {
    Tensor apply(Tensor inputs) {
      return inputs.matmul(w);
    }
  }

  private Objective<Weights> linear(Tensor w, int batch) {
    Dataset data = Dataset.regression("linear", x, y);
    return Objective.of(new Weights(w), Weights::apply, Loss.MSE, data.batches(batch));
  }

  /** Σ over the outputs of log N(y; 0, σ²I + XXᵀ/δ). */
  private double logEvidence(double delta, double sigma) {
    Tensor k = x.matmul(x.transpose()).div(delta).add(Tensor.eye(DType.F64, N).mul(sigma * sigma));
    Tensor l = Matrices.cholesky(k);
    double log = 2 * Matrices.diagonal(l).log().sum().item();
    double fit = y.mul(Matrices.solveCholesky(l, y)).sum().item();
    return -0.5 * fit - log - N * Math.log(2 * Math.PI);
  }

  @Test
  void evidenceOfLinearGaussianModelsIsExact() {
    for (int batch : new int[] {30, 7}) {
      for (double delta : new double[] {0.01, 1, 30}) {
        for (double sigma : new double[] {0.2, 3}) {
          Laplace<Weights> l =
              Laplace.of(linear(gaussian(D, 2), batch), Structure.FULL)
                  .priorPrecision(delta)
                  .noise(sigma);
          double exact = logEvidence(delta, sigma);
          assertEquals(exact, l.logEvidence().value(), 1e-9 * Math.abs(exact));
        }
      }
    }
  }

  private Tensor mode(double delta, double sigma) {
    Tensor p = x.transpose().matmul(x).div(sigma * sigma).add(Tensor.eye(DType.F64, D).mul(delta));
    return Matrices.solve(p, x.transpose().matmul(y).div(sigma * sigma));
  }

  @Test
  void thereIsNothingToCorrectAtTheMode() {
    Evidence e =
        Laplace.of(linear(mode(2, 0.5), N), Structure.FULL)
            .priorPrecision(2)
            .noise(0.5)
            .logEvidence();
    assertEquals(0, e.correction(), 1e-12);
    assertEquals(e.value(), e.logLikelihood() - e.penalty() - e.occam(), 1e-12);
    Tensor r = y.sub(x.matmul(mode(2, 0.5)));
    double likelihood = -r.square().sum().item() / (2 * 0.25) - N * Math.log(2 * Math.PI * 0.25);
    assertEquals(likelihood, e.logLikelihood(), 1e-10);
  }

  @Test
  void predictiveVarianceOfLinearGaussianModelsIsExact() {
    double delta = 0.7;
    double sigma = 0.4;
    Tensor at = gaussian(5, D);
    Prediction p =
        Laplace.of(linear(mode(delta, sigma), 11), Structure.FULL)
            .priorPrecision(delta)
            .noise(sigma)
            .predict(at);
    Tensor precision =
        x.transpose().matmul(x).div(sigma * sigma).add(Tensor.eye(DType.F64, D).mul(delta));
    double[] exact =
        Matrices.diagonal(at.matmul(Matrices.solve(precision, at.transpose()))).toDoubleArray();
    assertArrayEquals(
        at.matmul(mode(delta, sigma)).toDoubleArray(), p.mean().toDoubleArray(), 1e-12);
    for (int i = 0; i < 5; i++) {
      double[] c = p.covariance().select(0, i).reshape(-1).toDoubleArray();
      assertArrayEquals(new double[] {exact[i], 0, 0, exact[i]}, c, 1e-12);
      assertEquals(exact[i], p.variance().select(0, i).select(0, 1).item(), 1e-12);
      assertEquals(
          exact[i] + sigma * sigma, p.targetVariance().select(0, i).select(0, 0).item(), 1e-12);
    }
  }

  @Test
  void fittedPriorAndNoiseMaximiseTheExactEvidence() {
    Laplace<Weights> l = Laplace.of(linear(gaussian(D, 2), N), Structure.FULL);
    Laplace<Weights> both = l.fitPriorAndNoise();
    double delta = both.priorPrecision();
    double sigma = both.noise();
    double best = logEvidence(delta, sigma);
    assertEquals(best, both.logEvidence().value(), 1e-8 * Math.abs(best));
    for (double factor : new double[] {0.99, 1.01}) {
      assertTrue(logEvidence(delta * factor, sigma) < best);
      assertTrue(logEvidence(delta, sigma * factor) < best);
    }
    Laplace<Weights> prior = l.noise(0.6).fitPrior();
    assertEquals(0.6, prior.noise(), 1e-15);
    double only = logEvidence(prior.priorPrecision(), 0.6);
    assertTrue(logEvidence(prior.priorPrecision() * 1.01, 0.6) < only);
    assertTrue(logEvidence(prior.priorPrecision() * 0.99, 0.6) < only);
  }

  /** One linear layer with a bias under squared error: G ⊗ A is the whole matrix. */
  @Test
  void kroneckerFactorsAreExactForOneLinearLayer() {
    Dataset data = Dataset.regression("linear", x, y);
    Linear model = Linear.init(RngKey.of(1), D, 2, DType.F64);
    Objective<Linear> f = Objective.of(model, Loss.MSE, data.batches(8));
    Laplace<Linear> full = Laplace.of(f, Structure.FULL).noise(0.5).priorPrecision(3);
    Laplace<Linear> kron = Laplace.of(f, Structure.KRON).noise(0.5).priorPrecision(3);
    assertEquals(full.logEvidence().value(), kron.logEvidence().value(), 1e-9);
    Tensor at = gaussian(3, D);
    assertArrayEquals(
        full.predict(at).covariance().toDoubleArray(),
        kron.predict(at).covariance().toDoubleArray(),
        1e-12);
  }

  // ---- a classifier

  private final Mlp mlp = Mlp.init(RngKey.of(5), MlpShape.parse("mlp:4-5-3:tanh"), DType.F64);

  private Objective<Mlp> classifier(int batch) {
    int[] labels = x.slice(1, 0, 3).argMax(1).toIntArray();
    Dataset data = Dataset.classification("classes", x, Tensor.of(labels, N), 3);
    return Objective.of(mlp, Loss.CROSS_ENTROPY, data.batches(batch));
  }

  /** Every formula by dense matrices. */
  private static void assertAsDense(Tensor precision, Laplace<Mlp> l, Tensor at) {
    Objective<Mlp> f = l.objective();
    double delta = l.priorPrecision();
    Tensor theta = f.ravel(f.leaves());
    var loss = f.lossAndGradient();
    Tensor g = loss.gradient().add(theta.mul(delta));
    double log = Matrices.slogdet(precision).log().item();
    double expected =
        -loss.loss().item()
            - delta / 2 * theta.square().sum().item()
            + f.size() / 2.0 * Math.log(delta)
            - log / 2
            + g.matmul(Matrices.solve(precision, g)).item() / 2;
    assertEquals(expected, l.logEvidence().value(), 1e-8);

    Dataset inputs = new Dataset("at", at, Tensor.zeros(DType.I32, at.dim(0)), 3);
    Objective<Mlp> there = Objective.of(f.model(), Loss.CROSS_ENTROPY, List.of(inputs));
    Tensor j = Jacobian.of(there.parameters(f.paths().toArray(String[]::new))).toDense();
    Tensor c = j.matmul(Matrices.solve(precision, j.transpose()));
    Prediction p = l.predict(at);
    for (int i = 0; i < at.dim(0); i++) {
      Tensor block = c.slice(0, 3 * i, 3 * i + 3).slice(1, 3 * i, 3 * i + 3);
      assertArrayEquals(
          block.reshape(-1).toDoubleArray(),
          p.covariance().select(0, i).reshape(-1).toDoubleArray(),
          1e-10);
    }
    assertEquals(0, p.noise());
  }

  @Test
  void structuresAreWhatTheirMatricesSay() {
    Tensor at = gaussian(3, D);
    Objective<Mlp> f = classifier(8);
    Tensor ggn = GaussNewton.of(f.reduction(Reduction.SUM)).toDense();
    Tensor prior = Tensor.eye(DType.F64, f.size()).mul(0.3);
    assertAsDense(ggn.add(prior), Laplace.of(f, Structure.FULL).priorPrecision(0.3), at);
    Tensor diagonal = Matrices.diagonalMatrix(Matrices.diagonal(ggn));
    assertAsDense(diagonal.add(prior), Laplace.of(f, Structure.DIAGONAL).priorPrecision(0.3), at);
    Tensor kron = Kfac.of(f.reduction(Reduction.SUM)).run().toDense();
    assertAsDense(kron.add(prior), Laplace.of(f, Structure.KRON).priorPrecision(0.3), at);
    Objective<Mlp> last = f.parameters("2");
    Laplace<Mlp> l = Laplace.of(f, Structure.LAST_LAYER).priorPrecision(0.3);
    assertEquals(last.paths(), l.objective().paths());
    Tensor block = GaussNewton.of(last.reduction(Reduction.SUM)).toDense();
    assertAsDense(block.add(Tensor.eye(DType.F64, last.size()).mul(0.3)), l, at);
  }

  @Test
  void batchesDoNotMatter() {
    for (Structure s : Structure.values()) {
      Evidence one = Laplace.of(classifier(N), s).logEvidence();
      Evidence cut = Laplace.of(classifier(7), s).logEvidence();
      assertEquals(one.value(), cut.value(), 1e-9, s.toString());
    }
  }

  @Test
  void fittedPriorIsAStationaryPointForAClassifier() {
    Laplace<Mlp> l = Laplace.of(classifier(N), Structure.FULL).fitPrior();
    double best = l.logEvidence().value();
    double delta = l.priorPrecision();
    for (double factor : new double[] {0.9, 1.1}) {
      assertTrue(l.priorPrecision(delta * factor).logEvidence().value() < best);
    }
  }

  /** With two classes, p = E σ(d) for the difference d of the logits, here by quadrature. */
  @Test
  void probabilitiesFromLogitsAsByQuadrature() {
    Tensor mean = Tensor.of(new double[] {1, -0.5, 0, 2, -1, -1.2}, 3, 2);
    double[] c = {2, 0.5, 0.5, 1, 0.3, -0.2, -0.2, 0.4, 4, 1, 1, 3};
    Prediction p = new Prediction(mean, Tensor.of(c, 3, 2, 2), 0);
    Prediction.Probabilities mc = p.monteCarlo(4000, 1);
    double[] m = mean.toDoubleArray();
    for (int i = 0; i < 3; i++) {
      double variance = c[4 * i] + c[4 * i + 3] - 2 * c[4 * i + 1];
      double exact = quadrature(m[2 * i] - m[2 * i + 1], Math.sqrt(variance));
      double error = mc.standardError().select(0, i).select(0, 0).item();
      assertTrue(error > 0 && error < 0.01);
      assertEquals(exact, mc.mean().select(0, i).select(0, 0).item(), 4 * error);
      assertEquals(exact, p.probit().select(0, i).select(0, 0).item(), 0.1);
    }
    // Independent logits of one mean: any approximation must say one half, with less spread.
    Prediction even =
        new Prediction(Tensor.zeros(DType.F64, 1, 2), Tensor.eye(DType.F64, 2).reshape(1, 2, 2), 0);
    assertArrayEquals(new double[] {0.5, 0.5}, even.probit().reshape(-1).toDoubleArray(), 1e-15);
  }

  /** ∫ σ(d) N(d; m, s²) by the trapezoidal rule, which is exact to rounding for such. */
  private static double quadrature(double m, double s) {
    double sum = 0;
    for (int i = -1200; i <= 1200; i++) {
      double z = i / 100.0;
      sum += Math.exp(-z * z / 2) / (1 + Math.exp(-(m + s * z)));
    }
    return sum / 100 / Math.sqrt(2 * Math.PI);
  }

  @Test
  void samplesHaveTheCovarianceOfThePosterior() {
    double sigma = 0.5;
    Laplace<Weights> l =
        Laplace.of(linear(mode(1, sigma), N), Structure.FULL).priorPrecision(1).noise(sigma);
    Tensor[] rows =
        l.sample(SAMPLES, 3).stream()
            .map(m -> m.w().sub(mode(1, sigma)).reshape(-1))
            .toArray(Tensor[]::new);
    Tensor deviations = Tensor.stack(0, rows);
    Tensor found = deviations.transpose().matmul(deviations).div(SAMPLES);
    Tensor exact = l.covariance().toDense();
    double error = found.sub(exact).square().sum().item() / exact.square().sum().item();
    // E‖S − Σ‖² = (‖Σ‖² + (tr Σ)²)/SAMPLES, with tr Σ ≤ √8 ‖Σ‖.
    assertTrue(error < 3 * 9.0 / SAMPLES, "relative square error " + error);
  }

  @Test
  void wrongUseIsNamed() {
    Objective<Mlp> f = classifier(N);
    Laplace<Mlp> l = Laplace.of(f, Structure.DIAGONAL);
    assertThrows(IllegalArgumentException.class, () -> l.priorPrecision(0));
    assertThrows(IllegalStateException.class, () -> l.noise(1));
    assertThrows(IllegalStateException.class, l::fitPriorAndNoise);
    assertThrows(IllegalArgumentException.class, () -> l.predict(Tensor.zeros(DType.F64, 0, D)));
    assertThrows(IllegalArgumentException.class, () -> l.sample(0, 0));
    BlockCurvature other = Laplace.of(linear(gaussian(D, 2), N), Structure.DIAGONAL).curvature();
    var e = assertThrows(IllegalArgumentException.class, () -> Laplace.of(f, other));
    assertTrue(e.getMessage().contains("curvature"), e.getMessage());
    Prediction p = l.predict(gaussian(2, D));
    assertThrows(IllegalArgumentException.class, () -> p.monteCarlo(1, 0));
    // Targets that are fitted exactly do not bound the noise from below.
    Tensor w = gaussian(D, 1);
    Dataset exact = Dataset.regression("exact", x, x.matmul(w));
    Objective<Weights> g = Objective.of(new Weights(w), Weights::apply, Loss.MSE, exact.batches(N));
    assertThrows(NumericalException.class, () -> Laplace.of(g, Structure.FULL).fitPriorAndNoise());
  }
}
