package org.hesse;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jacobian;
import static org.hesse.Autodiff.jvp;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.hesse.testing.Arr;
import org.hesse.testing.Close;
import org.junit.jupiter.api.Test;

/**
 * Functions against numbers computed with PyTorch 1.13.1 in double precision, against closed forms
 * of their derivatives, and where numbers are extreme.
 */
class FunctionsTest {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final Tensor X =
      Tensor.of(new double[] {0.5, -1.25, 2, 0.75, 3, -0.5, 0.25, -2}, 2, 4);
  private static final Tensor SCALE = Tensor.of(new double[] {1.5, -0.5, 0.25, 2});
  private static final Tensor SHIFT = Tensor.of(new double[] {0.1, 0.2, -0.3, 0.4});
  private static final Tensor W = Tensor.of(new double[] {1, -2, 0.5, 3, -1, 0.25, 2, -0.75}, 2, 4);

  private record Norm(Tensor x, Tensor scale, Tensor shift) {}

  private static void assertValues(Tensor got, double... expected) {
    assertArrayEquals(expected, got.toDoubleArray(), 1e-14 * Math.max(1, largest(expected)));
  }

  private static double largest(double[] x) {
    return DoubleStream.of(x).map(Math::abs).max().orElse(0);
  }

  @Test
  void layerNormIsPyTorchs() {
    Tensor y = Functions.layerNorm(X, SCALE, SHIFT, 1e-5);
    assertValues(
        y,
        0.1,
        0.954826603772164,
        0.023497115902356036,
        0.8313294878698081,
        2.424819962351167,
        0.3894297747100951,
        -0.2913895556949957,
        -2.01092440540121);
    Norm g =
        grad((Norm n) -> Functions.layerNorm(n.x, n.scale, n.shift, 1e-5).mul(W).sum())
            .apply(new Norm(X, SCALE, SHIFT));
    assertValues(
        g.x,
        -0.566119952829123,
        -1.0150034171291566,
        -1.737229778959473,
        3.318353148917753,
        -0.3684415113495464,
        0.26916072209620123,
        0.6393178225952241,
        -0.5400370333418788);
    assertValues(
        g.scale, -1.5498799749007781, 2.9245915277336088, 0.7158777862447466, 1.5510908838301658);
    assertValues(g.shift, 0, -1.75, 2.5, 2.25);
  }

  @Test
  void batchNormIsPyTorchs() {
    Functions.BatchNormalized y = Functions.batchNorm(X, SCALE, SHIFT, 0.5);
    assertValues(
        y.output(),
        -1.205582419667734,
        0.4342606428329091,
        -0.10555555555555551,
        2.178594583599775,
        1.405582419667734,
        -0.03426064283290908,
        -0.49444444444444435,
        -1.3785945835997753);
    assertValues(y.mean(), 1.75, -0.875, 1.125, -0.625);
    assertValues(y.variance(), 1.5625, 0.140625, 0.765625, 1.890625);
    Norm g =
        grad((Norm n) -> Functions.batchNorm(n.x, n.scale, n.shift, 0.5).output().mul(W).sum())
            .apply(new Norm(X, SCALE, SHIFT));
    assertValues(
        g.x,
        0.2532038632082878,
        0.5485127246819336,
        -0.06584362139917697,
        0.5072640523635723,
        -0.2532038632082878,
        -0.5485127246819336,
        0.06584362139917697,
        -0.5072640523635723);
    assertValues(
        g.scale, -1.7407765595569784, 1.054172892748091, -1.1666666666666665, 3.3348648442495783);
  }

  @Test
  void geluIsPyTorchs() {
    assertValues(
        Functions.gelu(X),
        0.34573123063700656,
        -0.13206221708356905,
        1.9544997361036416,
        0.5800294857173489,
        2.99595030590511,
        -0.15426876936299344,
        0.14967658142073093,
        -0.04550026389635842);
    assertValues(
        Functions.geluTanh(X),
        0.34571400982514394,
        -0.13228579703028537,
        1.954597694087775,
        0.5799605551656203,
        2.996362607918227,
        -0.15428599017485606,
        0.149675350701685,
        -0.04540230591222494);
  }

