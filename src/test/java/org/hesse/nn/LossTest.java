package org.hesse.nn;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Losses against closed forms. */
class LossTest {
  private static final int N = 5;
  private static final int C = 3;
  private static final Arr LOGITS = Arr.normal(new Random(1), N, C);
  private static final int[] LABELS = {2, 0, 1, 1, 2};

  private static double[] softmax(int row) {
    double[] p = new double[C];
    double total = 0;
    for (int c = 0; c < C; c++) {
      p[c] = Math.exp(LOGITS.at(row, c));
      total += p[c];
    }
    for (int c = 0; c < C; c++) {
      p[c] /= total;
    }
    return p;
  }

  /** Of few classes, with an infinite logit, a huge one, and labels that there are none of. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void gradientOfFewClassesIsSoftmaxMinusTargets(int classes) {
    int rows = 37;
    double[] x = RngKey.of(5).normal(DType.F64, rows, classes).toDoubleArray();
    int[] labels = new int[rows];
    for (int r = 0; r < rows; r++) {
      labels[r] = r * 7 % classes;
    }
    x[0] = Double.NEGATIVE_INFINITY;
    labels[0] = 1;
    x[classes] = 1e4;
    labels[5] = classes;
    labels[6] = -1;
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor logits = Tensor.of(x, rows, classes).cast(dtype);
      Tensor targets = Tensor.of(labels, rows);
      var f = compile(grad((Tensor t) -> Functions.crossEntropy(t, targets)));
      double[] g = f.apply(logits).toDoubleArray();
      for (int r = 0; r < rows; r++) {
        double max = Double.NEGATIVE_INFINITY;
        double sum = 0;
        for (int c = 0; c < classes; c++) {
          max = Math.max(max, x[r * classes + c]);
        }
        for (int c = 0; c < classes; c++) {
          sum += Math.exp(x[r * classes + c] - max);
        }
        for (int c = 0; c < classes; c++) {
          double p = Math.exp(x[r * classes + c] - max) / sum;
          double exact = r == 5 || r == 6 ? Double.NaN : (p - (c == labels[r] ? 1 : 0)) / rows;
          assertEquals(exact, g[r * classes + c], 8 * dtype.epsilon() / rows, r + ", " + c);
        }
      }
    }
  }

  @Test
  void crossEntropyAndItsDerivatives() {
    Tensor y = Tensor.of(LABELS);
    double expected = 0;
    for (int i = 0; i < N; i++) {
      expected -= Math.log(softmax(i)[LABELS[i]]) / N;
    }
    Tensor z = LOGITS.tensor();
    assertEquals(expected, Loss.CROSS_ENTROPY.apply(z, y).item(), 1e-15);
    Arr gradient =
        Arr.build(
            DType.F64,
            LOGITS.dims(),
            i -> (softmax(i[0])[i[1]] - (LABELS[i[0]] == i[1] ? 1 : 0)) / N);
    Tensor g = grad((Tensor t) -> Loss.CROSS_ENTROPY.apply(t, y)).apply(z);
    assertClose("gradient", gradient, Arr.of(g), 1e-14);
    // p ⊙ u − p (p · u)
    Arr u = Arr.normal(new Random(2), N, C);
    Arr product =
        Arr.build(
            DType.F64,
            LOGITS.dims(),
            i -> {
              double[] p = softmax(i[0]);
              double pu = 0;
              for (int c = 0; c < C; c++) {
                pu += p[c] * u.at(i[0], c);
              }
              return p[i[1]] * (u.at(i) - pu) / N;
            });
    Tensor hu = hvp((Tensor t) -> Loss.CROSS_ENTROPY.apply(t, y), z, u.tensor());
    assertClose("Hessian", product, Arr.of(hu), 1e-13);
  }

  @Test
  void squaredErrorAndItsDerivatives() {
    Arr target = Arr.normal(new Random(3), N, C);
    double expected = 0;
    for (int i = 0; i < N * C; i++) {
      expected += Math.pow(LOGITS.values()[i] - target.values()[i], 2) / (N * C);
    }
    Tensor t = target.tensor();
    assertEquals(expected, Loss.MSE.apply(LOGITS.tensor(), t).item(), 1e-14);
    Tensor g = grad((Tensor z) -> Loss.MSE.apply(z, t)).apply(LOGITS.tensor());
    assertClose("gradient", LOGITS.plus(-1, target).map(d -> 2 * d / (N * C)), Arr.of(g), 1e-14);
    Arr u = Arr.normal(new Random(4), N, C);
    Tensor hu = hvp((Tensor z) -> Loss.MSE.apply(z, t), LOGITS.tensor(), u.tensor());
    assertClose("Hessian", u.map(d -> 2 * d / (N * C)), Arr.of(hu), 1e-14);
  }

  @Test
  void argumentsThatDoNotFit() {
    Tensor z = LOGITS.tensor();
    Tensor y = Tensor.of(LABELS);
    refused(() -> Loss.CROSS_ENTROPY.apply(z, y.cast(DType.F64)), "F64[5]", "I32");
    refused(() -> Loss.CROSS_ENTROPY.apply(z, y.slice(0, 0, 4)), "I32[4]", "F64[5, 3]");
    refused(() -> Loss.CROSS_ENTROPY.apply(z.select(0, 0), y), "F64[3]");
    refused(() -> Loss.MSE.apply(z, z.slice(1, 0, 1)), "F64[5, 3]", "F64[5, 1]");
    refused(() -> Loss.parse("hinge"), "'hinge'", "mse");
    assertEquals(Loss.MSE, Loss.parse("mse"));
    assertEquals(Loss.CROSS_ENTROPY, Loss.parse("cross-entropy"));
  }

  private static void refused(Executable body, String... parts) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    for (String p : parts) {
      assertTrue(message.contains(p), "'" + p + "' is not in: " + message);
    }
  }

  @Test
  void unknownLabelsGiveNaN() {
    for (int label : new int[] {-1, 3, 7}) {
      Tensor y = Tensor.of(new int[] {0, label});
      assertTrue(Double.isNaN(Loss.CROSS_ENTROPY.apply(Tensor.zeros(DType.F64, 2, 3), y).item()));
    }
  }

  // ---- what curvature needs of a loss

  private static final int POSITIONS = 4;

  private static Arr sequences(long seed) {
    return Arr.normal(new Random(seed), N, POSITIONS, C);
  }

  private static Tensor labels() {
    return Arr.build(DType.I32, new int[] {N, POSITIONS}, i -> (i[0] + i[1]) % C).tensor();
  }

  private static Tensor targets(Loss loss) {
    return loss == Loss.MSE ? sequences(9).tensor() : labels();
  }

  /** Sequences are so many more examples. */
  @Test
  void sequences() {
    Tensor z = sequences(8).tensor();
    for (Loss loss : Loss.values()) {
      Tensor t = targets(loss);
      int rows = N * POSITIONS;
      Tensor flat = loss == Loss.MSE ? t.reshape(rows, C) : t.reshape(rows);
      assertEquals(loss.apply(z.reshape(rows, C), flat).item(), loss.apply(z, t).item(), 1e-15);
      assertEquals(rows, loss.terms(t));
      assertEquals(rows, loss.terms(flat));
    }
    assertEquals(N, Loss.MSE.terms(Tensor.zeros(DType.F64, N)));
  }

