package org.hesse.curvature.landscape;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CancellationException;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.curvature.landscape.Directions.Vectors;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Convolution;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

/** Slices of losses against their closed forms and against a loop. */
class LossSliceTest {
  private static final Dataset MOONS = Datasets.twoMoons(37, 1, 0.1, DType.F64);

  private static Objective<Mlp> network(DType dtype, int batch) {
    Mlp m = Mlp.init(RngKey.of(5), MlpShape.parse("mlp:2-6-2:tanh"), dtype);
    return Objective.of(m, Loss.CROSS_ENTROPY, MOONS.cast(dtype).batches(batch));
  }

  /** ½ wᵀ diag(1, 2, 3, 4) w, whatever the data is. */
  private static Objective<Tensor> quadratic(double... w) {
    Tensor d = Tensor.of(new double[] {1, 2, 3, 4});
    return Objective.ofLoss(
        Tensor.of(w), (p, b) -> p.square().mul(d).sum().mul(0.5), MOONS.batches(10));
  }

  private static Tensor rows(double[]... rows) {
    Tensor[] all = new Tensor[rows.length];
    for (int i = 0; i < rows.length; i++) {
      all[i] = Tensor.of(rows[i]);
    }
    return Tensor.stack(0, all);
  }

  @Test
  void aLineThroughAQuadraticIsAParabola() {
    Objective<Tensor> f = quadratic(1, 0, -1, 2);
    LossSlice s = LossSlice.along(f, rows(new double[] {0, 1, 0, 2})).radius(3).points(7).run();
    assertArrayEquals(new double[] {-3, -2, -1, 0, 1, 2, 3}, s.axes().get(0).toDoubleArray());
    double[] values = s.values().toDoubleArray();
    for (int i = 0; i < 7; i++) {
      double t = i - 3;
      // ½ (1 + 2t² + 3 + 4 (2 + 2t)²)
      assertEquals(0.5 * (4 + 2 * t * t + 4 * Math.pow(2 + 2 * t, 2)), values[i], 1e-12);
    }
    assertEquals(10, s.centre());
  }

  @Test
  void aPlaneHasTheFirstDirectionAlongItsRows() {
    Objective<Tensor> f = quadratic(0, 0, 0, 0);
    Tensor directions = rows(new double[] {1, 0, 0, 0}, new double[] {0, 0, 1, 0});
    LossSlice s = LossSlice.along(f, directions).radius(2, 1).points(5).together(4).run();
    assertArrayEquals(new double[] {-2, -1, 0, 1, 2}, s.axes().get(0).toDoubleArray());
    assertArrayEquals(new double[] {-1, -0.5, 0, 0.5, 1}, s.axes().get(1).toDoubleArray());
    double[] values = s.values().toDoubleArray();
    for (int i = 0; i < 5; i++) {
      for (int j = 0; j < 5; j++) {
        double x = i - 2;
        double y = (j - 2) / 2.0;
        assertEquals(0.5 * (x * x + 3 * y * y), values[5 * i + j], 1e-12);
      }
    }
  }

