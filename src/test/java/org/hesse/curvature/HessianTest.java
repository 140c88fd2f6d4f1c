package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.hesse.testing.Close.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.LossFunction;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.hesse.testing.Scalars;
import org.junit.jupiter.api.Test;

/** The Hessian as an operator. Numbers are those of the acceptance list. */
class HessianTest {
  private static final int N = 8;
  private static final int D = 3;
  private static final Arr X = Arr.normal(new Random(1), N, D);

  private static Dataset labelled(int classes) {
    Arr y = Arr.build(DType.I32, new int[] {N}, i -> i[0] * 5 / 2 % classes);
    return Dataset.classification("test", X.tensor(), y.tensor(), classes);
  }

  private static Dataset targets(int outputs) {
    return Dataset.regression("test", X.tensor(), Arr.normal(new Random(2), N, outputs).tensor());
  }

  private static Arr dense(Hessian<?> h) {
    return Arr.of(h.applyAll(Tensor.eye(h.dtype(), h.size())));
  }

  private static void assertMatrices(String what, Arr expected, ObjectiveOperator<?>... got) {
    for (ObjectiveOperator<?> a : got) {
      double bound = 1e-8 * expected.maxAbs() + 1e-10;
      assertWithin(a + ": " + what, expected, Arr.of(a.toDense()), bound);
    }
  }

  // ---- 1 to 4

