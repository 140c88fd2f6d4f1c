package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.customJvp;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.jacfwd;
import static org.hesse.Autodiff.jacrev;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.program;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.illegalState;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.plan.PlanCache;
import org.junit.jupiter.api.Test;

class CustomJvpTest {
  private static final Tensor X = normal(1, 5);

  /** The derivative in terms of the value. */
  private static final Function<Tensor, Tensor> EXP =
      customJvp((Tensor x) -> x.exp(), (x, y, dx) -> y.mul(dx));

  /** The derivative in terms of the argument. */
  private static final Function<Tensor, Tensor> SOFTPLUS =
      customJvp((Tensor x) -> x.exp().log1p(), (x, y, dx) -> x.sigmoid().mul(dx));

  /** Deliberately not the derivative of the value, to see which is used. */
  private static final Function<Tensor, Tensor> TRIPLE =
      customJvp((Tensor x) -> x.square(), (x, y, dx) -> dx.mul(x.pow(3)));

  @Test
  void theValueIsTheFunctions() {
    close(X.exp(), EXP.apply(X), 0);
    close(X.exp(), compile(EXP).apply(X), 0);
    close(X.square(), jvp(TRIPLE, X, X).value(), 0);
  }

  @Test
  void theDerivativeIsTheRules() {
    Tensor v = normal(2, 5);
    close(X.pow(3).mul(v), jvp(TRIPLE, X, v).tangent(), 1e-14);
    close(X.pow(3).mul(v), vjp(TRIPLE, X).pullback().apply(v), 1e-14);
    close(
        X.square().mul(3),
        grad((Tensor x) -> grad((Tensor z) -> TRIPLE.apply(z).sum()).apply(x).sum()).apply(X),
        1e-13);
  }

  private static Function<Tensor, Tensor> derivative(Function<Tensor, Tensor> f) {
    return x -> grad((Tensor z) -> f.apply(z).sum()).apply(x);
  }

  private static Function<Tensor, Tensor> forward(Function<Tensor, Tensor> f) {
    return x -> jvp(f, x, Tensor.ones(DType.F64, 5)).tangent();
  }

  @Test
  void ordersOneToThreeByEveryNesting() {
    ordersOneToThree(x -> x.exp(), EXP);
    ordersOneToThree(x -> x.softplus(), SOFTPLUS);
  }

  private static void ordersOneToThree(Function<Tensor, Tensor> plain, Function<Tensor, Tensor> f) {
    Function<Tensor, Tensor> expected = plain;
    Function<Tensor, Tensor> reverse = f;
    Function<Tensor, Tensor> forward = f;
    Function<Tensor, Tensor> mixed = f;
    for (int order = 1; order <= 3; order++) {
      expected = derivative(expected);
      reverse = derivative(reverse);
      forward = forward(forward);
      mixed = order == 2 ? forward(mixed) : derivative(mixed);
      Tensor e = expected.apply(X);
      close(e, reverse.apply(X), 1e-13);
      close(e, forward.apply(X), 1e-13);
      close(e, mixed.apply(X), 1e-13);
      close(e, compile(reverse).apply(X), 1e-13);
      close(e, vmap(scalarOrder(f, order)).apply(X), 1e-13);
    }
  }

  private static Function<Tensor, Tensor> scalarOrder(Function<Tensor, Tensor> f, int order) {
    Function<Tensor, Tensor> g = f;
    for (int i = 0; i < order; i++) {
      g = grad(g);
    }
    return g;
  }

  /** Mapping first, differentiating then, and the other way round. */
  @Test
  void mappedInsideAndOutside() {
    Function<Tensor, Tensor> one = x -> SOFTPLUS.apply(x.mul(2)).sum();
    Tensor batch = normal(3, 4, 5);
    Tensor expected = batch.mul(2).sigmoid().mul(2);
    close(expected, vmap(grad(one)).apply(batch), 1e-13);
    close(expected, grad((Tensor b) -> vmap(one).apply(b).sum()).apply(batch), 1e-13);
    Tensor second = batch.mul(2).sigmoid();
    second = second.mul(second.neg().add(1)).mul(4);
    Function<Tensor, Tensor> inner =
        b -> grad((Tensor c) -> vmap(one).apply(c).sum()).apply(b).sum();
    close(second, grad(inner).apply(batch), 1e-13);
    Function<Tensor, Tensor> twice =
        b -> vmap(vmap((Tensor x) -> SOFTPLUS.apply(x))).apply(b).sum();
    close(batch.sigmoid(), grad(twice).apply(batch), 1e-13);
  }

  record Pair(Tensor a, Tensor b) {}

  /** A product and a quotient with the textbook's rules; results share them. */
  private static final Function<Pair, Pair> PRODUCT_AND_QUOTIENT =
      customJvp(
          (Pair p) -> new Pair(p.a().mul(p.b()), p.a().div(p.b())),
          (p, y, d) ->
              new Pair(
                  d.a().mul(p.b()).add(p.a().mul(d.b())), d.a().sub(y.b().mul(d.b())).div(p.b())));

