package org.hesse;

import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class FiniteDifferencesTest {
  private static final Tensor X = Tensor.scalar(0.7, DType.F64);
  private static final Tensor ONE = Tensor.scalar(1, DType.F64);

  private static Tensor f(Tensor x) {
    return x.sin().exp();
  }

  private static double value(double x) {
    return Math.exp(Math.sin(x));
  }

  private static double first() {
    return value(0.7) * Math.cos(0.7);
  }

  private static double secondDerivative() {
    return value(0.7) * (Math.cos(0.7) * Math.cos(0.7) - Math.sin(0.7));
  }

  /** The slope of log error over log step, where truncation is far above rounding. */
  private static double slope(DoubleUnaryOperator quotient, double exact, double h) {
    double wide = Math.abs(quotient.applyAsDouble(h) - exact);
    double narrow = Math.abs(quotient.applyAsDouble(h / 4) - exact);
    return Math.log(wide / narrow) / Math.log(4);
  }

  @Test
  void errorsFallAsDocumented() {
    double a =
        slope(
            h -> FiniteDifferences.forward(FiniteDifferencesTest::f, X, ONE, h).item(),
            first(),
            1e-3);
    assertEquals(1, a, 0.01);
    double b =
        slope(
            h -> FiniteDifferences.central(FiniteDifferencesTest::f, X, ONE, h).item(),
            first(),
            1e-2);
    assertEquals(2, b, 0.01);
    double c =
        slope(
            h -> FiniteDifferences.second(FiniteDifferencesTest::f, X, ONE, h).item(),
            secondDerivative(),
            0.05);
    assertEquals(2, c, 0.02);
  }

  /** The documented steps, whose errors are a few times ε^½, ε^⅔ and ε^½. */
  @Test
  void defaultSteps() {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      double e = dtype.epsilon();
      Tensor x = X.cast(dtype);
      Tensor one = ONE.cast(dtype);
      assertEquals(
          first(),
          FiniteDifferences.forward(FiniteDifferencesTest::f, x, one).item(),
          10 * Math.sqrt(e));
      assertEquals(
          first(),
          FiniteDifferences.central(FiniteDifferencesTest::f, x, one).item(),
          10 * Math.pow(e, 2 / 3.0));
      assertEquals(
          secondDerivative(),
          FiniteDifferences.second(FiniteDifferencesTest::f, x, one).item(),
          20 * Math.sqrt(e));
    }
    assertEquals(1.5e-8, FiniteDifferences.forwardStep(DType.F64), 1e-9);
    assertEquals(4.9e-3, FiniteDifferences.centralStep(DType.F32), 1e-4);
    assertEquals(1.2e-4, FiniteDifferences.secondStep(DType.F64), 1e-5);
  }

  record Both(Tensor x, Tensor index) {}

  @Test
  void treesWithLeavesThatAreNotReal() {
    Both p = new Both(normal(1, 3), Tensor.of(new int[] {1, 2, 3}));
    Function<Both, Both> f = b -> new Both(b.x().mul(b.index().cast(DType.F64)), b.index());
    Both d = FiniteDifferences.central(f, p, p);
    close(p.x().mul(p.index().cast(DType.F64)), d.x(), 1e-9);
    assertEquals(0, d.index().sum().item());
  }

  @Test
  void misuseIsExplained() {
    illegalArgument(
        () -> FiniteDifferences.central(FiniteDifferencesTest::f, X, normal(2, 3)),
        "v",
        "F64[3]",
        "F64[]");
    illegalArgument(
        () -> FiniteDifferences.forward(FiniteDifferencesTest::f, X, ONE, 0), "h", "0.0");
    Tensor whole = Tensor.of(new int[] {1});
    illegalArgument(
        () -> FiniteDifferences.central(FiniteDifferencesTest::f, whole, whole), "x", "real");
  }
}
