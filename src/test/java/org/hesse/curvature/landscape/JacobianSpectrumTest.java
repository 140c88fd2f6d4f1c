package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.grad;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.landscape.JacobianSpectrum.Condition;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Activation;
import org.hesse.nn.Layer;
import org.hesse.nn.Linear;
import org.junit.jupiter.api.Test;

/** Singular values of Jacobians against matrices known in closed form. */
class JacobianSpectrumTest {
  private static final int WIDTH = 32;

  private static Tensor normal(int seed, int... dims) {
    return RngKey.of(seed).normal(DType.F64, dims);
  }

  private static Tensor orthogonal(int seed, int n) {
    return Matrices.qr(normal(seed, n, n)).q();
  }

  private static Linear linear(Tensor weight) {
    return new Linear(weight, Tensor.zeros(weight.dtype(), weight.dim(0)));
  }

  @Test
  void anOrthogonalLayerHasConditionOne() {
    Layer q = linear(orthogonal(1, 6));
    for (JacobianSpectrum s : JacobianSpectrum.of(q, normal(2, 3, 6)).run()) {
      assertEquals(6, s.values().size());
      s.values().forEach(v -> assertEquals(1, v.value(), v.residual()));
      assertEquals(1, s.condition().value(), 1e-13);
      assertEquals(1, s.rootMeanSquare(), 1e-13);
    }
  }

  /** J = diag(1 − tanh²) at each sample. */
  @Test
  void anActivationsSingularValuesAreItsSlopes() {
    Tensor x = Tensor.of(new double[] {0, 1, -2, 0.5, 3, 0}, 2, 3);
    List<JacobianSpectrum> spectra = JacobianSpectrum.of(Activation.TANH, x).run();
    assertEquals(1, spectra.get(0).largest().value(), 1e-14);
    assertEquals(1 - Math.pow(Math.tanh(2), 2), spectra.get(0).smallest().value(), 1e-14);
    assertEquals(1, spectra.get(1).largest().value(), 1e-14);
    assertEquals(1 - Math.pow(Math.tanh(3), 2), spectra.get(1).smallest().value(), 1e-14);
    JacobianSpectrum dead = JacobianSpectrum.of(Activation.RELU, x.neg()).run().get(0);
    assertEquals(Double.POSITIVE_INFINITY, dead.condition().value());
    JacobianSpectrum zero = JacobianSpectrum.of(v -> v.mul(0), x).run().get(0);
    double inf = Double.POSITIVE_INFINITY;
    assertEquals(new Condition(inf, inf, inf), zero.condition());
  }

  /** diag(p) − ppᵀ has the null vector 1. */
  @Test
  void softmaxIsSingular() {
    JacobianSpectrum s = JacobianSpectrum.of(z -> z.softmax(-1), normal(3, 1, 5)).run().get(0);
    assertEquals(0, s.smallest().value(), s.smallest().residual());
    assertTrue(s.values().get(3).low() > 0, "rank K − 1: " + s.values());
    assertEquals(Double.POSITIVE_INFINITY, s.condition().high());
  }

  @Test
  void lanczosFindsWhatTheDecompositionFinds() {
    Tensor wide = normal(4, 20, 30);
    for (Tensor w : List.of(wide, wide.transpose(), normal(5, 20, 20))) {
      Layer f = v -> v.matmul(w.transpose()).tanh();
      Tensor x = normal(6, 2, w.dim(1)).mul(0.1);
      List<JacobianSpectrum> all = JacobianSpectrum.of(f, x).run();
      List<JacobianSpectrum> ends = JacobianSpectrum.of(f, x).dense(0).top(3).seed(1).run();
      for (int i = 0; i < 2; i++) {
        JacobianSpectrum e = ends.get(i);
        assertEquals(w.dim(0), e.rows());
        assertEquals(w.dim(1), e.columns());
        assertFalse(e.complete());
        assertEquals(4, e.values().size());
        for (int k = 0; k < 3; k++) {
          double exact = all.get(i).values().get(k).value();
          assertEquals(exact, e.values().get(k).value(), e.values().get(k).residual());
          assertTrue(e.values().get(k).residual() < 1e-5 * exact);
        }
        assertEquals(all.get(i).smallest().value(), e.smallest().value(), e.smallest().residual());
        Condition c = e.condition();
        double exact = all.get(i).condition().value();
        assertTrue(c.low() <= exact && exact <= c.high(), c + " of " + exact);
        assertThrows(IllegalStateException.class, e::rootMeanSquare);
      }
    }
  }

  @Test
  void singlePrecisionHasWiderBounds() {
    Tensor w = normal(7, 8, 8);
    Tensor x = normal(8, 1, 8);
    JacobianSpectrum fine = JacobianSpectrum.of(linear(w), x).run().get(0);
    JacobianSpectrum coarse =
        JacobianSpectrum.of(linear(w.cast(DType.F32)), x.cast(DType.F32)).run().get(0);
    for (int i = 0; i < 8; i++) {
      double exact = fine.values().get(i).value();
      assertEquals(exact, coarse.values().get(i).value(), coarse.values().get(i).residual());
    }
  }

  // ---- depth

