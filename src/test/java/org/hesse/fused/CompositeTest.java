package org.hesse.fused;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.hesse.backend.Step;
import org.hesse.testing.Arr;
import org.hesse.testing.Close;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Composites, run by kernels and differentiated by rules of their own, against the same formulas in
 * plain operations, run by the planner's fused loops and differentiated by the rules of primitives.
 */
class CompositeTest {
  /** A composite, its formula, and the shapes to try; the operands are all real. */
  private record Pair(
      String name,
      Function<List<Tensor>, Tensor> composite,
      Function<List<Tensor>, Tensor> formula,
      List<int[][]> shapes) {}

  private static int[][] shapes(int[]... dims) {
    return dims;
  }

  private static List<int[][]> samples(int[][]... all) {
    return List.of(all);
  }

  private static int[] dims(int... dims) {
    return dims;
  }

  private static Tensor softmaxFormula(Tensor x) {
    Tensor e = x.sub(x.max(-1).stopGradient().insertAxis(x.rank() - 1)).exp();
    return e.div(e.sum(-1).insertAxis(x.rank() - 1));
  }

  private static Tensor attentionFormula(Tensor q, Tensor k, Tensor v, Tensor bias) {
    Tensor s = q.matmul(k.transpose()).mul(1 / Math.sqrt(q.dim(-1))).add(bias);
    return softmaxFormula(s).matmul(v);
  }

  private static Tensor normFormula(Tensor x, double epsilon) {
    int last = x.rank() - 1;
    Tensor c = x.sub(x.mean(last).insertAxis(last));
    return c.mul(c.square().mean(last).add(epsilon).rsqrt().insertAxis(last));
  }

  private static final List<int[][]> ROWS =
      List.of(
          shapes(dims(3, 5)),
          shapes(dims(1, 1)),
          shapes(dims(4, 1)),
          shapes(dims(7)),
          shapes(dims(2, 3, 17)),
          shapes(dims(0, 9)),
          shapes(dims(2, 8)),
          shapes(dims(9)),
          shapes(dims(5, 130)));