  @Test
  void crossEntropyIsPyTorchs() {
    Tensor labels = Tensor.of(new int[] {2, 1});
    assertEquals(2.0166613251743257, Functions.crossEntropy(X, labels).item(), 1e-14);
    assertValues(
        grad((Tensor x) -> Functions.crossEntropy(x, labels)).apply(X),
        0.07205142064999241,
        0.012520659497556017,
        -0.17708793557059865,
        0.09251585542305024,
        0.45418904347281297,
        -0.4862846793080354,
        0.02903533413273726,
        0.0030603017024851405);
    Tensor soft = W.softmax(-1);
    assertEquals(2.2973786628927804, Functions.crossEntropy(X, soft).item(), 1e-14);
    assertValues(
        grad((Tensor x) -> Functions.crossEntropy(x, soft)).apply(X),
        0.016774545469122805,
        0.00976858593376418,
        0.2893849448590956,
        -0.3159280762619826,
        0.4348540925419801,
        -0.05377028912233805,
        -0.35931753669652755,
        -0.021766266723114533);
  }

  private record Heads(Tensor q, Tensor k, Tensor v) {}

  private static final Heads HEADS =
      new Heads(
          Tensor.of(new double[] {0.5, -1, 1.5, 0.25, -0.75, 2}, 3, 2),
          Tensor.of(new double[] {1, 0.5, -0.5, 1.25, 0.75, -1}, 3, 2),
          Tensor.of(new double[] {0.1, 0.2, 0.3, -1, 0.5, 2, 0.7, -0.4, 1.1}, 3, 3));
  private static final Tensor CAUSAL =
      Tensor.of(new boolean[] {true, false, false, true, true, false, true, true, true}, 3, 3);

  private static Tensor attend(Heads h) {
    return Functions.attention(h.q, h.k, h.v, CAUSAL);
  }

  @Test
  void attentionWithItsDerivativesIsPyTorchs() {
    assertValues(
        attend(HEADS),
        0.1,
        0.2,
        0.3,
        -0.10758207648373905,
        0.2566132935864743,
        0.6208086636566876,
        -0.8231576846649755,
        0.44384503808276726,
        1.7580689798346072);
    Tensor w = Tensor.of(new double[] {1, -1, 0.5, 0.25, 2, -0.5, -1.5, 0.75, 1}, 3, 3);
    Heads g = grad((Heads h) -> attend(h).mul(w).sum()).apply(HEADS);
    assertValues(
        g.q, 0, 0, 0.08525273694765326, -0.04262636847382664, -0.483256426541273, 0.31624937168715);
    assertValues(
        g.k,
        0.2981805046734768,
        -0.5535985911109205,
        -0.3326210393272521,
        0.6454400168543214,
        0.034440534653775695,
        -0.09184142574340184);
    assertValues(
        g.v,
        1.0037764786501475,
        0.7221009311040668,
        0.22705267377376206,
        -1.2265334676862454,
        1.0142775634139822,
        0.7547853189169699,
        -0.02724301096390219,
        0.013621505481951094,
        0.018162007309268126);
    Heads direction =
        new Heads(
            Tensor.ones(DType.F64, 3, 2),
            Tensor.zeros(DType.F64, 3, 2),
            Tensor.zeros(DType.F64, 3, 3));
    Heads h = hvp((Heads a) -> attend(a).mul(w).sum(), HEADS, direction);
    assertValues(
        h.q,
        0,
        0,
        -0.02814805531535291,
        0.014074027657676446,
        -0.1312666408186285,
        0.0050899012025369395);
    assertValues(
        h.k,
        -0.16629733677788935,
        -0.46887787721777974,
        0.24016116620656383,
        0.4402836126042161,
        -0.07386382942867521,
        0.02859426461356386);
    assertValues(
        h.v,
        -0.07381042426696874,
        0.20944051309897302,
        0.022142588575549564,
        0.05297939342278854,
        -0.19902499767688303,
        -0.008255234679429416,
        0.020831030844180334,
        -0.010415515422090167,
        -0.013887353896120223);
  }

