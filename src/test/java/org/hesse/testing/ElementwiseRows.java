package org.hesse.testing;

import static org.hesse.testing.Gen.dims;
import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.testing.OpRow.Sample;

/** The rows of elementwise operations. */
final class ElementwiseRows {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  /** Values where functions of all reals tend to go wrong. */
  private static final double[] SPECIAL = {
    0.0, -0.0, 1e-30, -1e-30, 1e-8, -1e-8, 1e-3, -1e-3, 0.5, -0.5, 1, -1, 2, -2, 10, -10, 20, -20,
    40, -40, 90, -90, 110, -110, 800, -800, 1e4, -1e4, INF, -INF, NAN
  };

  private static final Function<Tensor, Tensor> CUSTOM_TANH =
      Autodiff.customJvp(Tensor::tanh, (x, y, dx) -> dx.sub(y.square().mul(dx)));

  private final List<OpRow> rows = new ArrayList<>();

  private ElementwiseRows() {}

  static List<OpRow> rows() {
    ElementwiseRows e = new ElementwiseRows();
    e.functionsOfOne();
    e.functionsOfTwo();
    e.steps();
    e.comparisons();
    e.wholeAndTruth();
    e.selections();
    e.custom();
    return e.rows;
  }

  private interface Filler {
    Arr fill(int... dims);
  }

  /** A smooth function; {@code edges} are tried for values. */
  private void unary(
      String name,
      int order,
      double ulps,
      UnaryOperator<Tensor> op,
      DoubleUnaryOperator reference,
      Filler fill,
      double... edges) {
    List<Sample> samples = new ArrayList<>();
    samples.add(smooth(fill.fill()));
    samples.add(smooth(fill.fill(3)));
    samples.add(smooth(fill.fill(2, 1, 2)));
    samples.add(smooth(fill.fill(0, 2)));
    samples.add(edge(fill.fill(37)));
    samples.add(edge(fill.fill(3, 700)));
    if (edges.length > 0) {
      samples.add(edge(Arr.vector(edges)));
    }
    rows.add(
        OpRow.of(
            name, order, ulps, in -> op.apply(in.get(0)), in -> in.get(0).map(reference), samples));
  }

  private static Gen gen(String name) {
    return new Gen(name.hashCode());
  }

  private void functionsOfOne() {
    Gen g = gen("one");
    Filler wide = g::normal;
    Filler positive = d -> g.uniform(0.3, 3, d);
    unary("copy", 3, 0, Tensor::copy, x -> x, wide, SPECIAL);
    unary("neg", 3, 0, Tensor::neg, x -> -x, wide, SPECIAL);
    unary("exp", 3, 3, Tensor::exp, Math::exp, wide, SPECIAL);
    unary("expm1", 3, 4, Tensor::expm1, Math::expm1, wide, SPECIAL);
    unary(
        "log",
        3,
        3,
        Tensor::log,
        Math::log,
        positive,
        0,
        -0.0,
        1,
        1.0000001,
        0.9999999,
        1e-30,
        1e30,
        2,
        -1,
        INF,
        NAN);
    unary(
        "log1p",
        3,
        4,
        Tensor::log1p,
        Math::log1p,
        d -> g.uniform(-0.6, 3, d),
        0,
        1e-30,
        -1e-8,
        1e-8,
        -1,
        -2,
        1e30,
        INF,
        NAN);
    unary("sqrt", 3, 1, Tensor::sqrt, Math::sqrt, positive, 0, 1e-30, 4, 1e30, -1, INF, NAN);
    unary(
        "rsqrt",
        3,
        3,
        Tensor::rsqrt,
        x -> 1 / Math.sqrt(x),
        positive,
        0,
        1e-30,
        4,
        1e30,
        -1,
        INF,
        NAN);
    unary("square", 3, 1, Tensor::square, x -> x * x, wide, SPECIAL);
    unary("sin", 3, 3, Tensor::sin, Math::sin, wide, 0, -0.0, 1e-30, 3, -30, 300, 1e4, INF, NAN);
    unary("cos", 3, 3, Tensor::cos, Math::cos, wide, 0, -0.0, 1e-30, 3, -30, 300, 1e4, INF, NAN);
    unary("tanh", 3, 4, Tensor::tanh, Math::tanh, wide, SPECIAL);
    unary("sigmoid", 3, 4, Tensor::sigmoid, Scalars::sigmoid, wide, SPECIAL);
    unary("softplus", 3, 4, Tensor::softplus, Scalars::softplus, wide, SPECIAL);
    unary("erf", 3, 4, Tensor::erf, Scalars::erf, wide, SPECIAL);
    unary("erfc", 3, 5, Tensor::erfc, Scalars::erfc, wide, SPECIAL);
    unary("abs", 3, 0, Tensor::abs, Math::abs, g::awayFromZero, SPECIAL);
    unary(
        "relu",
        3,
        0,
        Tensor::relu,
        x -> x > 0 ? x : 0,
        g::awayFromZero,
        0,
        1e-30,
        -1e-30,
        5,
        -5,
        INF,
        -INF);
    unary("add number", 3, 1, t -> t.add(0.75), x -> x + 0.75, wide, SPECIAL);
    unary("sub number", 3, 1, t -> t.sub(0.75), x -> x - 0.75, wide, SPECIAL);
    unary("mul number", 3, 1, t -> t.mul(-2.5), x -> x * -2.5, wide, SPECIAL);
    unary("div number", 3, 1, t -> t.div(3), x -> x / 3, wide, SPECIAL);
    for (double p : new double[] {0, 1, 2, 3, -1, 0.5, -0.5, 2.5}) {
      Filler base = p == Math.rint(p) && p >= 0 ? wide : positive;
      unary("pow " + p, 3, 8, t -> t.pow(p), x -> Math.pow(x, p), base, 0.0, 1, 2, 1e10, INF, NAN);
    }
  }