  /** By automatic differentiation, at moderate and at large outputs. */
  @Test
  void hessianProducts() {
    Tensor u = sequences(7).tensor();
    for (Loss loss : Loss.values()) {
      Tensor t = targets(loss);
      for (double scale : new double[] {1, 30, 1e4}) {
        Tensor z = sequences(8).tensor().mul(scale);
        Tensor expected = hvp((Tensor o) -> loss.apply(o, t), z, u);
        Tensor got = loss.hessianProduct(z, t, u);
        assertClose(loss + " at " + scale, expected, got, 1e-12);
        LossFunction same = (o, targets) -> loss.apply(o, targets);
        assertClose(loss + " by default", expected, same.hessianProduct(z, t, u), 1e-14);
      }
    }
    refused(() -> Loss.CROSS_ENTROPY.hessianProduct(u, labels().select(1, 0), u), "I32[5]");
    refused(() -> Loss.MSE.hessianProduct(u, u.select(1, 0), u), "F64[5, 3]");
  }

  /** S S' u is the Hessian of a term, whatever the target is. */
  @Test
  void rootsOfFisherMatrices() {
    Tensor z = sequences(8).tensor();
    Tensor u = sequences(7).tensor();
    for (Loss loss : Loss.values()) {
      Tensor t = targets(loss);
      Tensor root = loss.root(z);
      Tensor product =
          root.matmul(root.transpose().matmul(u.insertAxis(-1))).reshape(N, POSITIONS, C);
      Tensor expected = hvp((Tensor o) -> loss.apply(o, t), z, u).mul((double) loss.terms(t));
      assertClose(loss + ": S S' u", expected, product, 1e-13);
      assertClose(loss + ": F u", expected, loss.fisherProduct(z, u), 1e-13);
      Likelihood plain = new Plain(loss);
      assertClose(loss + ": F u by the root", expected, plain.fisherProduct(z, u), 1e-13);
      assertTrue(loss.distribution().length() > 5);
    }
    Tensor line = Arr.normal(new Random(3), N).tensor();
    assertEquals(Math.sqrt(2), Loss.MSE.root(line).toDoubleArray()[0], 1e-15);
    assertClose("one output", line.mul(2), Loss.MSE.fisherProduct(line, line), 1e-15);
  }