  @Test
  void aNetworksSliceIsItsLossPointByPoint() {
    Objective<Mlp> f = network(DType.F64, 10);
    Tensor directions = Directions.random(f, 2, 3);
    double loss = f.lossAndGradient().loss().item();
    for (int together : new int[] {1, 7, 100}) {
      LossSlice s = LossSlice.along(f, directions).points(5).together(together).run();
      assertEquals(loss, s.centre(), 1e-14);
      assertEquals(s.centre(), s.values().select(0, 2).select(0, 2).item());
      for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++) {
          Tensor step =
              directions
                  .select(0, 0)
                  .mul((i - 2) / 2.0)
                  .add(directions.select(0, 1).mul((j - 2) / 2.0));
          Tensor moved = f.ravel(f.leaves()).add(step);
          Objective<Mlp> there = f.at(f.with(f.model(), f.unravel(moved)));
          assertEquals(
              there.lossAndGradient().loss().item(),
              s.values().select(0, i).select(0, j).item(),
              1e-12);
        }
      }
    }
  }

  /** Of a sub-block of the parameters only that moves. */
  @Test
  void theCurvatureOfASliceIsThatOfTheHessian() {
    Objective<Mlp> f = network(DType.F64, 20).parameters("0");
    Eigenpairs top = Lanczos.of(Hessian.of(f)).largest(1).vectors(true).run();
    LossSlice s = LossSlice.along(f, top.vectors()).radius(1e-3).points(3).run();
    double[] v = s.values().toDoubleArray();
    double second = (v[0] - 2 * v[1] + v[2]) / 1e-6;
    assertEquals(top.values()[0], second, 1e-5 * top.values()[0]);
  }

  @Test
  void singlePrecisionIsExactAtTheCentre() {
    Objective<Mlp> f = network(DType.F32, 37);
    LossSlice s = LossSlice.along(f, Directions.random(f, 1, 0)).points(9).run();
    assertEquals(f.lossAndGradient().loss().item(), s.centre());
    assertEquals(DType.F64, s.values().dtype());
  }

  private record Net(Linear linear, Convolution convolution) {}

  @Test
  void filtersGetTheNormsOfTheParameters() {
    RngKey[] keys = RngKey.of(1).split(2);
    int[] window = {3, 2};
    Convolution c = Convolution.init(keys[0], 2, 3, window, Sliding.by(1, 1), 1, DType.F64);
    Linear l = Linear.init(keys[1], 4, 5, DType.F64);
    // An output without weights does not move.
    Tensor cut = Tensor.of(new double[] {1, 1, 0, 1, 1}, 5, 1);
    Net net = new Net(new Linear(l.weight().mul(cut), l.bias()), c);
    Objective<Net> f =
        Objective.ofLoss(net, (m, b) -> m.linear().weight().sum(), MOONS.batches(40));
    Tensor raw = Directions.random(f, 2, 7);
    for (Vectors vectors : List.of(Vectors.IGNORED, Vectors.SCALED)) {
      Tensor scaled = Directions.filterNormalized(f, raw, vectors);
      for (int row = 0; row < 2; row++) {
        List<Tensor> d = f.unravel(scaled.select(0, row));
        List<Tensor> before = f.unravel(raw.select(0, row));
        List<Tensor> p = f.leaves();
        for (int i = 0; i < d.size(); i++) {
          int filters = p.get(i).rank() > 1 ? p.get(i).dim(0) : 1;
          for (int k = 0; k < filters; k++) {
            double[] mine = filter(d.get(i), filters, k);
            double[] parameter = filter(p.get(i), filters, k);
            boolean still = p.get(i).rank() < 2 && vectors == Vectors.IGNORED;
            double norm = still ? 0 : norm(parameter);
            assertEquals(norm, norm(mine), 1e-12, f.paths().get(i) + " " + k);
            double[] was = filter(before.get(i), filters, k);
            for (int e = 0; e < mine.length; e++) {
              assertEquals(was[e] * norm / norm(was), mine[e], 1e-12);
            }
          }
        }
      }
    }
    assertEquals(0, norm(filter(net.linear().weight(), 5, 2)));
  }

  private static double[] filter(Tensor t, int filters, int k) {
    return t.reshape(filters, -1).select(0, k).toDoubleArray();
  }

  private static double norm(double[] v) {
    double sum = 0;
    for (double x : v) {
      sum += x * x;
    }
    return Math.sqrt(sum);
  }

  @Test
  void theBallsRiseIsThatOfTheQuadratic() {
    double[] w = {1, 0, -1, 2};
    BallSharpness s = BallSharpness.of(quadratic(w), 0.1);
    double[] d = {1, 2, 3, 4};
    double gradient = 0;
    double curved = 0;
    for (int i = 0; i < 4; i++) {
      gradient += Math.pow(d[i] * w[i], 2);
      curved += d[i] * Math.pow(d[i] * w[i], 2);
    }
    assertEquals(Math.sqrt(gradient), s.gradientNorm(), 1e-12);
    assertEquals(0.1 * Math.sqrt(gradient) + 0.005 * curved / gradient, s.rise(), 1e-12);
    assertEquals(0, BallSharpness.of(quadratic(0, 0, 0, 0), 0.1).rise(), "at a critical point");
  }

  @Test
  void overflowIsCounted() {
    Objective<Tensor> f =
        Objective.ofLoss(Tensor.of(new double[] {1}), (p, b) -> p.exp().sum(), MOONS.batches(40));
    LossSlice s = LossSlice.along(f, rows(new double[] {1000})).points(3).run();
    assertEquals(1, s.notFinite());
    assertTrue(s.toString().contains("1 of them not finite"), s.toString());
    Objective<Tensor> bad = f.at(Tensor.of(new double[] {Double.NaN}));
    LossSlicer<Tensor> there = LossSlice.along(bad, rows(new double[] {1}));
    assertThrows(NumericalException.class, there::run);
    assertThrows(NumericalException.class, () -> BallSharpness.of(bad, 1));
  }

  @Test
  void badInputIsNamed() {
    Objective<Tensor> f = quadratic(1, 2, 3, 4);
    Tensor d = rows(new double[] {1, 1, 1, 1});
    LossSlicer<Tensor> s = LossSlice.along(f, d);
    assertThrows(IllegalArgumentException.class, () -> s.points(4));
    assertThrows(IllegalArgumentException.class, () -> s.radius(1, 1));
    assertThrows(IllegalArgumentException.class, () -> s.radius(0));
    assertThrows(IllegalArgumentException.class, () -> s.together(0));
    assertThrows(IllegalArgumentException.class, () -> BallSharpness.of(f, 0));
    Exception shape =
        assertThrows(IllegalArgumentException.class, () -> LossSlice.along(f, d.select(0, 0)));
    assertTrue(shape.getMessage().contains("expected F64[d, 4]"), shape.getMessage());
    assertThrows(IllegalArgumentException.class, () -> LossSlice.along(f, rows(new double[3])));
    Tensor three = Tensor.zeros(DType.F64, 3, 4);
    assertThrows(IllegalArgumentException.class, () -> LossSlice.along(f, three));
    assertThrows(
        CancellationException.class, () -> s.progress((stage, done, total) -> false).run());
  }
}
