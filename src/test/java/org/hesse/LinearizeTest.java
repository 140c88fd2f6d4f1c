package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.linearize;
import static org.hesse.Autodiff.program;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.hesse.ir.Op;
import org.junit.jupiter.api.Test;

class LinearizeTest {
  private static final Tensor X = normal(1, 4);

  @Test
  void equalsForwardModeForEveryTangent() {
    Function<Tensor, Tensor> f = x -> x.sin().mul(x.exp().sum());
    var linear = linearize(f, X);
    close(f.apply(X), linear.value(), 0);
    for (int seed = 2; seed < 5; seed++) {
      Tensor v = normal(seed, 4);
      close(jvp(f, X, v).tangent(), linear.pushforward().apply(v), 1e-14);
    }
  }

  /** The function runs once, and nothing of it is left in the pushforward. */
  @Test
  void residualsAreComputedOnce() {
    AtomicInteger calls = new AtomicInteger();
    var linear =
        linearize(
            (Tensor x) -> {
              calls.incrementAndGet();
              return x.sin().exp();
            },
            X);
    close(linear.pushforward().apply(X), linear.pushforward().apply(X), 0);
    assertEquals(1, calls.get());
    var program = program(linear.pushforward(), X);
    assertTrue(program.nodes().stream().noneMatch(n -> n.op() instanceof Op.Unary), program::print);
  }

  record Arguments(Tensor x, Tensor index) {}

  @Test
  void leavesThatAreNotRealAreIgnored() {
    Arguments a = new Arguments(X, Tensor.of(new int[] {1, 2, 3, 4}));
    Function<Arguments, Arguments> f =
        p -> new Arguments(p.x().mul(p.index().cast(DType.F64)), p.index());
    var linear = linearize(f, a);
    Arguments t = linear.pushforward().apply(a);
    close(X.mul(a.index().cast(DType.F64)), t.x(), 0);
    assertEquals(DType.I32, t.index().dtype());
    assertEquals(0, t.index().sum().item());
  }

  @Test
  void worksInsideOtherTransforms() {
    Function<Tensor, Tensor> f = x -> x.sin().mul(x);
    Tensor v = normal(5, 4);
    Function<Tensor, Tensor> along = x -> linearize(f, x).pushforward().apply(v).sum();
    Function<Tensor, Tensor> reference = x -> jvp(f, x, v).tangent().sum();
    close(grad(reference).apply(X), grad(along).apply(X), 1e-14);
    close(reference.apply(X), compile(along).apply(X), 1e-14);
    Tensor vs = normal(6, 3, 4);
    Tensor all = vmap(linearize(f, X).pushforward()).apply(vs);
    for (int i = 0; i < 3; i++) {
      close(jvp(f, X, vs.select(0, i)).tangent(), all.select(0, i), 1e-14);
    }
  }

  @Test
  void misuseIsExplained() {
    var linear = linearize((Tensor x) -> x.exp(), X);
    illegalArgument(() -> linear.pushforward().apply(normal(7, 3)), "v", "F64[3]", "F64[4]");
    illegalArgument(() -> linear.pushforward().apply(X.cast(DType.F32)), "v", "F32[4]", "F64[4]");
  }
}
