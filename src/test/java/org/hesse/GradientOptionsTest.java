package org.hesse;

import static org.hesse.Autodiff.checkGradients;
import static org.hesse.Autodiff.customJvp;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The gradient check's options, and points near kinks. */
class GradientOptionsTest {
  private static final GradientOptions FULL = GradientOptions.order(1).everyCoordinate();
  private static final Tensor X = normal(1, 2, 3);

  @Test
  void everyCoordinate() {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      int order = dtype == DType.F64 ? 3 : 2;
      GradientOptions all = GradientOptions.order(order).everyCoordinate();
      GradientReport r = checkGradients(x -> x.softmax(1).mul(x.sin()).sum(), X.cast(dtype), all);
      assertTrue(r.passed(), r.toString());
      assertEquals(order, r.findings().size());
      assertTrue(r.moves().isEmpty(), r.toString());
    }
  }

  /** Wrong by one part in a hundred in one coordinate of six. */
  @Test
  void oneWrongCoordinateIsFound() {
    Tensor scale = Tensor.of(new double[] {1, 1, 1, 1, 1.01, 1}, 2, 3);
    Function<Tensor, Tensor> f =
        customJvp((Tensor x) -> x.exp().sum(), (x, y, dx) -> x.exp().mul(dx).mul(scale).sum());
    GradientReport r = checkGradients(f, X, FULL);
    assertFalse(r.passed());
    assertEquals(1.01, r.worst().derivative() / r.worst().difference(), 1e-6);
  }

  @Test
  void pointsOnKinksAreMovedAndTheReportSaysSo() {
    Tensor x = Tensor.of(new double[] {0, 1, -1, 2});
    for (GradientOptions options : new GradientOptions[] {FULL, GradientOptions.order(1)}) {
      GradientReport r = checkGradients((Tensor t) -> t.relu().mul(3).sum(), x, options);
      assertTrue(r.passed(), r.toString());
      assertFalse(r.moves().isEmpty());
      assertTrue(r.toString().contains("kink"), r.toString());
    }
  }

  /** The first derivative of relu jumps: seen at order 2. */
  @Test
  void jumpsOfHigherDerivatives() {
    Tensor x = Tensor.of(new double[] {1e-9, 1, -1});
    GradientOptions two = GradientOptions.order(2).everyCoordinate();
    GradientReport r = checkGradients((Tensor t) -> t.relu().square().sum(), x, two);
    assertTrue(r.passed(), r.toString());
    assertEquals(1, r.moves().size(), r.toString());
  }

  @Test
  void closeToAKinkButNotOnIt() {
    for (double distance : new double[] {1e-10, 1e-7, 1e-6, 1e-5, 1e-4}) {
      Tensor x = Tensor.of(new double[] {distance, -distance});
      GradientReport r = checkGradients((Tensor t) -> t.abs().add(t.sin()).sum(), x, FULL);
      assertTrue(r.passed(), distance + ": " + r);
    }
  }

  /** The value says nothing about how large a derivative is. */
  @Test
  void aWrongDerivativeOfALargeValueIsFound() {
    for (double offset : new double[] {0, 1, 1e4, 1e7}) {
      Function<Tensor, Tensor> right = x -> x.sin().sum().add(offset);
      Function<Tensor, Tensor> wrong =
          customJvp(right, (x, y, dx) -> x.cos().mul(dx).sum().mul(1.01));
      assertTrue(checkGradients(right, X, FULL).passed(), offset + " right");
      assertFalse(checkGradients(wrong, X, FULL).passed(), offset + " wrong");
    }
  }

  @Test
  void derivativesThatVanishPass() {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor x = normal(2, 40, 25).cast(dtype);
      GradientReport constant =
          checkGradients((Tensor t) -> t.softmax(1).sum(), x, GradientOptions.order(2));
      assertTrue(constant.passed(), constant.toString());
      // At the minimum of a steep bowl only the third derivative is left beside rounding.
      Tensor zero = Tensor.zeros(dtype, 3);
      GradientReport bowl = checkGradients(t -> t.cos().mul(1e4).sum(), zero, FULL);
      assertTrue(bowl.passed(), bowl.toString());
    }
  }

  @Test
  void aWrongDerivativeBesideAKinkIsStillFound() {
    Function<Tensor, Tensor> wrong =
        customJvp((Tensor x) -> x.abs().sum(), (x, y, dx) -> x.sign().mul(dx).sum().mul(1.5));
    assertFalse(checkGradients(wrong, Tensor.of(new double[] {0, 0}), FULL).passed());
    GradientReport smooth = checkGradients(x -> x.mul(x.stopGradient()).sum(), X, FULL);
    assertFalse(smooth.passed());
    assertTrue(smooth.moves().isEmpty(), smooth.toString());
  }

  record Model(Tensor good, Tensor bad) {}

  @Test
  void theWorstPathIsNamed() {
    GradientReport r =
        checkGradients(
            (Model m) -> m.good().exp().sum().add(m.bad().stopGradient().sum()),
            new Model(X, X),
            FULL);
    assertEquals("bad", r.worst().path());
    assertTrue(r.toString().startsWith("FAILED"), r.toString());
    assertTrue(r.toString().contains("worst 'bad' order 1"), r.toString());
  }

  @Test
  void misuseIsExplained() {
    illegalArgument(() -> GradientOptions.order(0), "order", "1 or more");
    illegalArgument(() -> GradientOptions.order(1).directions(0), "directions");
  }
}
