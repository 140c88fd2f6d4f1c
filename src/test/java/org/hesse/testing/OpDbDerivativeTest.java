package org.hesse.testing;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vjp;
import static org.hesse.testing.Modes.scalar;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.GradientReport;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.testing.Modes.First;
import org.hesse.testing.Modes.Probe;
import org.hesse.testing.Modes.Second;
import org.hesse.testing.Modes.Third;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Derivatives of every operation in every mode, to order 3 in F64 and to order 2 in F32: acceptance
 * check 37, whose others are in {@code AutodiffTest}.
 */
class OpDbDerivativeTest {
  /** Step of the four-point difference quotient; its error is O(step⁴). */
  private static final double STEP = 5e-4;

  private static Probe probe(Case c) {
    List<Arr> x = c.x();
    return Probe.of(new Random(c.toString().hashCode()), x, c.reference(x).dims());
  }

  private static List<Arr> arrays(List<Tensor> tensors) {
    return tensors.stream().map(Arr::of).toList();
  }

  /** d/dt f(x + t v) at 0 for each result of f. */
  private static List<Arr> difference(
      Function<List<Arr>, List<Arr>> f, List<Tensor> x, List<Tensor> v) {
    double[] points = {-2, -1, 1, 2};
    double[] weights = {1 / 12.0, -8 / 12.0, 8 / 12.0, -1 / 12.0};
    List<Arr> sums = null;
    for (int p = 0; p < points.length; p++) {
      List<Arr> moved = new ArrayList<>();
      for (int i = 0; i < x.size(); i++) {
        moved.add(Arr.of(x.get(i)).plus(points[p] * STEP, Arr.of(v.get(i))));
      }
      List<Arr> y = f.apply(moved);
      List<Arr> next = new ArrayList<>();
      for (int i = 0; i < y.size(); i++) {
        Arr zero = y.get(i).map(z -> 0);
        next.add((sums == null ? zero : sums.get(i)).plus(weights[p] / STEP, y.get(i)));
      }
      sums = next;
    }
    return sums;
  }

  /**
   * As good as the difference quotient: relative to it and to the function's size over the step.
   */
  private static void assertDerivative(String what, Arr quotient, Arr exact, double size) {
    double bound = 1e-7 * Math.max(quotient.maxAbs(), exact.maxAbs()) + 1e-11 * size;
    Close.assertWithin(what, quotient, exact, bound);
  }

  // ---- first order

  @TestFactory
  Stream<DynamicTest> firstDerivatives() {
    return OpDb.check(Property.FIRST_ORDER, OpDbDerivativeTest::checkFirst);
  }

  static void checkFirst(Case c) {
    Probe p = probe(c);
    First d = compile((Probe q) -> Modes.first(c.op(), q)).apply(p);
    Arr quotient = difference(x -> List.of(c.reference(x)), p.x(), p.v()).getFirst();
    Arr y = Arr.of(d.y());
    assertDerivative(c + ": jvp", quotient, Arr.of(d.jv()), y.maxAbs());
    Modes.assertDual(c.toString(), d, p, 1e-13, 0);
    // Outside compile the pullback runs on values that were computed before.
    var pulled = vjp(c.op(), p.x());
    Close.assertClose(c + ": value", d.y(), pulled.value(), 1e-13);
    Close.assertAllClose(c + ": vjp", d.jtw(), pulled.pullback().apply(p.w()), 1e-13);
    List<Arr> unplanned = Interpreted.run((Probe q) -> Modes.first(c.op(), q), p);
    for (int i = 0; i < unplanned.size(); i++) {
      Arr got = Arr.of(Tree.leavesOf(d).get(i));
      Close.assertClose(c + ": planned, leaf " + i, unplanned.get(i), got, 1e-12);
    }
  }

  @TestFactory
  Stream<DynamicTest> whatHasNoDerivativeHasZeros() {
    return OpDb.rows().stream()
        .filter(r -> r.order() == 0)
        .map(r ->
            dynamicTest(
                r.name(),
                () ->
                    r.samples().stream()
                        .filter(OpRow.Sample::smooth)
                        .forEach(x -> checkZero(new Case(r, x)))));
  }

  private static void checkZero(Case c) {
    List<Tensor> x = Case.tensors(c.x(), DType.F64);
    Tensor y = jvp(c.op(), x, x).tangent();
    assertEquals(0, Arr.of(y).maxAbs(), c + ": tangent");
    if (y.dtype().isReal()) {
      List<Tensor> g = grad((List<Tensor> z) -> c.op().apply(z).sum()).apply(x);
      g.forEach(t -> assertEquals(0, Arr.of(t).maxAbs(), c + ": gradient"));
    }
  }

