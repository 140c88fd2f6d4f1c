package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.program;
import static org.hesse.Autodiff.vmap;
import static org.hesse.ControlFlow.scan;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Function;
import org.hesse.nn.Loss;
import org.junit.jupiter.api.Test;

class PrecomputedTest {
  private static final long PLENTY = 1L << 20;
  private static final RngKey KEY = RngKey.of(7);
  private static final Tensor X = KEY.fold(0).normal(DType.F64, 9, 4);
  private static final Tensor W = KEY.fold(1).normal(DType.F64, 4, 3);
  private static final Tensor LABELS = Tensor.of(new int[] {0, 1, 2, 0, 1, 2, 0, 1, 2}, 9);
  private static final Tensor V = KEY.fold(2).normal(DType.F64, 4, 3);

  private static Tensor loss(Tensor w) {
    return Loss.CROSS_ENTROPY.apply(X.matmul(w).tanh().mul(3), LABELS);
  }

  private static Tensor product(Tensor v) {
    return hvp(PrecomputedTest::loss, W, v);
  }

  private static <A, B> Precomputed<A, B> precomputed(Function<A, B> f, A like) {
    return Precomputed.of(f, like, PLENTY).orElseThrow();
  }

  private static void assertSame(Tensor expected, Tensor got) {
    assertEquals(expected.shape(), got.shape());
    assertArrayEquals(expected.toDoubleArray(), got.toDoubleArray(), 1e-14);
  }

  @Test
  void isTheFunction() {
    Precomputed<Tensor, Tensor> h = precomputed(PrecomputedTest::product, V);
    assertSame(product(V), h.apply(V));
    assertSame(product(V.mul(-2)), h.apply(V.mul(-2)));
    Function<Tensor, Tensor> fast = compile(h);
    assertSame(product(V), fast.apply(V));
    Tensor vs = KEY.fold(3).normal(DType.F64, 5, 4, 3);
    Tensor all = compile((Tensor u) -> vmap((Tensor v) -> h.apply(v)).apply(u)).apply(vs);
    for (int i = 0; i < 5; i++) {
      assertSame(product(vs.select(0, i)), all.select(0, i));
    }
  }

  @Test
  void nothingOfTheModelIsLeftToCompute() {
    assertTrue(program(PrecomputedTest::product, V).toString().contains("tanh"));
    Precomputed<Tensor, Tensor> h = precomputed(PrecomputedTest::product, V);
    String rest = program(h, V).toString();
    assertFalse(rest.contains("tanh"), rest);
    assertFalse(rest.contains("exp"), rest);
    // Three matrices of 9 x 3 and some numbers: tanh and its slope, the loss's own.
    assertTrue(h.bytes() >= 8 * 2 * 27 && h.bytes() <= 8 * 8 * 27, "bytes: " + h.bytes());
  }

  @Test
  void notAboveTheMemoryAllowed() {
    long bytes = precomputed(PrecomputedTest::product, V).bytes();
    assertTrue(Precomputed.of(PrecomputedTest::product, V, bytes - 1).isEmpty());
    assertTrue(Precomputed.of(PrecomputedTest::product, V, bytes).isPresent());
  }

  @Test
  void repeatedNumbersAreHeldOnce() {
    Tensor b = Tensor.of(new double[] {1, 2, 3, 4}, 4);
    Precomputed<Tensor, Tensor> f =
        precomputed(x -> x.mul(b.exp()), Tensor.zeros(DType.F64, 50, 4));
    assertEquals(4 * 8, f.bytes());
    assertSame(Tensor.ones(DType.F64, 50, 4).mul(b.exp()), f.apply(Tensor.ones(DType.F64, 50, 4)));
  }

  @Test
  void withoutAnyUseOfTheArgument() {
    assertSame(W.exp(), precomputed((Tensor x) -> W.exp(), V).apply(V));
    assertSame(V, precomputed((Tensor x) -> x, V).apply(V));
    assertSame(Tensor.ones(DType.F64, 2), precomputed(x -> Tensor.ones(DType.F64, 2), V).apply(V));
  }

  record Pair(Tensor a, Tensor b) {}

  @Test
  void treesAndDerivatives() {
    Function<Pair, Pair> f =
        p -> new Pair(p.a.mul(W.tanh()).add(p.b), W.tanh().matmul(p.b.transpose()));
    Pair at = new Pair(V, V.sin());
    Precomputed<Pair, Pair> g = precomputed(f, at);
    assertSame(f.apply(at).a, g.apply(at).a);
    assertSame(f.apply(at).b, g.apply(at).b);
    Function<Function<Pair, Pair>, Pair> slope =
        q -> grad((Pair p) -> q.apply(p).a.square().sum().add(q.apply(p).b.sum())).apply(at);
    assertSame(slope.apply(f).a, slope.apply(g).a);
    assertSame(slope.apply(f).b, slope.apply(g).b);
  }

  @Test
  void loops() {
    Function<Tensor, Tensor> f =
        v -> scan((Tensor s, Tensor w) -> s.mul(w.tanh()).add(v), Tensor.zeros(DType.F64, 3), W);
    Tensor v = KEY.fold(4).normal(DType.F64, 3);
    assertSame(f.apply(v), precomputed(f, v).apply(v));
    Function<Tensor, Tensor> slope = u -> hvp((Tensor z) -> f.apply(z.tanh()).square().sum(), v, u);
    assertSame(slope.apply(v), precomputed(slope, v).apply(v));
  }

  @Test
  void misuse() {
    Expect.illegalState(
        () -> compile((Tensor v) -> precomputed(PrecomputedTest::product, v).apply(v)).apply(V),
        "Precomputed.of",
        "inside of compile");
    Precomputed<Tensor, Tensor> h = precomputed(PrecomputedTest::product, V);
    Expect.illegalArgument(() -> h.apply(V.transpose()), "F64[3, 4]", "expected F64[4, 3]");
  }
}
