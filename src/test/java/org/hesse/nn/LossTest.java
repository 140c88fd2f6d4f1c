package org.hesse.nn;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

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
}