  @Test
  void trees() {
    Pair p = new Pair(normal(4, 3), normal(5, 3).exp());
    Function<Pair, Tensor> custom =
        q -> {
          Pair y = PRODUCT_AND_QUOTIENT.apply(q);
          return y.a().sin().add(y.b().square()).sum();
        };
    Function<Pair, Tensor> plain = q -> q.a().mul(q.b()).sin().add(q.a().div(q.b()).square()).sum();
    close(grad(plain).apply(p).a(), grad(custom).apply(p).a(), 1e-13);
    close(grad(plain).apply(p).b(), grad(custom).apply(p).b(), 1e-13);
    close(hessian(plain, p).toDense(), hessian(custom, p).toDense(), 1e-12);
    Function<Pair, Tensor> mapped = q -> vmap(custom).apply(q).sum();
    Pair batch = new Pair(normal(6, 2, 3), normal(7, 2, 3).exp());
    close(hessian(q -> plain.apply(q), batch).toDense(), hessian(mapped, batch).toDense(), 1e-12);
  }

  /** One argument has a batch axis, the other none; the shared one's gradient is summed. */
  @Test
  void oneArgumentMapped() {
    Function<Pair, Tensor> custom = q -> PRODUCT_AND_QUOTIENT.apply(q).b().sum();
    Tensor w = normal(8, 3).exp();
    Tensor xs = normal(9, 4, 3);
    Function<Pair, Tensor> loss = q -> vmap(custom, VmapAxes.of(0).without("b")).apply(q).sum();
    Pair g = grad(loss).apply(new Pair(xs, w));
    close(Tensor.ones(DType.F64, 4, 3).div(w), g.a(), 1e-13);
    close(xs.sum(0).div(w.square()).neg(), g.b(), 1e-13);
    Function<Pair, Tensor> shared = q -> vmap(custom, VmapAxes.of(0).without("a")).apply(q).sum();
    Pair h = grad(shared).apply(new Pair(w, xs.exp()));
    close(xs.exp().pow(-1).sum(0), h.a(), 1e-13);
  }

  @Test
  void insideAnotherOne() {
    Function<Tensor, Tensor> outer =
        customJvp((Tensor x) -> EXP.apply(x.sin()), (x, y, dx) -> y.mul(x.cos()).mul(dx));
    Function<Tensor, Tensor> plain = x -> x.sin().exp();
    close(jacrev(derivative(plain), X), jacfwd(derivative(outer), X), 1e-13);
  }

  @Test
  void theCheckAgrees() {
    GradientReport r = Autodiff.checkGradients(x -> SOFTPLUS.apply(EXP.apply(x)).sum(), X, 3);
    assertTrue(r.passed(), r.toString());
    GradientReport wrong = Autodiff.checkGradients(x -> TRIPLE.apply(x).sum(), X, 1);
    assertTrue(!wrong.passed(), wrong.toString());
  }

  /** A rule made anew at each call must not make a plan anew. */
  @Test
  void equalProgramsShareAPlan() {
    long[] calls = new long[1];
    Function<Tensor, Tensor> fresh =
        x -> {
          long call = calls[0]++;
          Function<Tensor, Tensor> square =
              customJvp(
                  (Tensor t) -> t.mul(t), (t, y, dt) -> t.mul(dt).mul(call < 0 ? Double.NaN : 2));
          return grad((Tensor z) -> square.apply(z).sum()).apply(x);
        };
    assertEquals(program(fresh, X), program(fresh, X));
    close(X.mul(2), fresh.apply(X), 0);
    long misses = PlanCache.shared().counters().misses();
    Tensor again = fresh.apply(X);
    assertEquals(misses, PlanCache.shared().counters().misses());
    close(X.mul(2), again, 0);
  }

  @Test
  void misuseIsExplained() {
    Function<Tensor, Tensor> wrongShape = customJvp((Tensor x) -> x.exp(), (x, y, dx) -> dx.sum());
    illegalArgument(() -> jvp(wrongShape, X, X), "customJvp", "F64[]", "F64[5]");
    Function<Tensor, Object> wrongTree =
        customJvp((Tensor x) -> (Object) x.exp(), (x, y, dx) -> List.of(dx));
    illegalArgument(() -> jvp(wrongTree, X, X), "customJvp", "structure");
    Function<Tensor, Tensor> bent = customJvp((Tensor x) -> x.exp(), (x, y, dx) -> dx.exp());
    illegalState(() -> grad((Tensor x) -> bent.apply(x).sum()).apply(X), "exp", "not linear");
    Function<Tensor, Tensor> captures =
        w -> customJvp((Tensor x) -> x.mul(w), (x, y, dx) -> dx.mul(w)).apply(w.mul(2)).sum();
    illegalState(() -> grad(captures).apply(X), "customJvp", "captures", "argument");
  }
}
