package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Functions.crossEntropy;
import static org.hesse.testing.Close.assertAllClose;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** What must hold of derivatives of whole functions. Numbers are those of the acceptance list. */
class AutodiffTest {
  private static final DType F64 = DType.F64;

  private static Tensor scalar(double x) {
    return Tensor.scalar(x, F64);
  }

  private static Tensor random(long seed, int... dims) {
    return Arr.normal(new Random(seed), dims).tensor();
  }

  private static Function<Mlp, Tensor> loss(Tensor x, Tensor y) {
    return m -> Loss.CROSS_ENTROPY.apply(m.apply(x), y);
  }

  private static Mlp model() {
    return Mlp.init(RngKey.of(3), MlpShape.parse("mlp:3-4-2:tanh"), F64);
  }

  private static Tensor labels(int n) {
    return Arr.build(DType.I32, new int[] {n}, i -> i[0] * 7 / 3 % 2).tensor();
  }

  // ---- 38

  /** log Σ exp is a cumulant generating function: its derivatives along v are cumulants of v. */
  @Test
  void stoppingTheMaximumIsExactAtEveryOrder() {
    double[] x = {0.3, -1.2, 2.0, 1.9};
    double[] v = {1.0, -0.5, 0.25, 2.0};
    double total = 0;
    for (double xi : x) {
      total += Math.exp(xi);
    }
    double mean = 0;
    for (int i = 0; i < x.length; i++) {
      mean += Math.exp(x[i]) / total * v[i];
    }
    double[] moment = new double[6];
    for (int i = 0; i < x.length; i++) {
      for (int k = 0; k < moment.length; k++) {
        moment[k] += Math.exp(x[i]) / total * Math.pow(v[i] - mean, k);
      }
    }
    double[] cumulants = {
      Math.log(total),
      mean,
      moment[2],
      moment[3],
      moment[4] - 3 * moment[2] * moment[2],
      moment[5] - 10 * moment[3] * moment[2]
    };
    Tensor tx = Tensor.of(x);
    Tensor tv = Tensor.of(v);
    Function<Tensor, Tensor> reverse = t -> tx.add(tv.mul(t)).logSumExp(0);
    Function<Tensor, Tensor> forward = reverse;
    for (int k = 0; k < cumulants.length; k++) {
      double r = compile(reverse).apply(scalar(0)).item();
      double f = compile(forward).apply(scalar(0)).item();
      assertEquals(cumulants[k], r, 1e-12, "order " + k + " by reverse mode");
      assertEquals(cumulants[k], f, 1e-12, "order " + k + " by forward mode");
      Function<Tensor, Tensor> lower = forward;
      forward = t -> jvp(lower, t, scalar(1)).tangent();
      reverse = grad(reverse);
    }
  }

  @Test
  void logarithmOfASumOfExponentialsHasItsInfiniteValues() {
    double inf = Double.POSITIVE_INFINITY;
    Tensor x = Tensor.of(new double[] {-inf, -inf, inf, 0, -inf, 1}, 3, 2);
    assertClose("rows", Tensor.of(new double[] {-inf, inf, 1}), x.logSumExp(1), 0);
    Tensor none = Tensor.zeros(F64, 2, 0);
    assertClose("none", Tensor.of(new double[] {-inf, -inf}), none.logSumExp(1), 0);
    for (int n : new int[] {2, 9, 40}) {
      double[] row = new double[n];
      row[1] = inf;
      for (DType dtype : List.of(DType.F32, F64)) {
        Tensor logits = Tensor.of(row, n).cast(dtype);
        assertEquals(inf, logits.logSumExp(0).item(), dtype + ", " + n);
        Tensor losses = crossEntropy(logits.reshape(1, n), Tensor.of(new int[] {0}));
        assertEquals(inf, losses.sum().item(), dtype + ", " + n);
        row[0] = Double.NaN;
        assertEquals(Double.NaN, Tensor.of(row, n).cast(dtype).logSumExp(0).item());
        row[0] = 0;
      }
    }
  }