  private static List<Pair> pairs() {
    List<Pair> all = new ArrayList<>();
    all.add(new Pair("softmax", x -> x.get(0).softmax(-1), x -> softmaxFormula(x.get(0)), ROWS));
    all.add(
        new Pair(
            "log softmax",
            x -> x.get(0).logSoftmax(-1),
            x -> softmaxFormula(x.get(0)).log(),
            ROWS));
    all.add(
        new Pair(
            "log sum exp", x -> x.get(0).logSumExp(-1), x -> x.get(0).exp().sum(-1).log(), ROWS));
    all.add(
        new Pair(
            "softmax of a transposed tensor",
            x -> x.get(0).softmax(0),
            x -> softmaxFormula(x.get(0).transpose()).transpose(),
            samples(shapes(dims(5, 3)), shapes(dims(9, 2)), shapes(dims(2, 9)))));
    all.add(
        new Pair(
            "softmax of a slice",
            x -> x.get(0).slice(1, 2, 13).softmax(-1),
            x -> softmaxFormula(x.get(0).slice(1, 2, 13)),
            samples(shapes(dims(3, 15)))));
    all.add(
        new Pair(
            "cross entropy",
            x -> Functions.crossEntropy(x.get(0), labels(x.get(0))),
            x -> {
              Tensor hit = Tensor.arange(DType.I32, x.get(0).dim(-1)).eq(columns(x.get(0)));
              Tensor zero = Tensor.zeros(x.get(0).dtype());
              Tensor logs = softmaxFormula(x.get(0)).log();
              return hit.select(logs, zero).sum(-1).mean().neg();
            },
            List.of(
                shapes(dims(3, 5)),
                shapes(dims(1, 1)),
                shapes(dims(2, 3, 17)),
                shapes(dims(3, 8)))));
    all.add(
        new Pair(
            "cross entropy with probabilities",
            x -> Functions.crossEntropy(x.get(0), x.get(1)),
            x -> softmaxFormula(x.get(0)).log().mul(x.get(1)).sum(-1).mean().neg(),
            List.of(
                shapes(dims(3, 5), dims(3, 5)),
                shapes(dims(2, 1), dims(2, 1)),
                shapes(dims(2, 13), dims(2, 13)))));
    List<int[][]> norms = new ArrayList<>();
    for (int[] d : List.of(dims(3, 5), dims(2, 3, 17), dims(1, 2), dims(6), dims(2, 70))) {
      int n = d[d.length - 1];
      norms.add(shapes(d, dims(n), dims(n)));
    }
    all.add(
        new Pair(
            "layer norm",
            x -> Functions.layerNorm(x.get(0), x.get(1), x.get(2), 1e-2),
            x -> normFormula(x.get(0), 1e-2).mul(x.get(1)).add(x.get(2)),
            norms));
    all.add(
        new Pair(
            "rms norm",
            x -> Functions.rmsNorm(x.get(0), x.get(1), 1e-2),
            x -> {
              int last = x.get(0).rank() - 1;
              Tensor square = x.get(0).square().mean(last).add(1e-2);
              return x.get(0).div(square.sqrt().insertAxis(last)).mul(x.get(1));
            },
            norms.stream().map(d -> shapes(d[0], d[1])).toList()));
    List<int[][]> heads =
        List.of(
            shapes(dims(3, 2), dims(4, 2), dims(4, 3), dims(3, 4)),
            shapes(dims(1, 1), dims(1, 1), dims(1, 1), dims(1, 1)),
            shapes(dims(2, 2, 3, 4), dims(2, 2, 5, 4), dims(2, 2, 5, 1), dims(3, 5)));
    all.add(
        new Pair(
            "attention",
            x -> Functions.attention(x.get(0), x.get(1), x.get(2)),
            x -> attentionFormula(x.get(0), x.get(1), x.get(2), Tensor.zeros(x.get(0).dtype())),
            heads.stream().map(d -> shapes(d[0], d[1], d[2])).toList()));
    all.add(
        new Pair(
            "attention with a bias",
            x -> Functions.attention(x.get(0), x.get(1), x.get(2), x.get(3)),
            x -> attentionFormula(x.get(0), x.get(1), x.get(2), x.get(3)),
            heads));
    all.add(
        new Pair(
            "attention with a mask",
            x -> Functions.attention(x.get(0), x.get(1), x.get(2), lower(x)),
            x -> {
              Tensor zero = Tensor.zeros(x.get(0).dtype());
              Tensor never = Tensor.scalar(-1e300, DType.F64).cast(x.get(0).dtype());
              Tensor bias = lower(x).select(zero, never);
              return attentionFormula(x.get(0), x.get(1), x.get(2), bias);
            },
            heads.stream().map(d -> shapes(d[0], d[1], d[2])).toList()));
    return all;
  }

  /** Each query sees the keys up to its own number. */
  private static Tensor lower(List<Tensor> x) {
    Tensor rows = Tensor.arange(DType.I32, x.get(0).dim(-2)).insertAxis(1);
    return Tensor.arange(DType.I32, x.get(1).dim(-2)).le(rows);
  }

  private static Tensor labels(Tensor x) {
    int[] d = java.util.Arrays.copyOf(x.shape().dims(), x.rank() - 1);
    int classes = x.dim(-1);
    int n = Arr.size(d);
    int[] values = IntStream.range(0, n).map(i -> (3 * i + 1) % classes).toArray();
    return Tensor.of(values, d);
  }

  private static Tensor columns(Tensor x) {
    return labels(x).insertAxis(x.rank() - 1);
  }

  private static List<Tensor> normal(long seed, int[][] shapes, DType dtype) {
    Random random = new Random(seed);
    List<Tensor> all = new ArrayList<>();
    for (int[] d : shapes) {
      all.add(Arr.normal(random, d).tensor(dtype));
    }
    return all;
  }

  private static Tensor weighted(Tensor y) {
    Tensor w = Tensor.arange(y.dtype(), (int) y.size()).add(0.3).sin();
    return y.reshape((int) y.size()).mul(w).sum();
  }

  /** Everything that the transforms make of a function, up to third derivatives. */
  private static List<Tensor> everything(
      Function<List<Tensor>, Tensor> f, List<Tensor> x, List<Tensor> u, List<Tensor> v) {
    Function<List<Tensor>, Tensor> loss = in -> weighted(f.apply(in));
    Function<List<Tensor>, List<Tensor>> gradient = grad(loss);
    Function<List<Tensor>, List<Tensor>> product = in -> jvp(gradient, in, u).tangent();
    List<Tensor> all = new ArrayList<>();
    all.add(f.apply(x));
    all.add(jvp(f, x, u).tangent());
    all.add(jvp(in -> jvp(f, in, u).tangent(), x, v).tangent());
    all.addAll(gradient.apply(x));
    all.addAll(product.apply(x));
    all.addAll(grad((List<Tensor> in) -> weighted(jvp(f, in, u).tangent())).apply(x));
    all.addAll(jvp(product, x, v).tangent());
    List<Tensor> batch =
        IntStream.range(0, x.size()).mapToObj(i -> stack(x.get(i), u.get(i))).toList();
    all.add(vmap(f).apply(batch));
    all.addAll(vmap(gradient).apply(batch));
    return all;
  }

