package org.hesse.curvature;

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
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.InfluenceScores.Ranked;
import org.hesse.io.Dataset;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.linalg.Inverse;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NeumannSeries;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

class InfluenceTest {
  private static final int N = 40;
  private static final int D = 6;
  private static final double RIDGE = 0.05;

  private final Random random = new Random(6);

  /** x ↦ x w with one output. */
  record Weights(Tensor w) {
    Tensor apply(Tensor x) {
      return x.matmul(w);
    }
  }

  private Tensor gaussian(int... dims) {
    int size = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
    return Tensor.of(random.doubles(size).map(_ -> random.nextGaussian()).toArray(), dims);
  }

  private static Objective<Weights> ridge(Tensor w, Tensor x, Tensor y, int batch) {
    Dataset data = Dataset.regression("ridge", x, y);
    return Objective.of(new Weights(w), Weights::apply, Loss.MSE, data.batches(batch));
  }

  /** argmin Σ (xw − y)²/n + ridge ‖w‖²/2. */
  private static Tensor fit(Tensor x, Tensor y, double n) {
    Tensor h = x.transpose().matmul(x).mul(2 / n).add(Tensor.eye(DType.F64, D).mul(RIDGE));
    return Matrices.solve(h, x.transpose().matmul(y).mul(2 / n));
  }

  private static Tensor gradients(Tensor x, Tensor y, Tensor w) {
    return x.mul(x.matmul(w).sub(y)).mul(2);
  }

  private static Tensor without(Tensor t, int row) {
    return Tensor.concat(0, t.slice(0, 0, row), t.slice(0, row + 1, t.dim(0)));
  }

  private final Tensor x = gaussian(N, D);
  private final Tensor y = x.matmul(gaussian(D, 1)).add(gaussian(N, 1).mul(0.5));
  private final Tensor xt = gaussian(7, D);
  private final Tensor yt = xt.matmul(gaussian(D, 1));
  private final Dataset tests = Dataset.regression("test", xt, yt);
  private final Tensor w = fit(x, y, N);
  private final Objective<Weights> f = ridge(w, x, y, 16);

  /** g(t)ᵀ (2XᵀX/N + λI)⁻¹ g(i), from the closed forms of linear regression. */
  private Tensor exact() {
    Tensor h = x.transpose().matmul(x).mul(2.0 / N).add(Tensor.eye(DType.F64, D).mul(RIDGE));
    return gradients(xt, yt, w).matmul(Matrices.solve(h, gradients(x, y, w).transpose()));
  }

