package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;
import org.hesse.curvature.landscape.SharpnessMonitor.Reading;
import org.hesse.curvature.landscape.SharpnessMonitor.Side;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearOperator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;
import org.hesse.optim.Training;
import org.junit.jupiter.api.Test;

/** Number 30 of the acceptance list. */
class SharpnessTest {
  private static final double[] SPECTRUM = {0.2, 1, 2.5, 5};
  private static final double LARGEST = 5;
  private static final double KAPPA = 25;

  private static Tensor quadratic(Tensor w) {
    return w.square().mul(Tensor.of(SPECTRUM)).sum().mul(0.5);
  }

  private static LinearOperator hessian() {
    return LinearOperator.ofDiagonal(Tensor.of(SPECTRUM));
  }

  /** Norms of the iterates on the quadratic, whose minimum is at 0. */
  private static List<Double> descend(Sgd method, int steps, SharpnessMonitor<Tensor> monitor) {
    Function<TrainState<Tensor>, TrainState<Tensor>> step =
        compile(s -> s.update(method, grad(SharpnessTest::quadratic).apply(s.model())));
    TrainState<Tensor> s = TrainState.init(Tensor.ones(DType.F64, SPECTRUM.length), method);
    List<Double> norms = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      s = step.apply(s);
      monitor.accept(s);
      norms.add(Math.sqrt(s.model().square().sum().item()));
    }
    return norms;
  }

  private static SharpnessMonitor<Tensor> monitor(Sgd method) {
    return SharpnessMonitor.of((Tensor w) -> hessian(), method).every(50);
  }

  @Test
  void gradientDescentDivergesBeyondTwoOverTheSharpness() {
    for (double momentum : new double[] {0, 0.9}) {
      for (double decay : new double[] {0, 0.5}) {
        double edge = 2 * (1 + momentum) / (LARGEST + decay);
        for (double factor : new double[] {0.98, 1.02}) {
          Sgd method = new Sgd(factor * edge, momentum, decay);
          SharpnessMonitor<Tensor> monitor = monitor(method);
          List<Double> norms = descend(method, 800, monitor);
          String what = method + ": " + norms.getLast();
          boolean stable = factor < 1;
          assertTrue(stable ? norms.getLast() < 1e-3 : norms.getLast() > 1e3, what);
          Reading last = monitor.readings().getLast();
          assertEquals(stable ? Side.STABLE : Side.UNSTABLE, last.side(), what);
          assertEquals(LARGEST, last.sharpness().value(), last.sharpness().residual());
          assertEquals((LARGEST + decay) / factor - decay, last.edge(), 1e-12, what);
          assertEquals(800, last.step());
          assertEquals(16, monitor.readings().size());
          assertEquals(List.of(), monitor.crossings());
        }
      }
    }
  }

  @Test
  void theBestRateContractsByTheConditionNumber() {
    Sgd method = Sgd.of(2 / (SPECTRUM[0] + LARGEST));
    List<Double> norms = descend(method, 200, monitor(method));
    double rate = norms.get(199) / norms.get(198);
    assertEquals((KAPPA - 1) / (KAPPA + 1), rate, 1e-9);
  }

  /** A learning rate that rises moves the edge down through the sharpness, and back. */
  @Test
  void crossingsAreMarked() {
    Sgd method = Sgd.of(0.1);
    List<Reading> told = new ArrayList<>();
    SharpnessMonitor<Tensor> monitor =
        SharpnessMonitor.of((Tensor w) -> hessian(), method).onReading(told::add);
    TrainState<Tensor> s = TrainState.init(Tensor.ones(DType.F64, 4), method);
    double[] rates = {0.3, 0.39, 2 / LARGEST, 0.41, 0.5, 0.4, 0.3};
    for (int i = 0; i < rates.length; i++) {
      Tensor step = Tensor.of(new int[] {i}).reshape();
      Tensor rate = Tensor.scalar(rates[i], DType.F64);
      monitor.accept(new TrainState<>(s.model(), s.slots(), step, rate));
    }
    assertEquals(monitor.readings(), told);
    assertEquals(
        List.of(
            Side.STABLE,
            Side.STABLE,
            Side.AT_EDGE,
            Side.UNSTABLE,
            Side.UNSTABLE,
            Side.AT_EDGE,
            Side.STABLE),
        told.stream().map(Reading::side).toList());
    assertEquals(List.of(3L, 6L), monitor.crossings().stream().map(Reading::step).toList());
  }

  /** Full-batch gradient descent sharpens the loss until it is at the edge, and stays there. */
  @Test
  void aNetworkTrainsAtTheEdge() {
    Tensor x = RngKey.of(1).normal(DType.F64, 24, 3);
    Tensor y = x.mul(2).sin().sum(1).reshape(24, 1);
    Dataset data = Dataset.regression("waves", x, y);
    Mlp model = Mlp.init(RngKey.of(2), MlpShape.parse("mlp:3-16-1:tanh"), DType.F64);
    Sgd method = Sgd.of(0.15);
    Objective<Mlp> f = Objective.of(model, Loss.MSE, data.batches(10));
    SharpnessMonitor<Mlp> monitor = SharpnessMonitor.of(f, method).every(100);
    Training.of(Loss.MSE, method)
        .epochs(2500)
        .batch(24)
        .fit(model, new Dataset.Split(data, data), monitor);
    List<Reading> readings = monitor.readings();
    assertEquals(2500, readings.getLast().step());
    assertEquals(Side.STABLE, readings.getFirst().side(), readings.toString());
    assertTrue(monitor.crossings().size() > 0, readings.toString());
    for (Reading r : readings.subList(15, readings.size())) {
      assertEquals(2 / 0.15, r.sharpness().value(), 0.2 * 2 / 0.15, r.toString());
    }
  }

  @Test
  void badInputIsNamed() {
    SharpnessMonitor<Tensor> m = monitor(Sgd.of(1));
    assertThrows(IllegalArgumentException.class, () -> m.every(0));
    assertThrows(IllegalArgumentException.class, () -> m.tolerance(1));
  }
}