  /** The least integer is its own negative. */
  @Test
  void quotientsOfNegatedIntegersAreThoseOfTheNegated() {
    Tensor p = Tensor.of(new int[] {Integer.MIN_VALUE, 7});
    Tensor q = Tensor.of(new int[] {2, 2});
    BiFunction<Tensor, Tensor, Tensor> f = compile((a, b) -> a.neg().div(b.neg()));
    assertArrayEquals(new int[] {1 << 30, 3}, f.apply(p, q).toIntArray());
  }

  @Test
  void hugeLogitsHaveFiniteDerivatives() {
    for (DType dtype : List.of(DType.F32, F64)) {
      Tensor x =
          Tensor.of(new double[] {1e4, -1e4, 0, -1e4, 1e4, 9999, 1e4, 1e4, -1e4}, 3, 3).cast(dtype);
      Tensor y = Tensor.of(new int[] {1, 1, 2});
      Tensor v = random(1, 3, 3).cast(dtype);
      Tensor w = random(2, 3, 3).cast(dtype);
      List<Function<Tensor, Tensor>> functions =
          List.of(
              t -> Loss.CROSS_ENTROPY.apply(t, y),
              t -> t.softmax(1).mul(w).sum(),
              t -> t.logSoftmax(1).mul(w).sum(),
              t -> t.logSumExp(1).sum());
      for (Function<Tensor, Tensor> f : functions) {
        assertFinite(f.apply(x));
        assertFinite(grad(f).apply(x));
        assertFinite(hvp(f, x, v));
        assertFinite(grad((Tensor t) -> grad(f).apply(t).mul(v).sum()).apply(x));
      }
      double expected = (2e4 + Math.log1p(Math.exp(-1)) + 2e4 + Math.log(2)) / 3;
      double loss = Loss.CROSS_ENTROPY.apply(x, y).item();
      assertEquals(expected, loss, 2 * dtype.epsilon() * expected);
    }
  }

  private static void assertFinite(Tensor t) {
    for (double x : t.toDoubleArray()) {
      assertTrue(Double.isFinite(x), t.toString());
    }
  }

  // ---- 39, 40

  @Test
  void hessianOfANetworkIsSymmetric() {
    Mlp m = model();
    Function<Mlp, Tensor> f = loss(random(4, 5, 3), labels(5));
    Tree<Mlp> tree = Tree.of(m);
    int n = tree.ravel(m).dim(0);
    Function<Tensor, Tensor> row = v -> tree.ravel(hvp(f, m, tree.unravel(v, m)));
    Tensor h = compile(vmap(row)).apply(Tensor.eye(F64, n));
    assertClose("Hessian", h, h.transpose(), 1e-14);
    // Against central differences of the gradient, column by column.
    var gradient = compile((Tensor p) -> tree.ravel(grad(f).apply(tree.unravel(p, m))));
    Tensor at = tree.ravel(m);
    double step = 1e-5;
    for (int i = 0; i < n; i++) {
      Tensor e = Tensor.eye(F64, n).select(0, i).mul(step);
      Tensor up = gradient.apply(at.add(e));
      Tensor quotient = up.sub(gradient.apply(at.sub(e))).div(2 * step);
      Arr got = Arr.of(h.select(0, i));
      org.hesse.testing.Close.assertWithin("row " + i, Arr.of(quotient), got, 1e-9);
    }
  }

  @Test
  void nestedModesAgreeOnANetwork() {
    Mlp m = model();
    Mlp v = Tree.map(m, t -> random(t.size(), t.shape().dims()));
    Function<Mlp, Tensor> f = loss(random(5, 4, 3), labels(4));
    Tree<Mlp> tree = Tree.of(m);
    List<Tensor> forwardOverReverse = tree.leaves(jvp(grad(f), m, v).tangent());
    UnaryOperator<Mlp> reverseOverReverse =
        grad((Mlp p) -> tree.ravel(grad(f).apply(p)).mul(tree.ravel(v)).sum());
    UnaryOperator<Mlp> reverseOverForward = grad((Mlp p) -> jvp(f, p, v).tangent());
    Tensor forwardOverForward = jvp((Mlp p) -> jvp(f, p, v).tangent(), m, v).tangent();
    double rounding = 1e-13;
    assertAllClose("hvp", forwardOverReverse, tree.leaves(hvp(f, m, v)), rounding);
    assertAllClose("rr", forwardOverReverse, tree.leaves(reverseOverReverse.apply(m)), rounding);
    assertAllClose("rf", forwardOverReverse, tree.leaves(reverseOverForward.apply(m)), rounding);
    Tensor vhv = tree.ravel(v).mul(tree.ravel(hvp(f, m, v))).sum();
    assertClose("ff", vhv, forwardOverForward, rounding);
  }

