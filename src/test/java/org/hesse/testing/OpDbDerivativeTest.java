package org.hesse.testing;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vjp;
import static org.hesse.testing.Case.inner;
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
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Derivatives of every operation in every mode, in F64. */
class OpDbDerivativeTest {
  /** Step of the four-point difference quotient; its error is O(step⁴). */
  private static final double STEP = 5e-4;

  /** Operands, two directions, and weights that make the result a scalar. */
  private record Probe(List<Tensor> x, List<Tensor> u, List<Tensor> v, Tensor w) {}

  private record First(Tensor y, Tensor ju, Tensor jv, List<Tensor> jtw, Tensor twice) {}

  private record Second(
      List<Tensor> gradient,
      List<Tensor> hv,
      List<Tensor> hu,
      List<Tensor> forwardOverReverse,
      List<Tensor> reverseOverReverse,
      List<Tensor> reverseOverForward,
      Tensor forwardOverForward) {}

  private record Third(List<Tensor> hv, List<Tensor> forward, List<Tensor> reverse) {}

  private static Probe probe(Case c) {
    Random random = new Random(c.toString().hashCode());
    List<Arr> x = c.x();
    List<Tensor> u = directions(random, x);
    List<Tensor> v = directions(random, x);
    Tensor w = Arr.normal(random, c.reference(x).dims()).tensor();
    return new Probe(Case.tensors(x, DType.F64), u, v, w);
  }