  private void binary(
      String name,
      int order,
      double ulps,
      BinaryOperator<Tensor> op,
      DoubleBinaryOperator reference,
      Filler left,
      Filler right,
      List<Sample> more) {
    List<Sample> samples = new ArrayList<>(more);
    samples.add(smooth(left.fill(), right.fill()));
    samples.add(smooth(left.fill(3), right.fill(3)));
    samples.add(smooth(left.fill(2, 1), right.fill(3)));
    samples.add(smooth(left.fill(), right.fill(2, 2)));
    samples.add(smooth(left.fill(1, 2, 1), right.fill(2, 1, 2)));
    samples.add(smooth(left.fill(0, 1), right.fill(2)));
    samples.add(edge(left.fill(3, 1, 5), right.fill(2, 1)));
    samples.add(edge(left.fill(5, 301), right.fill(301)));
    rows.add(
        OpRow.of(
            name,
            order,
            ulps,
            in -> op.apply(in.get(0), in.get(1)),
            in -> Arr.zip(DType.F64, in.get(0), in.get(1), reference),
            samples));
  }

  private void functionsOfTwo() {
    Gen g = gen("two");
    Filler any = g::normal;
    Filler positive = d -> g.uniform(0.3, 3, d);
    List<Sample> pairs = List.of(edge(Gen.pairs(0, -0.0, 1, -1, 2.5, 1e30, INF, -INF, NAN)));
    binary("add", 3, 1, Tensor::add, Double::sum, any, any, pairs);
    binary("sub", 3, 1, Tensor::sub, (a, b) -> a - b, any, any, pairs);
    binary("mul", 3, 1, Tensor::mul, (a, b) -> a * b, any, any, pairs);
    binary("div", 3, 1, Tensor::div, (a, b) -> a / b, any, g::awayFromZero, pairs);
    binary(
        "pow",
        3,
        12,
        Tensor::pow,
        Math::pow,
        positive,
        any,
        List.of(edge(Gen.pairs(0, 1, -1, 2, -2, 3, 0.5, -0.5, 1e-3, 20, INF, -INF, NAN))));
    Sample equal = edge(g.ties(4, 5), g.ties(4, 5));
    List<Sample> more = List.of(equal, pairs.get(0));
    Filler low = d -> g.uniform(-2, 0, d);
    Filler high = d -> g.uniform(0.2, 2, d);
    binary("maximum right", 3, 0, Tensor::maximum, Math::max, low, high, more);
    binary("maximum left", 3, 0, Tensor::maximum, Math::max, high, low, more);
    binary("minimum right", 3, 0, Tensor::minimum, Math::min, high, low, more);
    binary("minimum left", 3, 0, Tensor::minimum, Math::min, low, high, more);
  }

  /** Real functions whose derivative is 0 wherever it exists, and what stops derivatives. */
  private void steps() {
    Gen g = gen("steps");
    unary("sign", 3, 0, Tensor::sign, Math::signum, g::awayFromZero, SPECIAL);
    unary(
        "floor",
        3,
        0,
        Tensor::floor,
        Math::floor,
        g::awayFromWhole,
        0,
        -0.0,
        1,
        -1,
        0.5,
        -0.5,
        1e10,
        -1e10,
        8388608.5,
        INF,
        -INF,
        NAN);
    unary("stopGradient", 0, 0, Tensor::stopGradient, x -> x, g::normal, SPECIAL);
    rows.add(rows.removeLast().notDifferentiable("that is what it is for; derivatives are 0"));
  }