  private static Arr normal(long seed, int... dims) {
    return Arr.normal(new Random(seed), dims);
  }

  /** diag(p) − ppᵀ. */
  private static Arr covariance(double[] p) {
    int n = p.length;
    return Arr.build(
        DType.F64, new int[] {n, n}, i -> (i[0] == i[1] ? p[i[0]] : 0) - p[i[0]] * p[i[1]]);
  }

  private static void assertRank(Tensor symmetric, int rank) {
    double[] values = Matrices.eigh(symmetric).values().toDoubleArray();
    double most = largest(values);
    assertEquals(rank, DoubleStream.of(values).filter(v -> v > 1e-12 * most).count());
    assertTrue(values[0] > -1e-14 * most, "positive semi-definite: " + Arrays.toString(values));
  }

  @Test
  void jacobianOfSoftmax() {
    Tensor x = normal(3, 6).tensor();
    double[] p = x.softmax(0).toDoubleArray();
    assertEquals(1, DoubleStream.of(p).sum(), 1e-15);
    Tensor j = jacobian((Tensor t) -> t.softmax(0), x);
    Close.assertWithin("diag(p) - pp'", covariance(p), Arr.of(j), 1e-15);
    assertArrayEquals(new double[6], j.sum(1).toDoubleArray(), 1e-15);
    assertRank(j, 5);
  }

