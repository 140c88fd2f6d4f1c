package org.hesse.optim;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** First-order methods against loops over doubles, on f(w, b) = Σ (exp(w) − a w) + b⁴/4. */
class OptimizersTest {
  private static final int STEPS = 20;
  private static final double[] A = {0.5, 2, 3};
  private static final double[] START = {0.1, -0.4, 0.7, 1.5};

  private record Model(Tensor w, Tensor b) {}

  private static Tensor loss(Model m) {
    Tensor b = m.b().square();
    return m.w().exp().sub(Tensor.of(A).mul(m.w())).sum().add(b.square().mul(0.25));
  }

  private static double[] gradient(double[] p) {
    double[] g = new double[4];
    for (int i = 0; i < 3; i++) {
      g[i] = Math.exp(p[i]) - A[i];
    }
    g[3] = p[3] * p[3] * p[3];
    return g;
  }

  private static TrainState<Model> start(Optimizer o) {
    Model m =
        new Model(
            Tensor.of(new double[] {START[0], START[1], START[2]}),
            Tensor.scalar(START[3], DType.F64));
    return TrainState.init(m, o);
  }

  private static Function<TrainState<Model>, TrainState<Model>> step(Optimizer o) {
    return s -> s.update(o, valueAndGrad(OptimizersTest::loss).apply(s.model()).gradient());
  }

  private static double[] parameters(TrainState<Model> s) {
    return Tree.of(s.model()).ravel(s.model()).toDoubleArray();
  }

  /** How one number moves; it keeps two others. */
  private interface Rule {
    double move(double w, double g, double[] kept, int step);
  }

  private static void check(Optimizer o, Rule rule) {
    TrainState<Model> immediate = start(o);
    TrainState<Model> replayed = start(o);
    Function<TrainState<Model>, TrainState<Model>> compiled = compile(step(o));
    double[] p = START.clone();
    double[][] kept = new double[4][2];
    for (int t = 1; t <= STEPS; t++) {
      immediate = step(o).apply(immediate);
      replayed = compiled.apply(replayed);
      double[] g = gradient(p);
      for (int i = 0; i < p.length; i++) {
        p[i] = rule.move(p[i], g[i], kept[i], t);
      }
      assertClose("step " + t, Arr.vector(p), Arr.vector(parameters(immediate)), 1e-13);
      assertClose("step " + t, Arr.vector(p), Arr.vector(parameters(replayed)), 1e-13);
    }
    assertEquals(STEPS, (int) replayed.step().item());
    assertTrue(loss(replayed.model()).item() < loss(start(o).model()).item());
  }

  @Test
  void gradientDescent() {
    check(Sgd.of(0.05), (w, g, kept, t) -> w - 0.05 * g);
    check(new Sgd(0.05, 0, 0.1), (w, g, kept, t) -> w - 0.05 * (g + 0.1 * w));
  }

  @Test
  void momentum() {
    check(
        new Sgd(0.02, 0.9, 0.01),
        (w, g, kept, t) -> {
          kept[0] = 0.9 * kept[0] + g + 0.01 * w;
          return w - 0.02 * kept[0];
        });
  }

  private static Rule adam(double rate, double coupled, double decoupled) {
    return (w, gradient, kept, t) -> {
      double g = gradient + coupled * w;
      kept[0] = 0.9 * kept[0] + 0.1 * g;
      kept[1] = 0.999 * kept[1] + 0.001 * g * g;
      double mean = kept[0] / (1 - Math.pow(0.9, t));
      double square = kept[1] / (1 - Math.pow(0.999, t));
      return w - rate * decoupled * w - rate * mean / (Math.sqrt(square) + 1e-8);
    };
  }

  @Test
  void adamInItsForms() {
    check(Adam.of(0.05), adam(0.05, 0, 0));
    check(new Adam(0.05, 0.9, 0.999, 1e-8, 0.1, false), adam(0.05, 0.1, 0));
    check(Adam.decoupled(0.05, 0.1), adam(0.05, 0, 0.1));
  }

  @Test
  void theLearningRateIsData() {
    Sgd sgd = Sgd.of(0.1);
    Function<TrainState<Model>, TrainState<Model>> f = compile(step(sgd));
    TrainState<Model> s = start(sgd);
    double[] g = gradient(START);
    assertEquals(START[3] - 0.1 * g[3], parameters(f.apply(s))[3], 1e-15);
    Tensor half = s.learningRate().mul(0.5);
    TrainState<Model> slower = new TrainState<>(s.model(), s.slots(), s.step(), half);
    assertEquals(START[3] - 0.05 * g[3], parameters(f.apply(slower))[3], 1e-15);
  }

  @Test
  void numbersOutOfRange() {
    assertThrows(IllegalArgumentException.class, () -> Sgd.of(0));
    assertThrows(IllegalArgumentException.class, () -> Sgd.of(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> new Sgd(1, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> new Sgd(1, 0, -1));
    assertThrows(IllegalArgumentException.class, () -> Adam.of(-1));
    assertThrows(IllegalArgumentException.class, () -> new Adam(1, 0.9, 1, 1e-8, 0, false));
    String message =
        assertThrows(IllegalArgumentException.class, () -> new Adam(1, 0.9, 0.9, 0, 0, true))
            .getMessage();
    assertTrue(message.contains("epsilon"), message);
  }

  @Test
  void aSmallNetworkLearnsExclusiveOr() {
    record Batch(Tensor x, Tensor y) {}
    Batch data =
        new Batch(
            Tensor.of(new float[] {0, 0, 0, 1, 1, 0, 1, 1}, 4, 2),
            Tensor.of(new int[] {0, 1, 1, 0}));
    Adam adam = Adam.of(0.05);
    Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:2-8-2:tanh"), DType.F32);
    var step =
        compile((TrainState<Mlp> s, Batch b) ->
            s.update(
                adam,
                valueAndGrad((Mlp p) -> Loss.CROSS_ENTROPY.apply(p.apply(b.x()), b.y()))
                    .apply(s.model())
                    .gradient()));
    TrainState<Mlp> s = TrainState.init(m, adam);
    for (int i = 0; i < 200; i++) {
      s = step.apply(s, data);
    }
    double loss = Loss.CROSS_ENTROPY.apply(s.model().apply(data.x()), data.y()).item();
    assertTrue(loss < 0.02, "loss " + loss);
    assertEquals(List.of(0.0, 1.0, 1.0, 0.0), classes(s.model().apply(data.x())));
  }

  private static List<Double> classes(Tensor logits) {
    return java.util.Arrays.stream(logits.argMax(1).toDoubleArray()).boxed().toList();
  }
}