  private void custom() {
    Gen g = gen("custom");
    unary("tanh with customJvp", 3, 4, CUSTOM_TANH::apply, Math::tanh, g::normal, SPECIAL);
  }

  private void comparisons() {
    Gen g = gen("compare");
    List<Sample> samples =
        List.of(
            smooth(g.ties(3), g.ties(3)),
            smooth(g.ties(2, 1), g.ties(2)),
            smooth(g.ties(0), g.ties()),
            edge(Gen.pairs(0, -0.0, 1, -1, INF, -INF, NAN)),
            edge(g.whole(-2, 3, 4, 5), g.whole(-2, 3, 5)),
            edge(Gen.ints(Integer.MIN_VALUE, 5, -1), Gen.ints(Integer.MAX_VALUE, 5, 1)));
    compare("eq", Tensor::eq, (a, b) -> a == b ? 1 : 0, samples);
    compare("ne", Tensor::ne, (a, b) -> a != b ? 1 : 0, samples);
    compare("lt", Tensor::lt, (a, b) -> a < b ? 1 : 0, samples);
    compare("le", Tensor::le, (a, b) -> a <= b ? 1 : 0, samples);
    compare("gt", Tensor::gt, (a, b) -> a > b ? 1 : 0, samples);
    compare("ge", Tensor::ge, (a, b) -> a >= b ? 1 : 0, samples);
    List<Sample> one = List.of(smooth(g.ties(3)), edge(Arr.vector(0, 1, -1, INF, NAN)));
    single("lt number", t -> t.lt(0), DType.BOOL, x -> x < 0 ? 1 : 0, one);
    single("gt number", t -> t.gt(0), DType.BOOL, x -> x > 0 ? 1 : 0, one);
  }

  private void compare(
      String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f, List<Sample> samples) {
    rows.add(
        OpRow.of(
                name,
                0,
                0,
                in -> op.apply(in.get(0), in.get(1)),
                in -> Arr.zip(DType.BOOL, in.get(0), in.get(1), f),
                samples)
            .notDifferentiable("its result is of truth values"));
  }

  private void single(
      String name,
      UnaryOperator<Tensor> op,
      DType result,
      DoubleUnaryOperator f,
      List<Sample> samples) {
    rows.add(
        OpRow.of(name, 0, 0, in -> op.apply(in.get(0)), in -> in.get(0).map(result, f), samples)
            .notDifferentiable("operand or result is whole or a truth value"));
  }

  private void wholeAndTruth() {
    Gen g = gen("whole");
    int min = Integer.MIN_VALUE;
    int max = Integer.MAX_VALUE;
    Arr a = Gen.ints(min, max, 0, -1, 7, -7, min, 5);
    Arr b = Gen.ints(-1, 1, 0, 0, 2, 2, min, -3);
    List<Sample> words =
        List.of(edge(a, b), edge(g.words(3, 40), g.words(40)), edge(g.words(0), g.words(0)));
    whole("I32 add", Tensor::add, (x, y) -> (int) x + (int) y, words);
    whole("I32 sub", Tensor::sub, (x, y) -> (int) x - (int) y, words);
    whole("I32 mul", Tensor::mul, (x, y) -> ((int) x) * (int) y, words);
    whole("I32 div", Tensor::div, Scalars::intDiv, words);
    whole("I32 maximum", Tensor::maximum, Math::max, words);
    whole("I32 minimum", Tensor::minimum, Math::min, words);
    whole("I32 xor", Tensor::xor, (x, y) -> (int) x ^ (int) y, words);
    whole("I32 and", Tensor::and, (x, y) -> (int) x & (int) y, words);
    whole("I32 or", Tensor::or, (x, y) -> (int) x | (int) y, words);
    List<Sample> one = List.of(edge(a), edge(g.words(2, 9)), edge(g.words()));
    single("I32 shiftRight", t -> t.shiftRight(5), DType.I32, x -> ((int) x) >>> 5, one);
    single("I32 shiftRight 31", t -> t.shiftRight(31), DType.I32, x -> ((int) x) >>> 31, one);
    single("I32 neg", Tensor::neg, DType.I32, x -> -(int) x, one);
    single("I32 abs", Tensor::abs, DType.I32, x -> Math.abs((int) x), one);
    single("I32 sign", Tensor::sign, DType.I32, Math::signum, one);
    List<Sample> truth =
        List.of(
            edge(g.truth(4, 5), g.truth(5)),
            edge(g.truth(), g.truth(1)),
            edge(g.truth(0, 2), g.truth(1, 2)));
    logic("xor", Tensor::xor, (x, y) -> x != y ? 1 : 0, truth);
    logic("and", Tensor::and, (x, y) -> x * y, truth);
    logic("or", Tensor::or, Math::max, truth);
    single("BOOL not", Tensor::not, DType.BOOL, x -> 1 - x, List.of(edge(g.truth(7))));
    casts(g);
  }