  // ---- 41

  /** d/dt f at a point by each mode. */
  private static List<Function<Function<Tensor, Tensor>, Function<Tensor, Tensor>>> derivatives() {
    return List.of(
        f -> grad(f),
        f -> x -> jvp(f, x, scalar(1)).tangent(),
        f -> x -> vjp(f, x).pullback().apply(scalar(1)));
  }

  @Test
  void perturbationsAreNotConfused() {
    for (var outer : derivatives()) {
      for (var inner : derivatives()) {
        Function<Tensor, Tensor> sum = x -> x.mul(inner.apply(y -> x.add(y)).apply(scalar(3)));
        assertEquals(1, outer.apply(sum).apply(scalar(1)).item(), "x d/dy (x + y)");
        Function<Tensor, Tensor> same = x -> inner.apply(y -> x.mul(y)).apply(x);
        assertEquals(1, outer.apply(same).apply(scalar(5)).item(), "d/dy (x y) at y = x");
        Function<Tensor, Tensor> product =
            x -> x.mul(inner.apply(y -> x.square().mul(y.mul(y).mul(y))).apply(x.mul(2)));
        // x · x² · 3 (2x)² = 12 x⁵
        assertEquals(60 * 16, outer.apply(product).apply(scalar(2)).item(), 1e-12);
      }
    }
  }

  /** Manzyuk and others (2019): a derivative operator that is itself a derivative. */
  @Test
  void derivativesOfCurriedFunctionsAreNotConfused() {
    for (var d : derivatives()) {
      UnaryOperator<Function<Tensor, Tensor>> shifted =
          f -> x -> d.apply(u -> f.apply(x.add(u))).apply(scalar(0));
      Function<Tensor, Tensor> twice = shifted.apply(shifted.apply(Tensor::exp));
      assertEquals(Math.E, twice.apply(scalar(1)).item(), 1e-14);
      Function<Tensor, Tensor> thrice = shifted.apply(shifted.apply(shifted.apply(Tensor::sin)));
      assertEquals(-Math.cos(0.5), thrice.apply(scalar(0.5)).item(), 1e-14);
    }
  }

  @Test
  void threeLevelsOfNesting() {
    Function<Tensor, Tensor> f =
        x ->
            grad((Tensor y) ->
                    grad((Tensor z) -> x.mul(y).mul(z).mul(z).add(x.mul(z))).apply(y.mul(x)))
                .apply(x);
    // d/dz = 2xyz + x at z = xy: 2x²y² + x; d/dy at y = x: 4x³; d/dx: 12x².
    assertEquals(12 * 9, grad(f).apply(scalar(3)).item(), 1e-12);
  }

  // ---- 42

  @Test
  void gradientsOfSamplesAreALoop() {
    Mlp m = model();
    Tensor x = random(6, 6, 3);
    Tensor y = labels(6);
    record Sample(Tensor x, Tensor y) {}
    Function<Sample, Mlp> one = s -> grad(loss(s.x().insertAxis(0), s.y().insertAxis(0))).apply(m);
    Mlp batch = vmap(one).apply(new Sample(x, y));
    Tree<Mlp> tree = Tree.of(m);
    for (int i = 0; i < 6; i++) {
      int row = i;
      Mlp alone = one.apply(new Sample(x.select(0, i), y.select(0, i)));
      List<Tensor> got = tree.leaves(batch).stream().map(t -> t.select(0, row)).toList();
      assertAllClose("sample " + i, tree.leaves(alone), got, 1e-14);
    }
    Mlp mean = Tree.map(batch, t -> t.mean(0));
    Mlp whole = grad(loss(x, y)).apply(m);
    assertAllClose("mean", tree.leaves(whole), tree.leaves(mean), 1e-14);
  }