  private static List<Layer> deep(int layers, Activation between, IntFunction<Tensor> weight) {
    List<Layer> all = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      all.add(linear(weight.apply(i)));
      if (between != null) {
        all.add(between);
      }
    }
    return all;
  }

  private static double stretch(DepthProfile.Stage s) {
    return s.product().stream()
        .mapToDouble(p -> p.rootMeanSquare() * p.rootMeanSquare())
        .average()
        .orElseThrow();
  }

  private static DepthProfile profile(List<Layer> layers) {
    return DepthProfile.of(layers, normal(9, 8, WIDTH), y -> y.square().mean());
  }

  /**
   * For independent weights of variance v/n, E|Jv|² of a linear net falls or grows as v^depth: 1
   * with Glorot's and Bengio's variance, 3^-depth with uniform weights in ±1/√n.
   */
  @Test
  void initialisationDecidesWhatDepthDoes() {
    int depth = 12;
    double scale = Math.sqrt(1.0 / WIDTH);
    DepthProfile xavier = profile(deep(depth, null, i -> normal(100 + i, WIDTH, WIDTH).mul(scale)));
    assertEquals(0, Math.log(stretch(xavier.stages().getLast())), 1.5);
    DepthProfile uniform =
        profile(
            deep(depth, null, i -> Linear.init(RngKey.of(i), WIDTH, WIDTH, DType.F64).weight()));
    double expected = -depth * Math.log(3);
    assertEquals(expected, Math.log(stretch(uniform.stages().getLast())), 1.5);
    DepthProfile orthogonal = profile(deep(depth, null, i -> orthogonal(i, WIDTH)));
    double first = orthogonal.stages().getFirst().gradient();
    for (DepthProfile.Stage s : orthogonal.stages()) {
      assertEquals(1, s.product().getFirst().condition().value(), 1e-10, "dynamical isometry");
      assertEquals(first, s.gradient(), 1e-10 * first, "gradients keep their norm");
    }
    double random = xavier.stages().getLast().product().getFirst().condition().value();
    assertTrue(random > 1e3, "products of random matrices are ill-conditioned: " + random);
  }

  /** He's variance 2/n makes up for the half that a ReLU cuts off; 1/n loses half in each layer. */
  @Test
  void heIsForRelu() {
    int depth = 10;
    for (double variance : new double[] {2, 1}) {
      double scale = Math.sqrt(variance / WIDTH);
      DepthProfile p =
          profile(deep(depth, Activation.RELU, i -> normal(200 + i, WIDTH, WIDTH).mul(scale)));
      double expected = depth * Math.log(variance / 2);
      assertEquals(expected, Math.log(stretch(p.stages().getLast())), 2);
    }
  }

  @Test
  void gradientsByDepthAreThoseOfTheParts() {
    List<Layer> layers = deep(2, Activation.TANH, i -> normal(i, 4, 4));
    Tensor x = normal(11, 5, 4);
    Function<Tensor, Tensor> loss = y -> y.square().sum();
    DepthProfile p = DepthProfile.of(layers, x, loss);
    assertEquals(4, p.stages().size());
    Tensor h = x;
    for (int i = 0; i < layers.size(); i++) {
      h = layers.get(i).apply(h);
      List<Layer> rest = layers.subList(i + 1, layers.size());
      Function<Tensor, Tensor> onwards =
          v -> {
            Tensor y = v;
            for (Layer l : rest) {
              y = l.apply(y);
            }
            return loss.apply(y);
          };
      assertEquals(norm(grad(onwards).apply(h)), p.stages().get(i).gradient(), 1e-12);
      assertEquals(norm(h), p.stages().get(i).activation(), 1e-12);
    }
    assertEquals(0, p.stages().get(1).parameterGradient(), "an activation has no parameters");
    Linear last = (Linear) layers.get(2);
    Tensor into = layers.get(1).apply(layers.get(0).apply(x));
    Function<Linear, Tensor> f = l -> loss.apply(l.apply(into).tanh());
    Linear g = grad(f).apply(last);
    double both = Math.hypot(norm(g.weight()), norm(g.bias()));
    assertEquals(both, p.stages().get(2).parameterGradient(), 1e-12);
    assertTrue(p.toString().startsWith("layer 0: |h| "), p.toString());
  }

  private static double norm(Tensor t) {
    return Math.sqrt(t.square().sum().item());
  }

  @Test
  void badInputIsNamed() {
    Tensor x = normal(1, 2, 3);
    JacobianSpectra s = JacobianSpectrum.of(Activation.TANH, x);
    assertThrows(IllegalArgumentException.class, () -> s.dense(-1));
    assertThrows(IllegalArgumentException.class, () -> s.top(0));
    assertThrows(IllegalArgumentException.class, () -> s.tolerance(2));
    assertThrows(
        IllegalArgumentException.class,
        () -> JacobianSpectrum.of(Activation.TANH, Tensor.of(new int[] {1, 2}, 1, 2)));
    assertThrows(IllegalArgumentException.class, () -> JacobianSpectrum.of(v -> v.sum(), x).run());
    assertThrows(
        NumericalException.class,
        () -> JacobianSpectrum.of(v -> v.log().sqrt(), Tensor.zeros(DType.F64, 1, 2)).run());
    assertThrows(IllegalArgumentException.class, () -> DepthProfile.of(List.of(), x, Tensor::sum));
  }
}