  private void whole(
      String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f, List<Sample> samples) {
    rows.add(
        OpRow.of(
                name,
                0,
                0,
                in -> op.apply(in.get(0), in.get(1)),
                in -> Arr.zip(DType.I32, in.get(0), in.get(1), f),
                samples)
            .notDifferentiable("whole numbers"));
  }

  private void logic(
      String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f, List<Sample> samples) {
    compare("BOOL " + name, op, f, samples);
  }

  private void casts(Gen g) {
    double[] hard = {0, -0.0, 0.9, -0.9, 1.5, -1.5, 2e9, -2e9, 3e9, -3e9, 1e30, INF, -INF, NAN};
    List<Sample> reals = List.of(edge(Arr.vector(hard)), edge(g.normal(4, 3)));
    single("cast to I32", t -> t.cast(DType.I32), DType.I32, x -> (int) x, reals);
    single("cast to BOOL", t -> t.cast(DType.BOOL), DType.BOOL, x -> x != 0 ? 1 : 0, reals);
    List<Sample> words = List.of(edge(Gen.ints(0, 1, -5, 1 << 30)), edge(g.words(3, 5)));
    single("I32 to F64", t -> t.cast(DType.F64), DType.F64, x -> x, words);
    single("I32 to F32", t -> t.cast(DType.F32), DType.F64, x -> (float) x, words);
    single("I32 to BOOL", t -> t.cast(DType.BOOL), DType.BOOL, x -> x != 0 ? 1 : 0, words);
    List<Sample> truth = List.of(edge(g.truth(2, 3)));
    single("BOOL to F64", t -> t.cast(DType.F64), DType.F64, x -> x, truth);
    single("BOOL to I32", t -> t.cast(DType.I32), DType.I32, x -> x, truth);
    rows.add(
        OpRow.of(
                "cast to F32 and back",
                0,
                0,
                in -> in.get(0).cast(DType.F32).cast(DType.F64),
                in -> in.get(0).map(x -> (float) x),
                List.of(edge(g.normal(5)), edge(Arr.vector(1e300, 1e-300, 0.1, INF, NAN))))
            .notDifferentiable(
                "its result is rounded to F32, so that no quotient in F64 fits;"
                    + " AutodiffTest.derivativesPassThroughCasts"));
    rows.add(
        OpRow.of(
            "cast to F64",
            3,
            0,
            in -> in.get(0).cast(DType.F64),
            in -> in.get(0),
            List.of(smooth(g.normal(2, 3)))));
  }

  private void selections() {
    Gen g = gen("select");
    Function<List<Arr>, Arr> reference =
        in -> {
          int[] d = Arr.broadcast(in.get(0).dims(), in.get(1).dims());
          int[] dims = Arr.broadcast(d, in.get(2).dims());
          Arr c = in.get(0).broadcastTo(dims);
          Arr a = in.get(1).broadcastTo(dims);
          Arr b = in.get(2).broadcastTo(dims);
          return Arr.build(a.dtype(), dims, i -> c.at(i) != 0 ? a.at(i) : b.at(i));
        };
    rows.add(
        OpRow.of(
            "select",
            3,
            0,
            in -> in.get(0).select(in.get(1), in.get(2)),
            reference,
            List.of(
                smooth(g.truth(3), g.normal(3), g.normal(3)),
                smooth(g.truth(2, 1), g.normal(2), g.normal()),
                smooth(g.truth(), g.normal(2), g.normal(2, 1)),
                smooth(g.truth(0), g.normal(0), g.normal(1)),
                edge(g.truth(4), Arr.vector(NAN, INF, 1, 2), Arr.vector(3, NAN, -INF, NAN)),
                edge(g.truth(2, 33), g.words(33), g.words(2, 1)),
                edge(g.truth(6), g.truth(6), g.truth(1)))));
    rows.add(
        OpRow.of(
            "compare and select",
            3,
            1,
            in -> in.get(0).gt(in.get(1)).select(in.get(0).square(), in.get(1).sin()),
            in -> Arr.zip(DType.F64, in.get(0), in.get(1), (a, b) -> a > b ? a * a : Math.sin(b)),
            List.of(
                smooth(g.uniform(0, 1, 3), g.uniform(1.5, 2, 3)),
                smooth(g.uniform(1.5, 2, 2), g.uniform(0, 1, dims(2, 2))))));
  }
}