  private static List<Tensor> directions(Random random, List<Arr> x) {
    return x.stream()
        .map(a -> Arr.build(DType.F64, a.dims(), i -> 2 * random.nextDouble() - 1).tensor())
        .toList();
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

  private static First first(Case c, Probe p) {
    Function<List<Tensor>, Tensor> f = c.op();
    Function<Tensor, List<Tensor>> transposed = w -> vjp(f, p.x).pullback().apply(w);
    var forward = jvp(f, p.x, p.v);
    return new First(
        forward.value(),
        jvp(f, p.x, p.u).tangent(),
        forward.tangent(),
        transposed.apply(p.w),
        vjp(transposed, p.w).pullback().apply(p.v));
  }

  @TestFactory
  Stream<DynamicTest> firstDerivatives() {
    return OpDb.check(Property.FIRST_ORDER, OpDbDerivativeTest::checkFirst);
  }

  static void checkFirst(Case c) {
    Probe p = probe(c);
    First d = compile((Probe q) -> first(c, q)).apply(p);
    Arr quotient = difference(x -> List.of(c.reference(x)), p.x, p.v).getFirst();
    Arr y = Arr.of(d.y);
    assertDerivative(c + ": jvp", quotient, Arr.of(d.jv), y.maxAbs());
    double forward = Arr.of(p.w).dot(Arr.of(d.ju));
    double reverse = 0;
    double size = 1e-300;
    for (int i = 0; i < p.u.size(); i++) {
      Arr u = Arr.of(p.u.get(i));
      Arr g = Arr.of(d.jtw.get(i));
      reverse += u.dot(g);
      size += u.map(Math::abs).dot(g.map(Math::abs));
    }
    size += Arr.of(p.w).map(Math::abs).dot(Arr.of(d.ju).map(Math::abs));
    assertEquals(forward, reverse, 1e-13 * size, c + ": <w, J u> = <J'w, u>");
    Close.assertClose(c + ": transposed twice", d.jv, d.twice, 1e-13);
    // Outside compile the pullback runs on values that were computed before.
    var pulled = vjp(c.op(), p.x);
    Close.assertClose(c + ": value", d.y, pulled.value(), 1e-13);
    Close.assertAllClose(c + ": vjp", d.jtw, pulled.pullback().apply(p.w), 1e-13);
    List<Arr> unplanned = Graphs.interpret((Probe q) -> first(c, q), p);
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

  private static Function<List<Tensor>, Tensor> scalar(Case c, Tensor w) {
    return x -> c.op().apply(x).mul(w).sum();
  }

  private static Second second(Case c, Probe p) {
    Function<List<Tensor>, Tensor> s = scalar(c, p.w);
    return new Second(
        grad(s).apply(p.x),
        hvp(s, p.x, p.v),
        hvp(s, p.x, p.u),
        jvp(grad(s), p.x, p.v).tangent(),
        grad((List<Tensor> x) -> inner(grad(s).apply(x), p.v)).apply(p.x),
        grad((List<Tensor> x) -> jvp(s, x, p.v).tangent()).apply(p.x),
        jvp((List<Tensor> x) -> jvp(s, x, p.v).tangent(), p.x, p.u).tangent());
  }

  @TestFactory
  Stream<DynamicTest> secondDerivatives() {
    return OpDb.check(Property.SECOND_ORDER, OpDbDerivativeTest::checkSecond);
  }

  private static void checkSecond(Case c) {
    Probe p = probe(c);
    Second d = compile((Probe q) -> second(c, q)).apply(p);
    var gradient = compile(grad(scalar(c, p.w)));
    List<Arr> quotient =
        difference(x -> arrays(gradient.apply(Case.tensors(x, DType.F64))), p.x, p.v);
    double size = d.gradient.stream().mapToDouble(t -> Arr.of(t).maxAbs()).reduce(1e-3, Math::max);
    for (int i = 0; i < quotient.size(); i++) {
      assertDerivative(c + ": H v", quotient.get(i), Arr.of(d.hv.get(i)), size);
    }
    double bound = 1e-12 * largest(d.hv, d.hu);
    within(c + ": forward over reverse", d.hv, d.forwardOverReverse, bound);
    within(c + ": reverse over reverse", d.hv, d.reverseOverReverse, bound);
    within(c + ": reverse over forward", d.hv, d.reverseOverForward, bound);
    double uhv = 0;
    double vhu = 0;
    for (int i = 0; i < p.u.size(); i++) {
      uhv += Arr.of(p.u.get(i)).dot(Arr.of(d.hv.get(i)));
      vhu += Arr.of(p.v.get(i)).dot(Arr.of(d.hu.get(i)));
    }
    double n = p.x.stream().mapToDouble(Tensor::size).sum();
    assertEquals(uhv, vhu, bound * n, c + ": symmetric");
    assertEquals(uhv, d.forwardOverForward.item(), bound * n, c + ": forward over forward");
    List<Arr> unplanned = Graphs.interpret((Probe q) -> second(c, q), p);
    for (int i = 0; i < unplanned.size(); i++) {
      Arr got = Arr.of(Tree.leavesOf(d).get(i));
      Close.assertWithin(c + ": planned, leaf " + i, unplanned.get(i), got, 1e-11 * (size + 1));
    }
  }

  @SafeVarargs
  private static double largest(List<Tensor>... lists) {
    double most = 1e-3;
    for (List<Tensor> list : lists) {
      for (Tensor t : list) {
        most = Math.max(most, Arr.of(t).maxAbs());
      }
    }
    return most;
  }

  private static void within(String what, List<Tensor> a, List<Tensor> b, double bound) {
    for (int i = 0; i < a.size(); i++) {
      Close.assertWithin(what + ", leaf " + i, Arr.of(a.get(i)), Arr.of(b.get(i)), bound);
    }
  }

  // ---- third order

  private static Third third(Case c, Probe p) {
    Function<List<Tensor>, Tensor> s = scalar(c, p.w);
    Function<List<Tensor>, List<Tensor>> hv = x -> hvp(s, x, p.v);
    return new Third(
        hv.apply(p.x),
        jvp(hv, p.x, p.u).tangent(),
        grad((List<Tensor> x) -> inner(hv.apply(x), p.u)).apply(p.x));
  }

  @TestFactory
  Stream<DynamicTest> thirdDerivatives() {
    return OpDb.check(Property.THIRD_ORDER, OpDbDerivativeTest::checkThird);
  }

  private static void checkThird(Case c) {
    Probe p = probe(c);
    Third d = compile((Probe q) -> third(c, q)).apply(p);
    Function<List<Tensor>, Tensor> s = scalar(c, p.w);
    var hv = compile((List<Tensor> x) -> hvp(s, x, p.v));
    List<Arr> quotient = difference(x -> arrays(hv.apply(Case.tensors(x, DType.F64))), p.x, p.u);
    double size = largest(d.hv);
    for (int i = 0; i < quotient.size(); i++) {
      assertDerivative(c + ": third", quotient.get(i), Arr.of(d.forward.get(i)), size);
    }
    within(c + ": forward and reverse", d.forward, d.reverse, 1e-11 * largest(d.forward, d.hv));
  }

  @TestFactory
  Stream<DynamicTest> derivativesReplayed() {
    return OpDb.check(Property.DERIVATIVES_REPLAYED, OpDbDerivativeTest::checkReplayed);
  }

  /** The plan of a gradient and a Hessian product, used for several points. */
  private static void checkReplayed(Case c) {
    Probe p = probe(c);
    Function<List<Tensor>, Tensor> s = scalar(c, p.w);
    Function<List<Tensor>, List<List<Tensor>>> both =
        x -> List.of(grad(s).apply(x), hvp(s, x, p.v));
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