  private static Tensor stack(Tensor a, Tensor b) {
    return Tensor.concat(0, a.insertAxis(0), b.insertAxis(0));
  }

  @TestFactory
  Stream<DynamicTest> everyOrderIsThatOfTheFormula() {
    return pairs().stream().map(p -> dynamicTest(p.name, () -> compare(p)));
  }

  private static void compare(Pair p) {
    for (int[][] shapes : p.shapes) {
      for (DType dtype : List.of(DType.F64, DType.F32)) {
        List<Tensor> x = normal(1, shapes, dtype);
        List<Tensor> u = normal(2, shapes, dtype);
        List<Tensor> v = normal(3, shapes, dtype);
        List<Tensor> expected = compiled(p.formula, x, u, v);
        List<Tensor> got = compiled(p.composite, x, u, v);
        for (int i = 0; i < expected.size(); i++) {
          String what = p.name + " " + java.util.Arrays.deepToString(shapes) + dtype + " " + i;
          Arr e = Arr.of(expected.get(i));
          // Third derivatives of a few sums, each rounded some ten times.
          double bound = 500 * dtype.epsilon() * Math.max(1, e.maxAbs());
          Close.assertWithin(what, e, Arr.of(got.get(i)), bound);
        }
      }
    }
  }

  private record Arguments(List<Tensor> x, List<Tensor> u, List<Tensor> v) {}

  private static List<Tensor> compiled(
      Function<List<Tensor>, Tensor> f, List<Tensor> x, List<Tensor> u, List<Tensor> v) {
    return Autodiff.compile((Arguments a) -> everything(f, a.x, a.u, a.v))
        .apply(new Arguments(x, u, v));
  }

  private static List<String> kernels(Function<List<Tensor>, ?> f, List<Tensor> x) {
    return Graphs.steps(f, x).stream()
        .filter(s -> s instanceof Step.Composite)
        .map(s -> ((Step.Composite) s).kind().mnemonic())
        .toList();
  }

  /** Probabilities down to the smallest normal number, and 0 or a subnormal number below it. */
  @Test
  void smallProbabilities() {
    double[] x = new double[40];
    for (int i = 0; i < x.length; i++) {
      x[i] = -3.0 * i;
    }
    double sum = 0;
    for (double v : x) {
      sum += Math.exp(v);
    }
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      double[] p = Tensor.of(x, x.length).cast(dtype).softmax(-1).toDoubleArray();
      double least = dtype == DType.F32 ? Float.MIN_NORMAL : Double.MIN_NORMAL;
      for (int i = 0; i < p.length; i++) {
        double exact = Math.exp(x[i]) / sum;
        assertEquals(exact, p[i], 8 * dtype.epsilon() * exact + 2 * least, dtype + " " + x[i]);
      }
    }
  }

  @Test
  void kernelsAreUsed() {
    boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    assumeTrue(vectors, "without vectors the bodies are as good");
    List<Tensor> x = normal(1, shapes(dims(40, 100)), DType.F32);
    assertEquals(List.of("softmax"), kernels(in -> in.get(0).softmax(-1), x));
    assertEquals(
        List.of("softmax", "softmax_tangent"),
        kernels(grad((List<Tensor> in) -> weighted(in.get(0).softmax(-1))), x));
    assertEquals(
        List.of("log_softmax", "log_softmax_cotangent"),
        kernels(grad((List<Tensor> in) -> weighted(in.get(0).logSoftmax(-1))), x));
    assertTrue(
        kernels(in -> Functions.crossEntropy(in.get(0), labels(in.get(0))), x)
            .contains("cross_entropy"));
    List<Tensor> heads = normal(1, shapes(dims(40, 16), dims(40, 16), dims(40, 16)), DType.F32);
    assertEquals(
        List.of("attention", "attention_cotangent"),
        kernels(
            grad((List<Tensor> in) ->
                weighted(Functions.attention(in.get(0), in.get(1), in.get(2)))),
            heads));
  }
}