  // ---- kinks

  @Test
  void documentedSubgradients() {
    Function<UnaryOperator<Tensor>, double[]> g =
        f ->
            grad((Tensor x) -> f.apply(x).mul(Tensor.of(new double[] {3, 5, 7})).sum())
                .apply(Tensor.of(new double[] {-1, 0, 1}))
                .toDoubleArray();
    assertEquals(List.of(0.0, 0.0, 7.0), list(g.apply(Tensor::relu)));
    assertEquals(List.of(-3.0, 0.0, 7.0), list(g.apply(Tensor::abs)));
    Tensor zero = Tensor.zeros(F64, 3);
    assertEquals(List.of(0.0, 2.5, 7.0), list(g.apply(x -> x.maximum(zero))));
    assertEquals(List.of(3.0, 2.5, 0.0), list(g.apply(x -> x.minimum(zero))));
    assertEquals(List.of(3.0, 5.0, 7.0), list(g.apply(x -> x.maximum(x))));
    assertEquals(List.of(0.0, 0.0, 0.0), list(g.apply(Tensor::floor)));
  }

  private static List<Double> list(double[] values) {
    List<Double> list = new ArrayList<>();
    for (double v : values) {
      list.add(v + 0.0);
    }
    return list;
  }

  @Test
  void bothOperandsShareTheDerivativeOfATie() {
    Tensor a = Tensor.of(new double[] {1, 2, 3});
    Tensor b = Tensor.of(new double[] {2, 2, 2});
    for (boolean larger : new boolean[] {true, false}) {
      Function<List<Tensor>, Tensor> f =
          t -> larger ? t.get(0).maximum(t.get(1)).sum() : t.get(0).minimum(t.get(1)).sum();
      List<Tensor> g = grad(f).apply(List.of(a, b));
      double first = larger ? 0 : 1;
      assertClose("a", Tensor.of(new double[] {first, 0.5, 1 - first}), g.get(0), 0);
      assertClose("b", Tensor.of(new double[] {1 - first, 0.5, first}), g.get(1), 0);
    }
  }

  @Test
  void tiesOfAMaximumShareItsDerivative() {
    Tensor x = Tensor.of(new double[] {4, 1, 4, 2, 2, 2}, 2, 3);
    Tensor g = grad((Tensor t) -> t.max(1).sum()).apply(x);
    double third = 1 / 3.0;
    assertClose("rows", Tensor.of(new double[] {0.5, 0, 0.5, third, third, third}, 2, 3), g, 1e-15);
    Tensor all = grad((Tensor t) -> t.max()).apply(x);
    assertClose("all", Tensor.of(new double[] {0.5, 0, 0.5, 0, 0, 0}, 2, 3), all, 1e-15);
    Tensor tangent = jvp((Tensor t) -> t.max(1), x, random(9, 2, 3)).tangent();
    Tensor u = random(10, 2);
    Tensor back = vjp((Tensor t) -> t.max(1), x).pullback().apply(u);
    double left = tangent.mul(u).sum().item();
    assertEquals(left, back.mul(random(9, 2, 3)).sum().item(), 1e-15);
  }

  @Test
  void powersAtZeroHaveDerivatives() {
    Function<Double, Double> first = p -> grad((Tensor x) -> x.pow(p)).apply(scalar(0)).item();
    assertEquals(0, first.apply(0.0));
    assertEquals(1, first.apply(1.0));
    assertEquals(0, first.apply(2.0));
    assertEquals(0, first.apply(3.0));
    Function<Tensor, Tensor> square = x -> x.pow(2);
    assertEquals(2, grad(grad(square)).apply(scalar(0)).item());
    assertEquals(0, grad(grad(grad(square))).apply(scalar(0)).item());
    // With a tensor as exponent no constant is folded away.
    Tensor two = scalar(2);
    assertEquals(2, grad(grad((Tensor x) -> x.pow(two))).apply(scalar(0)).item());
    assertEquals(0, grad((Tensor p) -> scalar(0).pow(p)).apply(two).item());
    assertEquals(8 * Math.log(2), grad((Tensor p) -> two.pow(p)).apply(scalar(3)).item(), 1e-14);
  }

