package org.hesse.testing;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.linearize;
import static org.hesse.Autodiff.vjp;
import static org.hesse.testing.Case.inner;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * Derivatives of one function by every mode, and what must hold between them. Each record is made
 * by one function of a {@link Probe}, so that it can be interpreted, compiled, or run as it is.
 */
final class Modes {
  private Modes() {}

  /** Operands, two directions, and weights that make the result a scalar. */
  record Probe(List<Tensor> x, List<Tensor> u, List<Tensor> v, Tensor w) {
    /** Random directions and weights for operands and the dims of a result. */
    static Probe of(Random random, List<Arr> x, int... result) {
      List<Tensor> u = directions(random, x);
      List<Tensor> v = directions(random, x);
      Tensor w = Arr.normal(random, result).tensor();
      return new Probe(Case.tensors(x, DType.F64), u, v, w);
    }

    private static List<Tensor> directions(Random random, List<Arr> x) {
      return x.stream()
          .map(a -> Arr.build(DType.F64, a.dims(), i -> 2 * random.nextDouble() - 1).tensor())
          .toList();
    }
  }

  record First(
      Tensor y, Tensor ju, Tensor jv, Tensor pushed, List<Tensor> jtw, Tensor transposedTwice) {}

  record Second(
      List<Tensor> gradient,
      List<Tensor> hv,
      List<Tensor> hu,
      List<Tensor> forwardOverReverse,
      List<Tensor> reverseOverReverse,
      List<Tensor> reverseOverForward,
      Tensor forwardOverForward) {}

  record Third(List<Tensor> hv, List<Tensor> forward, List<Tensor> reverse) {}

  static First first(Function<List<Tensor>, Tensor> f, Probe p) {
    Function<Tensor, List<Tensor>> transposed = w -> vjp(f, p.x).pullback().apply(w);
    var forward = jvp(f, p.x, p.v);
    return new First(
        forward.value(),
        jvp(f, p.x, p.u).tangent(),
        forward.tangent(),
        linearize(f, p.x).pushforward().apply(p.v),
        transposed.apply(p.w),
        vjp(transposed, p.w).pullback().apply(p.v));
  }

  /** A scalar function: the weighted sum of the result's elements. */
  static Function<List<Tensor>, Tensor> scalar(Function<List<Tensor>, Tensor> f, Tensor w) {
    return x -> f.apply(x).mul(w).sum();
  }

  static Second second(Function<List<Tensor>, Tensor> f, Probe p) {
    Function<List<Tensor>, Tensor> s = scalar(f, p.w);
    return new Second(
        grad(s).apply(p.x),
        hvp(s, p.x, p.v),
        hvp(s, p.x, p.u),
        jvp(grad(s), p.x, p.v).tangent(),
        grad((List<Tensor> x) -> inner(grad(s).apply(x), p.v)).apply(p.x),
        grad((List<Tensor> x) -> jvp(s, x, p.v).tangent()).apply(p.x),
        jvp((List<Tensor> x) -> jvp(s, x, p.v).tangent(), p.x, p.u).tangent());
  }

  static Third third(Function<List<Tensor>, Tensor> f, Probe p) {
    Function<List<Tensor>, Tensor> s = scalar(f, p.w);
    Function<List<Tensor>, List<Tensor>> hv = x -> hvp(s, x, p.v);
    return new Third(
        hv.apply(p.x),
        jvp(hv, p.x, p.u).tangent(),
        grad((List<Tensor> x) -> inner(hv.apply(x), p.u)).apply(p.x));
  }

  /**
   * ⟨w, J u⟩ = ⟨Jᵀ w, u⟩; transposed twice and pushed forward, J v is J v.
   *
   * @param relative bound, to the size of what is compared
   * @param least that size, at least
   */
  static void assertDual(String what, First d, Probe p, double relative, double least) {
    double forward = Arr.of(p.w).dot(Arr.of(d.ju));
    double reverse = 0;
    double size = Double.MIN_NORMAL;
    for (int i = 0; i < p.u.size(); i++) {
      Arr u = Arr.of(p.u.get(i));
      Arr g = Arr.of(d.jtw.get(i));
      reverse += u.dot(g);
      size += u.map(Math::abs).dot(g.map(Math::abs));
    }
    size += Arr.of(p.w).map(Math::abs).dot(Arr.of(d.ju).map(Math::abs));
    double allowed = relative * Math.max(least, size);
    assertEquals(forward, reverse, allowed, what + ": <w, J u> = <J'w, u>");
    double bound = relative * Math.max(least, Arr.of(d.jv).maxAbs());
    Arr jv = Arr.of(d.jv);
    Close.assertWithin(what + ": transposed twice", jv, Arr.of(d.transposedTwice), bound);
    Close.assertWithin(what + ": linearized", jv, Arr.of(d.pushed), bound);
  }

  /**
   * All pairs of modes give the same Hessian, and it is symmetric.
   *
   * @param relative bound, to the largest element of the products
   * @param least that element, at least
   */
  static void assertAgree(String what, Second d, Probe p, double relative, double least) {
    double bound = relative * Math.max(least, largest(d.hv, d.hu));
    within(what + ": forward over reverse", d.hv, d.forwardOverReverse, bound);
    within(what + ": reverse over reverse", d.hv, d.reverseOverReverse, bound);
    within(what + ": reverse over forward", d.hv, d.reverseOverForward, bound);
    double uhv = 0;
    double vhu = 0;
    for (int i = 0; i < p.u.size(); i++) {
      uhv += Arr.of(p.u.get(i)).dot(Arr.of(d.hv.get(i)));
      vhu += Arr.of(p.v.get(i)).dot(Arr.of(d.hu.get(i)));
    }
    double n = p.x.stream().mapToDouble(Tensor::size).sum();
    assertEquals(uhv, vhu, bound * n, what + ": symmetric");
    assertEquals(uhv, d.forwardOverForward.item(), bound * n, what + ": forward over forward");
  }

  /** Third derivatives forward and in reverse are the same; bounds as for second ones. */
  static void assertAgree(String what, Third d, double relative, double least) {
    within(
        what + ": forward and reverse",
        d.forward,
        d.reverse,
        relative * Math.max(least, largest(d.forward, d.hv)));
  }

  @SafeVarargs
  static double largest(List<Tensor>... lists) {
    double most = 0;
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
}