  @Test
  void jacobianOfLayerNorm() {
    int d = 7;
    Arr x = normal(4, d);
    double mean = Arrays.stream(x.values()).average().orElseThrow();
    double variance = Arrays.stream(x.values()).map(v -> (v - mean) * (v - mean)).sum() / d;
    double s = Math.sqrt(variance);
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {d, d},
            i -> {
              double a = (x.at(i[0]) - mean) / s;
              double b = (x.at(i[1]) - mean) / s;
              return ((i[0] == i[1] ? 1 : 0) - 1.0 / d - a * b / d) / s;
            });
    Tensor one = Tensor.ones(DType.F64, d);
    Tensor zero = Tensor.zeros(DType.F64, d);
    Tensor j = jacobian((Tensor t) -> Functions.layerNorm(t, one, zero, 0), x.tensor());
    Close.assertWithin("(I - 11'/d - xx'/d)/s", expected, Arr.of(j), 1e-14);
    assertRank(j, d - 2);
  }

  @Test
  void gradientAndHessianOfCrossEntropy() {
    Tensor x = normal(5, 5).tensor();
    Tensor label = Tensor.scalar(3, DType.I32);
    double[] p = x.softmax(0).toDoubleArray();
    double[] expected = p.clone();
    expected[3] -= 1;
    Tensor g = grad((Tensor t) -> Functions.crossEntropy(t, label)).apply(x);
    assertArrayEquals(expected, g.toDoubleArray(), 1e-15);
    Tensor h = hessian((Tensor t) -> Functions.crossEntropy(t, label), x);
    Close.assertWithin("diag(p) - pp'", covariance(p), Arr.of(h), 1e-15);
  }

  /** Whole numbers apart, so that F32 has the differences exactly. */
  @Test
  void logitsOfTenThousand() {
    double[] logits = {1e4, 1e4 - 1, -1e4, 1e4 - 2};
    double[] e = {1, Math.exp(-1), 0, Math.exp(-2)};
    double sum = DoubleStream.of(e).sum();
    double[] p = DoubleStream.of(e).map(v -> v / sum).toArray();
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      double tolerance = 4 * dtype.epsilon();
      Tensor x = Tensor.of(logits).cast(dtype);
      assertArrayEquals(p, x.softmax(0).toDoubleArray(), tolerance);
      Tensor j = jacobian((Tensor t) -> t.softmax(0), x);
      Close.assertWithin("softmax'", covariance(p), Arr.of(j), tolerance);
      Tensor logs = jacobian((Tensor t) -> t.logSoftmax(0), x);
      Arr expected = Arr.build(DType.F64, new int[] {4, 4}, i -> (i[0] == i[1] ? 1 : 0) - p[i[1]]);
      Close.assertWithin("log softmax'", expected, Arr.of(logs), tolerance);
      Tensor h = hessian((Tensor t) -> t.logSumExp(0), x);
      Close.assertWithin("log sum exp''", covariance(p), Arr.of(h), tolerance);
      Tensor label = Tensor.scalar(1, DType.I32);
      double loss = Functions.crossEntropy(x, label).item();
      assertEquals(1 + Math.log(sum), loss, tolerance);
      Tensor h2 = hessian((Tensor t) -> Functions.crossEntropy(t, label), x);
      Close.assertWithin("cross entropy''", covariance(p), Arr.of(h2), tolerance);
      Tensor far = Tensor.scalar(2, DType.I32);
      double most = Functions.crossEntropy(x, far).item();
      assertEquals(2e4 + Math.log(sum), most, 2e4 * tolerance);
    }
  }

  @Test
  void maskedLogits() {
    double[] p = {1 / (1 + Math.exp(-1)), 0, 1 / (1 + Math.E)};
    Tensor x = Tensor.of(new double[] {2, -INF, 1});
    assertArrayEquals(p, x.softmax(0).toDoubleArray(), 1e-15);
    Tensor j = jacobian((Tensor t) -> t.softmax(0), x);
    Close.assertWithin("softmax'", covariance(p), Arr.of(j), 1e-15);
    Tensor h = hessian((Tensor t) -> t.logSumExp(0), x);
    Close.assertWithin("log sum exp''", covariance(p), Arr.of(h), 1e-15);
    assertArrayEquals(
        new double[] {Math.log(p[0]), -INF, Math.log(p[2])},
        x.logSoftmax(0).toDoubleArray(),
        1e-15);
  }

  /** A class that cannot be and never is: the term is 0, its derivatives are those of the rest. */
  @Test
  void probabilityZeroOfAMaskedLogit() {
    double[] p = {1 / (1 + Math.exp(-1)), 0, 1 / (1 + Math.E)};
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      double tolerance = 4 * dtype.epsilon();
      Tensor x = Tensor.of(new double[] {2, -INF, 1}).cast(dtype);
      Tensor q = Tensor.of(new double[] {0.25, 0, 0.75}).cast(dtype);
      double expected = -0.25 * Math.log(p[0]) - 0.75 * Math.log(p[2]);
      assertEquals(expected, Functions.crossEntropy(x, q).item(), tolerance);
      Tensor g = grad((Tensor t) -> Functions.crossEntropy(t, q)).apply(x);
      double[] slope = {p[0] - 0.25, 0, p[2] - 0.75};
      assertArrayEquals(slope, g.toDoubleArray(), tolerance);
      Tensor h = hessian((Tensor t) -> Functions.crossEntropy(t, q), x);
      Close.assertWithin("cross entropy''", covariance(p), Arr.of(h), tolerance);
      Tensor finite = Tensor.of(new double[] {2, 1, 1}).cast(dtype);
      Tensor byWeight = grad((Tensor w) -> Functions.crossEntropy(finite, w)).apply(q);
      double log = Math.log(Math.exp(2) + 2 * Math.E);
      double[] logs = {log - 2, log - 1, log - 1};
      assertArrayEquals(logs, byWeight.toDoubleArray(), 2 * tolerance);
    }
  }

  /** Logits all of which are −∞ have no limit of a softmax: that, and no number, is the answer. */
  @Test
  void nothingButMaskedLogits() {
    Tensor x = Tensor.of(new double[] {-INF, -INF});
    assertEquals(-INF, x.logSumExp(0).item());
    Tensor g = grad((Tensor t) -> t.logSumExp(0)).apply(x);
    assertTrue(DoubleStream.of(g.toDoubleArray()).allMatch(Double::isNaN), g.toString());
  }

  /** Scores of empty rows are all 0, so every value has the same weight. */
  @Test
  void attentionOverRowsOfNothing() {
    Tensor q = Tensor.zeros(DType.F64, 2, 0);
    Tensor k = Tensor.zeros(DType.F64, 3, 0);
    Tensor v = Tensor.of(new double[] {1, 2, 3, 4, 5, 9}, 3, 2);
    assertArrayEquals(
        new double[] {3, 5, 3, 5}, Functions.attention(q, k, v).toDoubleArray(), 1e-15);
    Tensor g = grad((Tensor t) -> Functions.attention(q, k, t).sum()).apply(v);
    double third = 2.0 / 3;
    double[] all = {third, third, third, third, third, third};
    assertArrayEquals(all, g.toDoubleArray(), 1e-15);
  }

  /** The mean is 10⁵ deviations away, and no float: what rounds it must not enter the variance. */
  @Test
  void layerNormFarFromZero() {
    int d = 200;
    float[] values = new float[d];
    Random random = new Random(11);
    for (int i = 0; i < d; i++) {
      values[i] = (float) (1000 + 0.01 * random.nextGaussian());
    }
    Tensor x = Tensor.of(values);
    double mean = x.cast(DType.F64).mean().item();
    double variance = x.cast(DType.F64).sub(mean).square().mean().item();
    Tensor one = Tensor.ones(DType.F32, d);
    Tensor y = Functions.layerNorm(x, one, Tensor.zeros(DType.F32, d), 0);
    double spread = y.cast(DType.F64).sub(y.cast(DType.F64).mean()).square().mean().item();
    assertEquals(1, spread, 1e-5);
    assertEquals((values[0] - mean) / Math.sqrt(variance), y.toDoubleArray()[0], 5e-3);
  }

  /** The mean of equal numbers is that number, whatever they are and however many. */
  @Test
  void layerNormOfEqualNumbersIsTheShift() {
    for (int d = 1; d <= 130; d++) {
      Tensor x = Tensor.full(7.3f, DType.F32, d);
      Tensor shift = Tensor.arange(DType.F32, d);
      Tensor y = Functions.layerNorm(x, Tensor.full(3, DType.F32, d), shift, 1e-5);
      assertArrayEquals(shift.toFloatArray(), y.toFloatArray(), d + " numbers");
    }
  }

  /** Where x² is infinite, which in floats is soon, or x is. */
  @Test
  void derivativesOfGeluFarOut() {
    double[] far = {-INF, -1e300, -1e30, -41, 41, 1e30, 1e300, INF};
    double[] slopes = {0, 0, 0, 0, 1, 1, 1, 1};
    Function<Tensor, Tensor> first = grad(x -> Functions.gelu(x).sum());
    Function<Tensor, Tensor> second = grad(x -> first.apply(x).sum());
    Function<Tensor, Tensor> third = grad(x -> second.apply(x).sum());
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Tensor x = Tensor.of(far).cast(dtype);
      double[] none = new double[far.length];
      assertArrayEquals(slopes, first.apply(x).cast(DType.F64).abs().toDoubleArray());
      assertArrayEquals(none, second.apply(x).cast(DType.F64).abs().toDoubleArray());
      assertArrayEquals(none, third.apply(x).cast(DType.F64).abs().toDoubleArray());
    }
  }

  /** Its weights are 0, and so is everything that depends on it. */
  @Test
  void queryThatMayAttendToNothing() {
    Tensor mask =
        Tensor.of(new boolean[] {true, true, true, false, false, false, true, false, true}, 3, 3);
    Heads h = HEADS;
    Tensor y = Functions.attention(h.q, h.k, h.v, mask);
    assertArrayEquals(new double[3], y.slice(0, 1, 2).reshape(3).toDoubleArray());
    Tensor others = Tensor.concat(0, h.q.slice(0, 0, 1), h.q.slice(0, 2, 3));
    Tensor rest = Tensor.of(new boolean[] {true, true, true, true, false, true}, 2, 3);
    Tensor expected = Functions.attention(others, h.k, h.v, rest);
    assertArrayEquals(
        expected.toDoubleArray(),
        Tensor.concat(0, y.slice(0, 0, 1), y.slice(0, 2, 3)).toDoubleArray(),
        1e-15);
    Heads g = grad((Heads a) -> Functions.attention(a.q, a.k, a.v, mask).square().sum()).apply(h);
    assertArrayEquals(new double[2], g.q.slice(0, 1, 2).reshape(2).toDoubleArray());
    Heads less =
        grad((Heads a) -> Functions.attention(a.q, a.k, a.v, rest).square().sum())
            .apply(new Heads(others, h.k, h.v));
    assertArrayEquals(less.k.toDoubleArray(), g.k.toDoubleArray(), 1e-14);
    assertArrayEquals(less.v.toDoubleArray(), g.v.toDoubleArray(), 1e-14);
    Tensor bias = mask.select(Tensor.zeros(DType.F64), Tensor.scalar(-INF, DType.F64));
    Tensor byBias =
        grad((Tensor b) -> Functions.attention(h.q, h.k, h.v, b).square().sum()).apply(bias);
    assertTrue(
        DoubleStream.of(byBias.toDoubleArray()).allMatch(Double::isFinite), byBias.toString());
  }

  /** A long sequence in F32: several blocks of queries, the last of them not full. */
  @Test
  void attentionInBlocks() {
    int n = 300;
    int m = 650;
    Tensor q = normal(6, 2, n, 8).tensor(DType.F32);
    Tensor k = normal(7, 2, m, 8).tensor(DType.F32);
    Tensor v = normal(8, 2, m, 5).tensor(DType.F32);
    Heads wide = new Heads(q.cast(DType.F64), k.cast(DType.F64), v.cast(DType.F64));
    Tensor s = wide.q.matmul(wide.k.transpose()).mul(1 / Math.sqrt(8));
    Arr expected = Arr.of(s.softmax(-1).matmul(wide.v));
    Close.assertWithin("values", expected, Arr.of(Functions.attention(q, k, v)), 2e-6);
    Heads g =
        grad((Heads h) -> Functions.attention(h.q, h.k, h.v).square().sum())
            .apply(new Heads(q, k, v));
    Heads exact =
        grad(
                (Heads h) -> {
                  Tensor t = h.q.matmul(h.k.transpose()).mul(1 / Math.sqrt(8));
                  return t.softmax(-1).matmul(h.v).square().sum();
                })
            .apply(wide);
    Close.assertClose("dq", Arr.of(exact.q), Arr.of(g.q), 1e-5);
    Close.assertClose("dk", Arr.of(exact.k), Arr.of(g.k), 1e-5);
    Close.assertClose("dv", Arr.of(exact.v), Arr.of(g.v), 1e-5);
  }

  private static void refused(org.junit.jupiter.api.function.Executable body, String... parts) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    for (String p : parts) {
      assertTrue(message.contains(p), "'" + p + "' is not in: " + message);
    }
  }

  @Test
  void whatDoesNotFitIsNamed() {
    refused(() -> Functions.crossEntropy(X, X.slice(1, 0, 2)), "targets", "F64[2, 2]");
    refused(() -> Functions.layerNorm(X, SHIFT, W, 1e-5), "shift", "F64[2, 4]");
    refused(() -> Functions.gelu(Tensor.of(new int[] {1})), "I32", "cast");
    refused(() -> Functions.batchNorm(SCALE, SCALE, SHIFT, 1e-5), "x is F64[4]");
    refused(() -> Functions.attention(HEADS.q, HEADS.v, HEADS.v), "keys", "F64[3, 3]");
    refused(
        () -> Functions.attention(HEADS.q, HEADS.k, HEADS.v, Tensor.of(new boolean[2])),
        "mask is BOOL[2]",
        "[3, 3]");
    refused(() -> Functions.rmsNorm(X, SCALE, -1e-5), "rmsNorm", "epsilon is -1.0E-5");
    refused(() -> Functions.batchNorm(X, SCALE, SHIFT, Double.NaN), "batchNorm", "epsilon is NaN");
    refused(() -> Tensor.of(new int[] {1}).logSumExp(0), "logSumExp", "I32[1]", "cast");
    refused(() -> Tensor.of(new boolean[] {true}).softmax(0), "softmax", "BOOL[1]", "cast");
  }

  @Test
  @SuppressWarnings("NullAway") // what a caller without null checks does
  void whatIsMissingIsNamed() {
    refused(() -> Functions.crossEntropy(null, X), "crossEntropy: logits is null at Functions");
    refused(() -> Functions.crossEntropy(X, null), "crossEntropy: targets is null");
    refused(() -> Functions.layerNorm(null, SCALE, SHIFT, 0), "layerNorm: x is null");
    refused(() -> Functions.layerNorm(X, SCALE, null, 0), "layerNorm: shift is null");
    refused(() -> Functions.gelu(null), "gelu: x is null");
    refused(() -> Functions.attention(X, null, X), "attention: keys is null");
    refused(() -> Functions.attention(X, X, X, null), "attention: mask is null");
  }

  /** A gradient that looks like any other would train on labels that are not there. */
  @Test
  void labelsThatAreNotThereLeaveNoDerivatives() {
    for (int classes : new int[] {3, 9}) {
      for (int label : new int[] {-1, classes, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
        Tensor x = normal(9, 3, classes).tensor();
        Tensor labels = Tensor.of(new int[] {0, label, 2});
        Function<Tensor, Tensor> loss = t -> Functions.crossEntropy(t, labels);
        String which = "label " + label + " of " + classes;
        assertTrue(Double.isNaN(loss.apply(x).item()), which);
        assertTrue(Double.isNaN(jvp(loss, x, x).tangent().item()), which);
        List<Tensor> all =
            List.of(
                grad(loss).apply(x),
                hvp(loss, x, Tensor.ones(DType.F64, 3, classes)),
                hvp(loss, x, x, Autodiff.HvpMode.REVERSE_OVER_REVERSE));
        for (Tensor t : all) {
          double[] v = t.toDoubleArray();
          for (int i = 0; i < v.length; i++) {
            assertEquals(i / classes == 1, Double.isNaN(v[i]), which + ", element " + i);
          }
        }
      }
    }
  }

  /** Where ½ (1 + tanh u) has lost its digits. */
  @Test
  void theTailOfGeluTanhKeepsItsDigits() {
    double[] at = {-9, -8, -5, -3, -1, -1e-3, 2, 6};
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      double[] got = Functions.geluTanh(Tensor.of(at).cast(dtype)).toDoubleArray();
      for (int i = 0; i < at.length; i++) {
        double x = dtype == DType.F32 ? (float) at[i] : at[i];
        double u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
        double expected = x / (1 + Math.exp(-2 * u));
        assertEquals(1, got[i] / expected, 400 * dtype.epsilon(), "at " + x);
      }
    }
  }

  /** An order of adding that the compiler chooses would show once it has compiled the loops. */
  @Test
  void bitsStayWhenLoopsAreCompiled() {
    Tensor x = Expect.normal(30, 40, 201);
    Tensor ones = Tensor.ones(DType.F64, 201);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor one = ones.cast(dtype);
      Function<Tensor, Tensor> rows =
          t -> Tensor.concat(0, t.softmax(1), Functions.layerNorm(t, one, one, 1e-5));
      Function<Tensor, Tensor> f = Autodiff.compile(rows);
      Tensor argument = x.cast(dtype);
      double[] first = f.apply(argument).toDoubleArray();
      for (int i = 0; i < 1000; i++) {
        var _ = f.apply(argument);
      }
      assertArrayEquals(first, f.apply(argument).toDoubleArray(), dtype.toString());
    }
  }
}