  // ---- mixed precision

  @Test
  void derivativesPassThroughCasts() {
    Tensor x = Tensor.of(new float[] {0.5f, -1.25f, 3});
    Tensor w = Tensor.of(new double[] {1, 2, 4});
    Function<Tensor, Tensor> f =
        t -> {
          Tensor wide = t.cast(F64);
          return wide.mul(wide).mul(wide).mul(w).sum();
        };
    Tensor g = grad(f).apply(x);
    assertClose("3 w x²", Tensor.of(new float[] {0.75f, 9.375f, 108}), g, 0);
    Tensor v = Tensor.of(new float[] {1, 2, -1});
    assertClose("6 w x v", Tensor.of(new float[] {3, -30, -72}), hvp(f, x, v), 0);
    Tensor tangent = jvp((Tensor t) -> t.cast(F64), x, v).tangent();
    assertClose("tangent", v.cast(F64), tangent, 0);
    Tensor narrow = grad((Tensor t) -> t.cast(DType.F32).mul(3).sum()).apply(w);
    assertClose("narrow", Tensor.full(3, F64, 3), narrow, 0);
    Tensor none = grad((Tensor t) -> t.cast(DType.I32).cast(F64).mul(t).sum()).apply(w);
    assertClose("whole numbers are constants", w, none, 0);
  }

  /** Products of F32 operands formed in F64: derivatives are formed in F64 and rounded once. */
  @Test
  void derivativesOfProductsInDoublePrecision() {
    Tensor a = random(1, 3, 40).cast(DType.F32);
    Tensor b = random(2, 40, 2).cast(DType.F32);
    Tensor w = random(3, 3, 2);
    record Pair(Tensor a, Tensor b) {}
    Function<Pair, Tensor> mixed = p -> p.a().matmul(p.b(), F64).mul(w).sum();
    Function<Pair, Tensor> wide = p -> p.a().matmul(p.b()).mul(w).sum();
    Pair exact = grad(wide).apply(new Pair(a.cast(F64), b.cast(F64)));
    Pair got = grad(mixed).apply(new Pair(a, b));
    double rounding = Math.ulp(1f);
    assertClose("a", exact.a().cast(DType.F32), got.a(), rounding);
    assertClose("b", exact.b().cast(DType.F32), got.b(), rounding);
    Pair v = new Pair(b.transpose().matmul(b).sum().mul(a), b);
    Pair wideV = Tree.map(v, t -> t.cast(F64));
    Pair h = hvp(mixed, new Pair(a, b), v);
    Pair exactH = hvp(wide, new Pair(a.cast(F64), b.cast(F64)), wideV);
    assertClose("H a", exactH.a().cast(DType.F32), h.a(), rounding);
    assertClose("H b", exactH.b().cast(DType.F32), h.b(), rounding);
    Function<Tensor, Tensor> batched = t -> t.matmul(b, F64);
    Tensor mapped = vmap(batched).apply(a.reshape(3, 1, 40));
    assertClose("vmap", a.cast(F64).matmul(b.cast(F64)).reshape(3, 1, 2), mapped, 1e-14);
  }

  // ---- structure

  @Test
  void trees() {
    record In(Tensor a, List<Tensor> b, String note) {}
    record Out(Tensor sum, Tensor product) {}
    In x = new In(scalar(2), List.of(scalar(3), scalar(5)), "kept");
    Function<In, Out> f =
        in -> new Out(in.a().add(in.b().get(0)), in.a().mul(in.b().get(0)).mul(in.b().get(1)));
    In v = new In(scalar(1), List.of(scalar(0), scalar(2)), "kept");
    var forward = jvp(f, x, v);
    assertEquals(5, forward.value().sum().item());
    assertEquals(30, forward.value().product().item());
    assertEquals(1, forward.tangent().sum().item());
    assertEquals(15 + 12, forward.tangent().product().item());
    In back = vjp(f, x).pullback().apply(new Out(scalar(1), scalar(10)));
    assertEquals(151, back.a().item());
    assertEquals(101, back.b().get(0).item());
    assertEquals(60, back.b().get(1).item());
    assertEquals("kept", back.note());
    var both = valueAndGrad((In in) -> f.apply(in).product()).apply(x);
    assertEquals(30, both.value().item());
    assertEquals(15, both.gradient().a().item());
  }