  private static void assertClose(Tensor expected, Tensor actual, double relative) {
    assertEquals(expected.shape(), actual.shape());
    double largest = expected.abs().max().item();
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), relative * largest);
  }

  @Test
  void ridgeRegressionExactly() {
    LinearOperator h = Hessian.of(f);
    Function<LinearOperator, InfluenceScores> by =
        inverse -> Influence.of(f, inverse).scores(tests.batches(3));
    assertClose(exact(), by.apply(Inverse.dense(h.shift(RIDGE))).values(), 1e-12);
    InfluenceScores cg = by.apply(ConjugateGradients.of(h.shift(RIDGE)).inverse());
    assertClose(exact(), cg.values(), 1e-9);
    InfluenceScores lissa = by.apply(NeumannSeries.of(h).damping(RIDGE).tolerance(1e-8).inverse());
    assertClose(exact(), lissa.values(), 1e-6);
    for (InfluenceScores s : List.of(cg, lissa)) {
      assertTrue(s.converged());
      assertEquals(7, s.relativeResiduals().length);
      assertTrue(Arrays.stream(s.relativeResiduals()).max().getAsDouble() <= 1e-8);
    }
  }

  @Test
  void leavingOneOutOfRidgeRegressionIsPredicted() {
    Tensor predicted =
        Influence.of(f, Inverse.dense(Hessian.of(f).shift(RIDGE)))
            .scores(tests.batches(7))
            .leaveOneOut();
    Tensor before = xt.matmul(w).sub(yt).square().reshape(7);
    double[] actual = new double[7 * N];
    for (int i = 0; i < N; i++) {
      Tensor again = fit(without(x, i), without(y, i), N);
      double[] change = xt.matmul(again).sub(yt).square().reshape(7).sub(before).toDoubleArray();
      for (int t = 0; t < 7; t++) {
        actual[t * N + i] = change[t];
      }
    }
    double[] p = predicted.toDoubleArray();
    assertTrue(correlation(p, actual) > 0.99, "correlation " + correlation(p, actual));
    double slope = dot(p, actual) / dot(p, p);
    assertEquals(1, slope, 0.35, "signs and scales must be those of retraining");
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double correlation(double[] a, double[] b) {
    double ma = Arrays.stream(a).average().orElseThrow();
    double mb = Arrays.stream(b).average().orElseThrow();
    double[] ca = Arrays.stream(a).map(v -> v - ma).toArray();
    double[] cb = Arrays.stream(b).map(v -> v - mb).toArray();
    return dot(ca, cb) / Math.sqrt(dot(ca, ca) * dot(cb, cb));
  }

  @Test
  void scoresDependOnNeitherBatchesNorBlocks() {
    Tensor reference = null;
    for (int batch : new int[] {1, 7, 40}) {
      Objective<Weights> g = ridge(w, x, y, batch);
      Influence<Weights> influence =
          Influence.of(g, Inverse.dense(Hessian.of(g).shift(RIDGE))).block(batch);
      InfluenceScores s = influence.scores(tests.batches(batch));
      reference = reference == null ? s.values() : reference;
      assertClose(reference, s.values(), 1e-12);
      assertClose(
          reference.mean(0).insertAxis(0), influence.onMean(tests.batches(4)).values(), 1e-12);
    }
  }

  @Test
  void selfInfluenceIsTheDiagonalOfTrainingAgainstTraining() {
    Influence<Weights> influence = Influence.of(f, Inverse.dense(Hessian.of(f).shift(RIDGE)));
    Tensor all = influence.scores(f.batches()).values();
    assertClose(Matrices.diagonal(all).insertAxis(0), influence.self().values(), 1e-12);
    assertEquals(N, influence.self().relativeResiduals().length);
    assertClose(all.transpose(), all, 1e-12);
  }

  @Test
  void sumsPredictWhatMeansDo() {
    Objective<Weights> sum = f.reduction(Reduction.SUM);
    InfluenceScores mean =
        Influence.of(f, Inverse.dense(Hessian.of(f).shift(RIDGE))).scores(tests.batches(7));
    InfluenceScores summed =
        Influence.of(sum, Inverse.dense(Hessian.of(sum).shift(N * RIDGE))).scores(tests.batches(7));
    assertClose(mean.leaveOneOut(), summed.leaveOneOut(), 1e-12);
    assertClose(mean.values(), summed.values().mul(N), 1e-12);
  }

  @Test
  void ranksAreThoseOfTheScores() {
    InfluenceScores s =
        Influence.of(f, Inverse.dense(Hessian.of(f).shift(RIDGE))).scores(tests.batches(7));
    double[] row = s.values().select(0, 2).toDoubleArray();
    double[] sorted = row.clone();
    Arrays.sort(sorted);
    List<Ranked> best = s.helpful(2, 3);
    List<Ranked> worst = s.harmful(2, 3);
    for (int i = 0; i < 3; i++) {
      assertEquals(sorted[N - 1 - i], best.get(i).score());
      assertEquals(sorted[i], worst.get(i).score());
      assertEquals(row[best.get(i).sample()], best.get(i).score());
    }
    assertEquals(N, s.helpful(0, 1000).size());
    assertThrows(IndexOutOfBoundsException.class, () -> s.helpful(7, 1));
    assertThrows(IllegalArgumentException.class, () -> s.harmful(0, 0));
  }

  // ---- a classifier

  private static final double DECAY = 0.02;

  private record Classified(Tensor inputs, int[] labels) {
    Dataset data() {
      return Dataset.classification("blobs", inputs, Tensor.of(labels, labels.length), 3);
    }

    Classified without(int i) {
      int[] left = new int[labels.length - 1];
      Arrays.setAll(left, j -> labels[j < i ? j : j + 1]);
      return new Classified(InfluenceTest.without(inputs, i), left);
    }
  }

  /** Three overlapping clouds in four dimensions. */
  private Classified blobs(int n) {
    double[] x = new double[n * 4];
    int[] labels = new int[n];
    for (int i = 0; i < n; i++) {
      labels[i] = i % 3;
      for (int j = 0; j < 4; j++) {
        x[i * 4 + j] = random.nextGaussian() + (j == labels[i] ? 2 : 0);
      }
    }
    return new Classified(Tensor.of(x, n, 4), labels);
  }

  private static Objective<Linear> objective(Linear model, Classified c) {
    return Objective.of(model, Loss.CROSS_ENTROPY, c.data().batches(32));
  }

  /** Parameters as a vector, data, and what the mean loss is multiplied with. */
  private record Fit(Tensor theta, Tensor x, Tensor labels, Tensor share) {}

  private static final Function<Fit, Tensor> NEWTON = Autodiff.compile(InfluenceTest::newton);

  private static Tensor newton(Fit f) {
    Function<Tensor, Tensor> loss =
        theta -> {
          Tensor logits = unravel(theta).apply(f.x);
          Tensor penalty = theta.square().sum().mul(DECAY / 2);
          return Functions.crossEntropy(logits, f.labels).mul(f.share).add(penalty);
        };
    Tensor g = Autodiff.grad(loss).apply(f.theta);
    return f.theta.sub(Matrices.solve(Autodiff.hessian(loss, f.theta), g));
  }

  private static Linear unravel(Tensor theta) {
    return new Linear(theta.slice(0, 0, 12).reshape(3, 4), theta.slice(0, 12, 15));
  }

  /** The minimiser of Σ loss/count + DECAY ‖θ‖²/2, by Newton steps. */
  private static Linear trained(Linear start, Classified c, int count) {
    Tensor share = Tensor.of(new double[] {(double) c.labels.length / count}, 1).reshape();
    Dataset data = c.data();
    Tensor theta = Tensor.concat(0, start.weight().reshape(-1), start.bias());
    for (int step = 0; step < 20; step++) {
      Tensor next = NEWTON.apply(new Fit(theta, data.x(), data.y(), share));
      boolean done = next.sub(theta).abs().max().item() < 1e-12;
      theta = next;
      if (done) {
        break;
      }
    }
    return unravel(theta);
  }

  private static Linear start() {
    return new Linear(Tensor.zeros(DType.F64, 3, 4), Tensor.zeros(DType.F64, 3));
  }

  private static double[] losses(Linear model, Dataset test) {
    Tensor logs = model.apply(test.x()).logSoftmax(-1);
    return logs.takeAlong(1, test.y().insertAxis(1)).neg().reshape(-1).toDoubleArray();
  }

  @Test
  void leavingOneOutOfAClassifierIsPredicted() {
    Classified train = blobs(100);
    Dataset test = blobs(12).data();
    Linear model = trained(start(), train, 100);
    Objective<Linear> f = objective(model, train);
    Influence<Linear> influence =
        Influence.of(f, ConjugateGradients.of(Hessian.of(f).shift(DECAY)).inverse());
    double[] predicted = influence.scores(test.batches(12)).leaveOneOut().toDoubleArray();
    double[] before = losses(model, test);
    double[] actual = new double[predicted.length];
    for (int i = 0; i < 100; i++) {
      double[] after = losses(trained(model, train.without(i), 100), test);
      for (int t = 0; t < 12; t++) {
        actual[t * 100 + i] = after[t] - before[t];
      }
    }
    assertTrue(correlation(predicted, actual) > 0.95, "r = " + correlation(predicted, actual));
    assertEquals(1, dot(predicted, actual) / dot(predicted, predicted), 0.3);
  }

  @Test
  void wrongLabelsRankHigh() {
    Classified train = blobs(120);
    int[] flipped = {3, 17, 30, 44, 58, 71, 85, 99};
    for (int i : flipped) {
      train.labels[i] = (train.labels[i] + 1) % 3;
    }
    Objective<Linear> f = objective(trained(start(), train, 120), train);
    InfluenceScores self = Influence.of(f, Inverse.dense(Hessian.of(f).shift(DECAY))).self();
    List<Integer> top = self.helpful(0, 24).stream().map(Ranked::sample).toList();
    long found = Arrays.stream(flipped).filter(top::contains).count();
    assertTrue(found >= 6, found + " of 8 among the first fifth");
    double[] sum = self.values().reshape(-1).toDoubleArray();
    double wrong = Arrays.stream(flipped).mapToDouble(i -> sum[i]).average().orElseThrow();
    assertTrue(wrong > 3 * Arrays.stream(sum).average().orElseThrow());
  }

  @Test
  void sequencesCountAllTheirTerms() {
    RngKey key = RngKey.of(1);
    Linear model = Linear.init(key, 3, 4, DType.F64);
    Tensor inputs = gaussian(5, 2, 3);
    int[] labels = random.ints(10, 0, 4).toArray();
    Dataset data = new Dataset("sequences", inputs, Tensor.of(labels, 5, 2), 4);
    Objective<Linear> f = Objective.of(model, Loss.CROSS_ENTROPY, List.of(data));
    InfluenceScores s =
        Influence.of(f, Inverse.dense(Hessian.of(f).shift(0.1))).scores(List.of(data));
    Tensor g = Tensor.zeros(DType.F64, 5, 16);
    List<Tensor> rows = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Dataset one =
          new Dataset(
              "one",
              inputs.slice(0, i, i + 1),
              Tensor.of(Arrays.copyOfRange(labels, 2 * i, 2 * i + 2), 1, 2),
              4);
      Objective<Linear> alone = Objective.of(model, Loss.CROSS_ENTROPY, List.of(one));
      rows.add(alone.reduction(Reduction.SUM).lossAndGradient().gradient());
    }
    g = g.add(Tensor.stack(0, rows.toArray(Tensor[]::new)));
    Tensor h = Hessian.of(f).shift(0.1).toDense();
    assertClose(g.matmul(Matrices.solve(h, g.transpose())), s.values(), 1e-10);
    assertClose(s.values().div(10), s.leaveOneOut(), 1e-14);
  }

  /** An inverse of block diagonals, and of one layer alone, in a network. */
  @Test
  void anyInverseOfAnyParametersWillDo() {
    Mlp model = Mlp.init(RngKey.of(3), MlpShape.parse("mlp:4-5-3:tanh"), DType.F64);
    Classified train = blobs(30);
    Dataset test = blobs(4).data();
    Objective<Mlp> all = Objective.of(model, Loss.CROSS_ENTROPY, train.data().batches(8));
    List<LinearOperator> blocks = new ArrayList<>();
    Tensor expected = Tensor.zeros(DType.F64, 4, 30);
    for (Objective<Mlp> layer : all.perLayer().values()) {
      LinearOperator damped = Hessian.of(layer).shift(2);
      blocks.add(Inverse.dense(damped));
      expected =
          expected.add(Influence.of(layer, Inverse.dense(damped)).scores(test.batches(4)).values());
    }
    LinearOperator inverse = LinearOperator.blockDiagonal(blocks);
    InfluenceScores s = Influence.of(all, inverse).scores(test.batches(4));
    assertClose(expected, s.values(), 1e-12);
    assertThrows(IllegalStateException.class, s::relativeResiduals);
    LinearOperator whole = Hessian.of(all).shift(2);
    double[] left =
        Influence.of(all, inverse).measuredBy(whole).scores(test.batches(4)).relativeResiduals();
    Tensor g = new SampleLosses<>(all).gradients(test);
    Tensor rest = g.sub(whole.applyAll(inverse.applyAll(g)));
    for (int i = 0; i < 4; i++) {
      double norm = Math.sqrt(rest.select(0, i).square().sum().item());
      assertEquals(norm / Math.sqrt(g.select(0, i).square().sum().item()), left[i], 1e-12);
    }
  }

  /** Eigenvalue-corrected factors: their own inverse exactly, and near that of Gauss–Newton. */
  @Test
  void kroneckerFactorsAsInverse() {
    Mlp model = Mlp.init(RngKey.of(3), MlpShape.parse("mlp:4-5-3:tanh"), DType.F64);
    Classified train = blobs(30);
    Dataset test = blobs(4).data();
    Objective<Mlp> g = Objective.of(model, Loss.CROSS_ENTROPY, train.data().batches(8));
    Ekfac ekfac = Ekfac.of(g).run();
    LinearOperator damped = GaussNewton.of(g).shift(0.1);
    Influence<Mlp> influence = Influence.of(g, ekfac.inverse(Damping.exact(0.1)));
    InfluenceScores s = influence.measuredBy(damped).scores(test.batches(4));
    SampleLosses<Mlp> losses = new SampleLosses<>(g);
    Tensor dense = ekfac.shift(0.1).toDense();
    Tensor right = Matrices.solve(dense, losses.gradients(train.data()).transpose());
    assertClose(losses.gradients(test).matmul(right), s.values(), 1e-10);
    Tensor exact = Influence.of(g, Inverse.dense(damped)).scores(test.batches(4)).values();
    double r =
        correlation(exact.reshape(-1).toDoubleArray(), s.values().reshape(-1).toDoubleArray());
    assertTrue(r > 0.9, "correlation " + r);
    assertTrue(Arrays.stream(s.relativeResiduals()).allMatch(x -> x > 0 && x < 1));
  }

  @Test
  void whatIsNotSolvedSaysSo() {
    Inverse few = ConjugateGradients.of(Hessian.of(f).shift(RIDGE)).maxIterations(2).inverse();
    InfluenceScores s = Influence.of(f, few).scores(tests.batches(7));
    assertFalse(s.converged());
    assertTrue(Arrays.stream(s.relativeResiduals()).max().getAsDouble() > 1e-6);
    // |error| ≤ ‖g‖ ‖r‖ / λ.
    Tensor error = s.values().sub(exact());
    Tensor g = gradients(x, y, w);
    Tensor gt = gradients(xt, yt, w);
    for (int t = 0; t < 7; t++) {
      double r = s.relativeResiduals()[t] * Math.sqrt(gt.select(0, t).square().sum().item());
      for (int i = 0; i < N; i++) {
        double bound = Math.sqrt(g.select(0, i).square().sum().item()) * r / RIDGE;
        assertTrue(Math.abs(error.select(0, t).select(0, i).item()) <= bound);
      }
    }
  }

  @Test
  void wrongArgumentsAreNamedAndProgressCanCancel() {
    Inverse inverse = Inverse.dense(Hessian.of(f).shift(RIDGE));
    Influence<Weights> influence = Influence.of(f, inverse);
    LinearOperator small = LinearOperator.ofDiagonal(Tensor.ones(DType.F64, 2));
    var e = assertThrows(IllegalArgumentException.class, () -> Influence.of(f, small));
    assertTrue(e.getMessage().contains("inverse") && e.getMessage().contains("6"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> influence.scores(List.of()));
    assertThrows(IllegalArgumentException.class, () -> influence.block(0));
    assertThrows(
        CancellationException.class,
        () -> influence.block(2).progress((s, done, all) -> done < 4).scores(tests.batches(7)));
  }
}