  // ---- second order

  @TestFactory
  Stream<DynamicTest> secondDerivatives() {
    return OpDb.check(Property.SECOND_ORDER, OpDbDerivativeTest::checkSecond);
  }

  private static void checkSecond(Case c) {
    Probe p = probe(c);
    Second d = compile((Probe q) -> Modes.second(c.op(), q)).apply(p);
    var gradient = compile(grad(scalar(c.op(), p.w())));
    List<Arr> quotient =
        difference(x -> arrays(gradient.apply(Case.tensors(x, DType.F64))), p.x(), p.v());
    double size =
        d.gradient().stream().mapToDouble(t -> Arr.of(t).maxAbs()).reduce(1e-3, Math::max);
    for (int i = 0; i < quotient.size(); i++) {
      assertDerivative(c + ": H v", quotient.get(i), Arr.of(d.hv().get(i)), size);
    }
    Modes.assertAgree(c.toString(), d, p, 1e-12, 1e-3);
    List<Arr> unplanned = Interpreted.run((Probe q) -> Modes.second(c.op(), q), p);
    for (int i = 0; i < unplanned.size(); i++) {
      Arr got = Arr.of(Tree.leavesOf(d).get(i));
      Close.assertWithin(c + ": planned, leaf " + i, unplanned.get(i), got, 1e-11 * (size + 1));
    }
  }

  // ---- third order

  @TestFactory
  Stream<DynamicTest> thirdDerivatives() {
    return OpDb.check(Property.THIRD_ORDER, OpDbDerivativeTest::checkThird);
  }

  private static void checkThird(Case c) {
    Probe p = probe(c);
    Third d = compile((Probe q) -> Modes.third(c.op(), q)).apply(p);
    Function<List<Tensor>, Tensor> s = scalar(c.op(), p.w());
    var hv = compile((List<Tensor> x) -> hvp(s, x, p.v()));
    List<Arr> quotient =
        difference(x -> arrays(hv.apply(Case.tensors(x, DType.F64))), p.x(), p.u());
    double size = Math.max(1e-3, Modes.largest(d.hv()));
    for (int i = 0; i < quotient.size(); i++) {
      assertDerivative(c + ": third", quotient.get(i), Arr.of(d.forward().get(i)), size);
    }
    Modes.assertAgree(c.toString(), d, 1e-11, 1e-3);
  }

  @TestFactory
  Stream<DynamicTest> derivativesReplayed() {
    return OpDb.check(Property.DERIVATIVES_REPLAYED, OpDbDerivativeTest::checkReplayed);
  }

  /** The plan of a gradient and a Hessian product, used for several points. */
  private static void checkReplayed(Case c) {
    Probe p = probe(c);
    Function<List<Tensor>, Tensor> s = scalar(c.op(), p.w());
    Function<List<Tensor>, List<List<Tensor>>> both =
        x -> List.of(grad(s).apply(x), hvp(s, x, p.v()));
    var compiled = compile(both);
    for (int replay = 0; replay < 3; replay++) {
      List<Tensor> x = Case.tensors(c.pick(c.variant(replay)), DType.F64);
      List<List<Tensor>> expected = both.apply(x);
      List<List<Tensor>> got = compiled.apply(x);
      for (int i = 0; i < expected.size(); i++) {
        Close.assertAllClose(c + " call " + replay, expected.get(i), got.get(i), 1e-12);
      }
    }
  }

  // ---- single precision

  /** The table's checks are in F64; in F32 the step and the bound are those of its rounding. */
  @TestFactory
  Stream<DynamicTest> derivativesInSinglePrecision() {
    return OpDb.check(Property.SINGLE_PRECISION, OpDbDerivativeTest::checkSingle);
  }

  private static void checkSingle(Case c) {
    List<Tensor> x = Case.tensors(c.x(), DType.F32);
    Function<List<Tensor>, Tensor> f = c.op(DType.F32);
    GradientReport report = Autodiff.checkGradients(in -> weighted(f.apply(in)), x, 2);
    assertTrue(report.passed(), c + ": " + report);
  }

  private static Tensor weighted(Tensor y) {
    Tensor index = Tensor.arange(y.dtype(), Math.toIntExact(y.size()));
    return y.mul(index.add(1).sin().reshape(y.shape().dims())).sum();
  }
}