  @Test
  void unusedInputsHaveZeroGradients() {
    Tensor x = random(1, 2, 3);
    Tensor g = grad((List<Tensor> in) -> in.get(0).sum()).apply(List.of(x, x)).get(1);
    assertClose("unused", Tensor.zeros(F64, 2, 3), g, 0);
    Tensor constant = grad((Tensor in) -> scalar(3)).apply(x);
    assertClose("constant", Tensor.zeros(F64, 2, 3), constant, 0);
    Tensor tangent = jvp((Tensor in) -> x, x, x).tangent();
    assertClose("tangent", Tensor.zeros(F64, 2, 3), tangent, 0);
    Tensor mapped = vmap((Tensor in) -> scalar(3)).apply(x);
    assertClose("mapped", Tensor.full(3, F64, 2), mapped, 0);
  }

  @Test
  void identityAndRepeatedResults() {
    Tensor x = random(1, 3);
    assertClose("jvp", x, jvp((Tensor t) -> t, x, x).tangent(), 0);
    assertClose("vjp", x, vjp((Tensor t) -> t, x).pullback().apply(x), 0);
    List<Tensor> both = compile((Tensor t) -> List.of(t, t, t.neg())).apply(x);
    assertClose("0", x, both.get(0), 0);
    assertClose("1", x, both.get(1), 0);
    Tensor g = vjp((Tensor t) -> List.of(t, t), x).pullback().apply(List.of(x, x.mul(2)));
    assertClose("sum", x.mul(3), g, 1e-15);
  }

  @Test
  void gradientsWithRespectToIntermediateValues() {
    Tensor w = random(1, 2, 3);
    Tensor x = random(2, 4, 3);
    Function<Tensor, Tensor> rest = h -> h.tanh().square().sum();
    Tensor h = x.matmul(w.transpose());
    Tensor outer = grad(rest).apply(h).transpose().matmul(x);
    Tensor direct = grad((Tensor p) -> rest.apply(x.matmul(p.transpose()))).apply(w);
    assertClose("chain rule", direct, outer, 1e-13);
  }

  /** In both modes and compiled, and only where the maximum itself is not a number. */
  @Test
  void theDerivativeOfAMaximumThatIsNotANumberIsNone() {
    double nan = Double.NaN;
    Tensor x = Tensor.of(new double[] {1, nan, 0, 2, 3, 3}, 2, 3);
    Tensor v = Tensor.ones(DType.F64, 2, 3);
    Function<Tensor, Tensor> rows = t -> t.max(1);
    double[] tangent = jvp(rows, x, v).tangent().toDoubleArray();
    assertArrayEquals(new double[] {nan, 1}, tangent);
    double[] expected = {nan, nan, nan, 0, 0.5, 0.5};
    assertArrayEquals(expected, grad((Tensor t) -> t.max(1).sum()).apply(x).toDoubleArray());
    var compiled = Autodiff.compile(grad((Tensor t) -> t.max(1).sum()));
    assertArrayEquals(expected, compiled.apply(x).toDoubleArray());
    Tensor whole = grad((Tensor t) -> t.max()).apply(x);
    assertArrayEquals(new double[] {nan, nan, nan, nan, nan, nan}, whole.toDoubleArray());
    // Infinite maxima are maxima.
    Tensor low = Tensor.full(Double.NEGATIVE_INFINITY, DType.F64, 2);
    assertArrayEquals(
        new double[] {0.5, 0.5}, grad((Tensor t) -> t.max()).apply(low).toDoubleArray());
  }
}