  @Test
  void linearModelWithSquaredError() {
    Objective<Tensor> f =
        Objective.of(
            Arr.normal(new Random(3), D, 1).tensor(),
            (w, x) -> x.matmul(w),
            Loss.MSE,
            targets(1).batches(3));
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {D, D},
            i -> {
              double total = 0;
              for (int n = 0; n < N; n++) {
                total += 2.0 / N * X.at(n, i[0]) * X.at(n, i[1]);
              }
              return total;
            });
    assertMatrices("2/N X'X", expected, Hessian.of(f), GaussNewton.of(f), Fisher.exact(f));
  }

  @Test
  void logisticRegression() {
    Arr w = Arr.normal(new Random(4), D);
    LossFunction loss = (z, y) -> z.softplus().sub(z.mul(y.cast(DType.F64))).mean();
    Objective<Tensor> f =
        Objective.of(w.tensor(), (p, x) -> x.matmul(p), loss, labelled(2).batches(5));
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {D, D},
            i -> {
              double total = 0;
              for (int n = 0; n < N; n++) {
                double z = 0;
                for (int k = 0; k < D; k++) {
                  z += X.at(n, k) * w.at(k);
                }
                double s = Scalars.sigmoid(z);
                total += s * (1 - s) * X.at(n, i[0]) * X.at(n, i[1]) / N;
              }
              return total;
            });
    assertMatrices("1/N X' diag X", expected, Hessian.of(f), GaussNewton.of(f));
  }

  @Test
  void softmaxRegression() {
    int classes = 4;
    Arr w = Arr.normal(new Random(5), classes, D);
    Objective<Tensor> f =
        Objective.of(
            w.tensor(),
            (p, x) -> x.matmul(p.transpose()),
            Loss.CROSS_ENTROPY,
            labelled(classes).batches(3));
    double[][] p = new double[N][classes];
    for (int n = 0; n < N; n++) {
      double total = 0;
      for (int c = 0; c < classes; c++) {
        double z = 0;
        for (int k = 0; k < D; k++) {
          z += X.at(n, k) * w.at(c, k);
        }
        p[n][c] = Math.exp(z);
        total += p[n][c];
      }
      for (int c = 0; c < classes; c++) {
        p[n][c] /= total;
      }
    }
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {classes * D, classes * D},
            i -> {
              int a = i[0] / D;
              int b = i[1] / D;
              double total = 0;
              for (int n = 0; n < N; n++) {
                double block = (a == b ? p[n][a] : 0) - p[n][a] * p[n][b];
                total += block * X.at(n, i[0] % D) * X.at(n, i[1] % D) / N;
              }
              return total;
            });
    assertMatrices(
        "mean of (diag p - pp') x xx'",
        expected,
        Hessian.of(f),
        GaussNewton.of(f),
        Fisher.exact(f));
  }

  // ---- 5 to 7

  private static Hessian<Mlp> network(Loss loss, Dataset data, List<Dataset> batches, DType d) {
    int outputs = loss == Loss.MSE ? data.y().dim(1) : data.classes();
    Mlp m = Mlp.init(RngKey.of(6), new MlpShape(List.of(D, 4, outputs), tanh()), d);
    return Hessian.of(Objective.of(m, loss, batches));
  }

  private static org.hesse.nn.Activation tanh() {
    return org.hesse.nn.Activation.TANH;
  }

  @Test
  void symmetricAndReproducible() {
    Dataset data = labelled(3);
    Hessian<Mlp> h = network(Loss.CROSS_ENTROPY, data, data.batches(3), DType.F64);
    assertTrue(h.symmetric());
    Arr a = dense(h);
    Arr t = Arr.build(DType.F64, a.dims(), i -> a.at(i[1], i[0]));
    assertClose("symmetric", a, t, 1e-13);
    Tensor v = RngKey.of(7).normal(DType.F64, h.size());
    assertArrayEquals(h.apply(v).toDoubleArray(), h.apply(v).toDoubleArray());
  }

  @Test
  void blocksAreColumnByColumn() {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      Dataset data = labelled(3).cast(dtype);
      Hessian<Mlp> h = network(Loss.CROSS_ENTROPY, data, data.batches(8), dtype);
      Tensor vs = RngKey.of(8).normal(dtype, 5, h.size());
      Tensor products = h.applyAll(vs);
      double rounding = 64 * dtype.epsilon();
      for (int i = 0; i < 5; i++) {
        Tensor one = h.apply(vs.select(0, i));
        assertClose("vector " + i, one, products.select(0, i), rounding);
      }
    }
  }

  @Test
  void raggedBatchesAreTheFullBatch() {
    for (Loss loss : Loss.values()) {
      Dataset data = loss == Loss.MSE ? targets(2) : labelled(3);
      Hessian<Mlp> full = network(loss, data, List.of(data), DType.F64);
      List<Dataset> ragged = List.of(data.take(0, 1), data.take(1, N));
      Hessian<Mlp> cut = network(loss, data, ragged, DType.F64);
      assertClose(loss + ": Hessian", dense(full), dense(cut), 1e-13);
      Objective.LossGradient a = full.objective().lossAndGradient();
      Objective.LossGradient b = cut.objective().lossAndGradient();
      assertEquals(a.loss().item(), b.loss().item(), 1e-14, loss + ": loss");
      assertClose(loss + ": gradient", a.gradient(), b.gradient(), 1e-13);
      assertEquals(N, cut.objective().samples());
      List<Dataset> empty = List.of(data.take(0, 0), data);
      assertClose(
          "with an empty batch", dense(full), dense(network(loss, data, empty, DType.F64)), 1e-13);
    }
  }

  @Test
  void productsAreCentralDifferencesOfTheGradient() {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      Dataset data = labelled(3).cast(dtype);
      Mlp m = Mlp.init(RngKey.of(6), new MlpShape(List.of(D, 4, 3), tanh()), dtype);
      Tree<Mlp> tree = Tree.of(m);
      BiFunction<Mlp, Dataset, Tensor> loss =
          (p, b) -> Loss.CROSS_ENTROPY.apply(p.apply(b.x()), b.y());
      Hessian<Mlp> h = Hessian.of(Objective.ofLoss(m, loss, data.batches(3)));
      Tensor v = RngKey.of(9).normal(dtype, h.size());
      Tensor unit = v.div(v.square().sum().sqrt());
      Arr exact = Arr.of(h.apply(unit));
      double best = Double.POSITIVE_INFINITY;
      for (double step : new double[] {1e-1, 3e-2, 1e-2, 1e-3, 1e-4, 1e-5}) {
        Tensor at = tree.ravel(m);
        Tensor up = gradient(tree, m, at.add(unit.mul(step)), loss, data);
        Tensor down = gradient(tree, m, at.sub(unit.mul(step)), loss, data);
        Arr quotient = Arr.of(up).plus(-1, Arr.of(down)).map(x -> x / (2 * step));
        double error = Math.sqrt(quotient.plus(-1, exact).dot(quotient.plus(-1, exact)));
        best = Math.min(best, error / Math.sqrt(exact.dot(exact)));
      }
      // In single precision the quotient's own best error is about ε^(2/3).
      double bound = dtype == DType.F64 ? 1e-6 : 1e-4;
      assertTrue(best < bound, dtype + ": relative error " + best);
    }
  }

  private static Tensor gradient(
      Tree<Mlp> tree, Mlp like, Tensor at, BiFunction<Mlp, Dataset, Tensor> loss, Dataset data) {
    Mlp m = tree.unravel(at, like);
    return Objective.ofLoss(m, loss, List.of(data)).lossAndGradient().gradient();
  }

  // ---- arguments

  @Test
  void anyRecordIsAModel() {
    Linear l = Linear.init(RngKey.of(1), D, 1, DType.F64);
    Hessian<Linear> h = Hessian.of(Objective.of(l, Loss.MSE, targets(1).batches(4)));
    assertEquals(D + 1, h.size());
    assertEquals(2, Arr.of(h.apply(Tensor.of(new double[] {0, 0, 0, 1}))).at(3), 1e-14);
  }

  @Test
  void argumentsThatDoNotFit() {
    Dataset data = labelled(3);
    Hessian<Mlp> h = network(Loss.CROSS_ENTROPY, data, data.batches(4), DType.F64);
    refused(() -> h.apply(Tensor.zeros(DType.F64, h.size() + 1)), "[" + h.size() + "]");
    refused(() -> h.apply(Tensor.zeros(DType.F32, h.size())), "F32");
    refused(() -> h.applyAll(Tensor.zeros(DType.F64, h.size())), "[" + h.size() + "]");
    refused(() -> network(Loss.CROSS_ENTROPY, data, List.of(), DType.F64), "no samples");
  }

  private static void refused(org.junit.jupiter.api.function.Executable body, String part) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
  }

  @Test
  void emptyBatchesDoNotCount() {
    Dataset data = labelled(3);
    Hessian<Mlp> h = network(Loss.CROSS_ENTROPY, data, List.of(data, data.take(0, 0)), DType.F64);
    Hessian<Mlp> full = network(Loss.CROSS_ENTROPY, data, List.of(data), DType.F64);
    assertEquals(
        full.objective().lossAndGradient().loss().item(),
        h.objective().lossAndGradient().loss().item(),
        1e-15);
  }
}
