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

  private static final Tensor ORIGIN = Tensor.zeros(DType.F64, 3);

  @Test
  void pointsOnKinksAreMovedAndNamed() {
    List<Function<Tensor, Tensor>> rough =
        List.of(
            x -> x.relu().sum(),
            x -> x.abs().sum(),
            x -> x.relu().square().sum(), // a kink of the derivative
            x -> x.abs().mul(x).sum(), // the same, with slopes that agree at 0
            x -> x.max());
    for (int i = 0; i < rough.size(); i++) {
      GradientReport r = Autodiff.checkGradients(rough.get(i), ORIGIN, 2);
      assertTrue(r.passed(), i + ": " + r);
      assertFalse(r.moves().isEmpty(), i + ": " + r);
      String move = r.moves().getFirst();
      assertTrue(move.contains("kink") && move.contains("moved by 9.7e-05"), move);
    }
    GradientReport smooth = Autodiff.checkGradients((Tensor x) -> x.square().sum(), ORIGIN, 2);
    assertTrue(smooth.passed() && smooth.moves().isEmpty(), smooth.toString());
    GradientReport cubic =
        Autodiff.checkGradients((Tensor x) -> x.mul(x).mul(x).add(x.sin()).sum(), ORIGIN, 3);
    assertTrue(cubic.passed() && cubic.moves().isEmpty(), cubic.toString());
  }

  /** All hidden units are at their kink, whatever the data. */
  @Test
  void aNetworkOfRectifiersWithoutWeights() {
    Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:3-4-2:relu"), DType.F64);
    Tree<Mlp> tree = Tree.of(m);
    List<Tensor> leaves = new java.util.ArrayList<>(tree.leaves(m));
    leaves.set(0, leaves.get(0).mul(0));
    leaves.set(1, leaves.get(1).mul(0));
    Tensor x = Arr.normal(new Random(2), 5, 3).tensor();
    Tensor y = Tensor.of(new int[] {0, 1, 1, 0, 1});
    GradientReport r =
        Autodiff.checkGradients(
            (Mlp p) -> Loss.CROSS_ENTROPY.apply(p.apply(x), y), tree.rebuild(leaves), 2);
    assertTrue(r.passed(), r.toString());
    assertEquals(4, r.moves().size(), r.toString());
    assertTrue(r.moves().get(0).startsWith("'layers.0.weight' order 1: a kink"), r.toString());
    assertTrue(r.moves().get(3).startsWith("'layers.0.bias' order 2: a kink"), r.toString());
  }

  /** A wrong derivative beside a kink is found all the same. */
  @Test
  void aKinkHidesNoMistake() {
    Function<Tensor, Tensor> f = x -> x.relu().add(x.stopGradient()).sum();
    GradientReport r = Autodiff.checkGradients(f, ORIGIN, 1);
    assertFalse(r.passed(), r.toString());
    assertFalse(r.moves().isEmpty(), r.toString());
  }
}
