package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.hesse.testing.Close.assertWithin;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** Hessians in the inputs of a model and of a layer. */
class InputHessianTest {
  /** Of a linear model: (2/Nk) W'W for each sample, and nothing between them. */
  @Test
  void linearModel() {
    int n = 4;
    Arr w = Arr.normal(new Random(1), 2, 3);
    Linear model = new Linear(w.tensor(), Tensor.zeros(DType.F64, 2));
    Tensor x = Arr.normal(new Random(2), n, 3).tensor();
    Dataset data = Dataset.regression("test", x, Arr.normal(new Random(3), n, 2).tensor());
    Objective<Linear> f = Objective.of(model, Loss.MSE, data.batches(3));
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {n * 3, n * 3},
            i -> {
              double sum = 0;
              for (int o = 0; o < 2; o++) {
                sum += w.at(o, i[0] % 3) * w.at(o, i[1] % 3) * 2 / (n * 2);
              }
              return i[0] / 3 == i[1] / 3 ? sum : 0;
            });
    InputHessian<Linear> h = InputHessian.of(f);
    assertTrue(h.symmetric());
    assertWithin("W'W", expected, Arr.of(h.toDense()), 1e-8 * expected.maxAbs());
    assertWithin("W'W", expected, Arr.of(h.block(5).toDense()), 1e-8 * expected.maxAbs());
    Arr sum = expected.map(v -> v * n);
    InputHessian<Linear> summed = InputHessian.of(f.reduction(Reduction.SUM));
    assertWithin("sum", sum, Arr.of(summed.toDense()), 1e-8 * sum.maxAbs());
  }

  /** Against the dense Hessian of the whole data's loss. */
  @Test
  void networks() {
    Problem.all()
        .forEach(p -> {
          Tensor x = p.data().x();
          Tensor flat = x.reshape(-1);
          Arr expected =
              Arr.of(
                  Autodiff.hessian(
                      v ->
                          p.loss()
                              .apply(p.model().apply(v.reshape(x.shape().dims())), p.data().y()),
                      flat));
          InputHessian<Mlp> h = InputHessian.of(p.objective());
          assertEquals(flat.dim(0), h.size());
          assertClose(p.name(), expected, Arr.of(h.toDense()), 1e-12);
          Tensor v = Arr.normal(new Random(4), h.size()).tensor();
          assertClose(p.name(), h.applyAll(v.insertAxis(0)).select(0, 0), h.apply(v), 1e-13);
        });
  }

  /** The Hessian in a layer's inputs carries that in the model's through the layers before it. */
  @Test
  void inputsOfALayer() {
    Problem p = Problem.of(Loss.CROSS_ENTROPY, 0);
    Mlp first = new Mlp(List.of(p.model().layers().get(0)));
    Mlp rest = new Mlp(p.model().layers().subList(1, 3));
    Dataset hidden = new Dataset("hidden", first.apply(p.data().x()), p.data().y(), 0);
    Objective<Mlp> f = Objective.of(rest, Loss.CROSS_ENTROPY, hidden.batches(3));
    Arr inner = Arr.of(InputHessian.of(f).toDense());
    Arr outer = Arr.of(InputHessian.of(p.objective()).toDense());
    // The first layer is linear: x ↦ W x + b in each sample.
    Arr w = Arr.of(((Linear) p.model().layers().get(0)).weight());
    Arr carried =
        Arr.build(
            DType.F64,
            outer.dims(),
            i -> {
              double sum = 0;
              for (int a = 0; a < 4; a++) {
                for (int b = 0; b < 4; b++) {
                  sum +=
                      w.at(a, i[0] % 3)
                          * inner.at(i[0] / 3 * 4 + a, i[1] / 3 * 4 + b)
                          * w.at(b, i[1] % 3);
                }
              }
              return sum;
            });
    assertClose("W' H W", carried, outer, 1e-12);
  }

  @Test
  void inputsThatAreNotReal() {
    Problem p = Problem.of(Loss.CROSS_ENTROPY, 0);
    Dataset words = new Dataset("words", p.data().y(), p.data().y(), 0);
    Objective<Mlp> f =
        Objective.of(
            p.model(),
            (m, x) -> m.apply(Tensor.eye(DType.F64, 3).take(0, x)),
            Loss.CROSS_ENTROPY,
            List.of(words));
    String message =
        assertThrows(IllegalArgumentException.class, () -> InputHessian.of(f)).getMessage();
    assertTrue(message.contains("I32[8]"), message);
  }
}