  /** With the defaults of the interface. */
  private record Plain(Loss loss) implements Likelihood {
    @Override
    public Tensor apply(Tensor outputs, Tensor targets) {
      return loss.apply(outputs, targets);
    }

    @Override
    public String distribution() {
      return loss.distribution();
    }

    @Override
    public Tensor root(Tensor outputs) {
      return loss.root(outputs);
    }

    @Override
    public Tensor sample(Tensor outputs, RngKey key) {
      return loss.sample(outputs, key);
    }
  }

  /** Frequencies within five standard errors. */
  @Test
  void drawnLabels() {
    int draws = 20_000;
    Tensor logits = LOGITS.tensor().select(0, 0).broadcastTo(draws, C);
    Tensor drawn = Loss.CROSS_ENTROPY.sample(logits, RngKey.of(1));
    assertEquals(DType.I32, drawn.dtype());
    int[] count = new int[C];
    for (int label : drawn.toIntArray()) {
      count[label]++;
    }
    double[] p = softmax(0);
    for (int c = 0; c < C; c++) {
      double error = Math.sqrt(p[c] * (1 - p[c]) / draws);
      assertEquals(p[c], (double) count[c] / draws, 5 * error, "class " + c);
    }
  }

  /** Mean and variance within five standard errors. */
  @Test
  void drawnTargets() {
    int draws = 20_000;
    Tensor mean = LOGITS.tensor().select(0, 0).broadcastTo(draws, C);
    Tensor noise = Loss.MSE.sample(mean, RngKey.of(1)).sub(mean);
    double variance = C / 2.0;
    double[] means = noise.mean(0).toDoubleArray();
    double[] variances = noise.square().mean(0).toDoubleArray();
    for (int c = 0; c < C; c++) {
      assertEquals(0, means[c], 5 * Math.sqrt(variance / draws));
      assertEquals(variance, variances[c], 5 * variance * Math.sqrt(2.0 / draws));
    }
  }
}
