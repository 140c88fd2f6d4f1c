package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** The public gradient check: passes what is right, finds what is wrong. */
class GradientCheckTest {
  private static final Tensor X = Arr.normal(new Random(1), 3, 2).tensor();

  private static GradientReport check(Function<Tensor, Tensor> f, int order) {
    return Autodiff.checkGradients(f, X, order);
  }

  @Test
  void rightDerivativesPass() {
    GradientReport r = check(x -> x.tanh().mul(x.exp()).sum(), 3);
    assertTrue(r.passed(), r.toString());
    assertEquals(3, r.findings().size());
    assertTrue(r.worst().error() < 1e-7, r.toString());
  }

  /** x² with a derivative of x: half of what it should be. */
  @Test
  void aWrongFirstDerivativeIsFound() {
    GradientReport r = check(x -> x.mul(x.stopGradient()).sum(), 1);
    assertFalse(r.passed());
    assertEquals(0.5 * r.worst().difference(), r.worst().derivative(), 1e-6);
  }

  /** x³ + (x − stop(x)) stop(x): the value and first derivative of a function, not the second. */
  @Test
  void aWrongSecondDerivativeIsFoundAtOrderTwo() {
    Function<Tensor, Tensor> f =
        x -> {
          Tensor s = x.stopGradient();
          Tensor linear = s.square().mul(3).mul(x.sub(s));
          return s.square().mul(s).add(linear).sum();
        };
    assertTrue(check(f, 1).passed());
    GradientReport r = check(f, 2);
    assertFalse(r.passed());
    assertEquals(2, r.worst().order());
  }

  @Test
  void theLeafAtFaultIsNamed() {
    record Model(Tensor good, Tensor bad) {}
    Function<Model, Tensor> f =
        m -> m.good().square().sum().add(m.bad().mul(1e-2).exp().stopGradient().sum());
    GradientReport r = Autodiff.checkGradients(f, new Model(X, X), 1);
    assertEquals("bad", r.worst().path());
    assertEquals(List.of("good", "bad"), r.findings().stream().map(g -> g.path()).toList());
  }

  @Test
  void notANumberFails() {
    GradientReport r = check(x -> x.square().neg().log().sum(), 1);
    assertFalse(r.passed());
  }

  @Test
  void models() {
    for (String arch : List.of("mlp:3-4-2:tanh", "mlp:3-4-2:gelu", "mlp:3-3-2:silu")) {
      Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse(arch), DType.F64);
      Tensor x = Arr.normal(new Random(2), 5, 3).tensor();
      Tensor y = Tensor.of(new int[] {0, 1, 1, 0, 1});
      GradientReport r =
          Autodiff.checkGradients((Mlp p) -> Loss.CROSS_ENTROPY.apply(p.apply(x), y), m, 2);
      assertTrue(r.passed(), arch + ": " + r);
      assertEquals(8, r.findings().size());
    }
  }

  @Test
  void orderMustBePositive() {
    assertThrows(IllegalArgumentException.class, () -> check(x -> x.sum(), 0));
  }
}
