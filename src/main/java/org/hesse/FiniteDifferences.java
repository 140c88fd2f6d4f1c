package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Difference quotients along a direction: derivatives that share nothing with automatic
 * differentiation, to check it by. With φ(t) = f(x + t v) they approximate φ′(0) or φ″(0), leaf by
 * leaf of f's result.
 *
 * <p>Each has two errors: truncation, which falls with the step h, and rounding, which grows; the
 * documented steps balance them for a function, argument and direction of unit scale (Nocedal and
 * Wright, Numerical Optimization, 2nd ed., section 8.1; Press and others, Numerical Recipes, 3rd
 * ed., section 5.7). ε is {@link DType#epsilon}: 1.2e-7 in F32, 2.2e-16 in F64. For other scales
 * give a step.
 *
 * <table>
 * <caption>Steps and errors</caption>
 * <tr><th></th><th>truncation</th><th>rounding</th><th>step</th><th>F32</th><th>F64</th>
 * <th>error at it</th></tr>
 * <tr><td>forward</td><td>h φ″/2</td><td>2ε φ/h</td><td>ε^½</td><td>3.5e-4</td><td>1.5e-8</td>
 * <td>ε^½</td></tr>
 * <tr><td>central</td><td>h² φ‴/6</td><td>ε φ/h</td><td>ε^⅓</td><td>4.9e-3</td><td>6.1e-6</td>
 * <td>ε^⅔</td></tr>
 * <tr><td>second</td><td>h² φ⁗/12</td><td>4ε φ/h²</td><td>ε^¼</td><td>1.9e-2</td><td>1.2e-4</td>
 * <td>ε^½</td></tr>
 * </table>
 */
public final class FiniteDifferences {
  private FiniteDifferences() {}

  /** The step of {@link #forward}: ε^½. */
  public static double forwardStep(DType dtype) {
    return Math.sqrt(dtype.epsilon());
  }

  /** The step of {@link #central}: ε^⅓. */
  public static double centralStep(DType dtype) {
    return Math.cbrt(dtype.epsilon());
  }

  /** The step of {@link #second}: ε^¼. */
  public static double secondStep(DType dtype) {
    return Math.sqrt(Math.sqrt(dtype.epsilon()));
  }

  /** {@link #forward(Function, Object, Object, double)} with the step for x's coarsest dtype. */
  public static <A, B> B forward(Function<A, B> f, A x, A v) {
    return forward(f, x, v, forwardStep(coarsest(x)));
  }

  /**
   * (f(x + h v) − f(x)) / h.
   *
   * @param v structure, shapes and dtypes of x; leaves that are not real are ignored
   * @param h step, not 0
   * @return structure of f's result; zeros for leaves that are not real
   * @throws IllegalArgumentException if v is not like x, x has no real leaf, or h is not a step
   */
  public static <A, B> B forward(Function<A, B> f, A x, A v, double h) {
    return combine(1 / requireStep(h), List.of(1.0, -1.0), List.of(at(f, x, v, h), f.apply(x)));
  }

  /** {@link #central(Function, Object, Object, double)} with the step for x's coarsest dtype. */
  public static <A, B> B central(Function<A, B> f, A x, A v) {
    return central(f, x, v, centralStep(coarsest(x)));
  }

  /** (f(x + h v) − f(x − h v)) / 2h; see {@link #forward(Function, Object, Object, double)}. */
  public static <A, B> B central(Function<A, B> f, A x, A v, double h) {
    double factor = 1 / (2 * requireStep(h));
    return combine(factor, List.of(1.0, -1.0), List.of(at(f, x, v, h), at(f, x, v, -h)));
  }

  /** {@link #second(Function, Object, Object, double)} with the step for x's coarsest dtype. */
  public static <A, B> B second(Function<A, B> f, A x, A v) {
    return second(f, x, v, secondStep(coarsest(x)));
  }

  /**
   * (f(x + h v) − 2 f(x) + f(x − h v)) / h², the second derivative along v; see {@link
   * #forward(Function, Object, Object, double)}.
   */
  public static <A, B> B second(Function<A, B> f, A x, A v, double h) {
    return combine(
        1 / (requireStep(h) * h),
        List.of(1.0, -2.0, 1.0),
        List.of(at(f, x, v, h), f.apply(x), at(f, x, v, -h)));
  }

  private static double requireStep(double h) {
    if (h == 0 || !Double.isFinite(h)) {
      throw new IllegalArgumentException("h: " + h + " is no step; expected a finite number not 0");
    }
    return h;
  }

  private static <A> DType coarsest(A x) {
    List<Tensor> real = Tree.leavesOf(x).stream().filter(t -> t.dtype().isReal()).toList();
    if (real.isEmpty()) {
      throw new IllegalArgumentException("x: no leaf is real; only F32 and F64 can be moved");
    }
    return real.stream().anyMatch(t -> t.dtype() == DType.F32) ? DType.F32 : DType.F64;
  }

  /** f(x + t v). */
  private static <A, B> B at(Function<A, B> f, A x, A v, double t) {
    coarsest(x);
    Tree<A> tree = Tree.of("x", x);
    List<Tensor> from = tree.leaves(x);
    List<Tensor> along = tree.leaves(v);
    List<Tensor> moved = new ArrayList<>();
    for (int i = 0; i < from.size(); i++) {
      Tensor a = from.get(i);
      Transform.requireLike("v", tree.paths().get(i), along.get(i), a.node());
      moved.add(a.dtype().isReal() ? a.add(along.get(i).mul(t)) : a);
    }
    return f.apply(tree.rebuild(moved));
  }

  /** factor · Σ weight · value, leaf by leaf. */
  private static <B> B combine(double factor, List<Double> weights, List<B> values) {
    Tree<B> tree = Tree.of(values.get(0));
    List<Tensor> leaves = new ArrayList<>();
    for (int i = 0; i < tree.size(); i++) {
      Tensor first = tree.leaves(values.get(0)).get(i);
      if (!first.dtype().isReal()) {
        leaves.add(Constants.zerosLike(first));
        continue;
      }
      Tensor sum = first.mul(weights.get(0));
      for (int k = 1; k < values.size(); k++) {
        sum = sum.add(tree.leaves(values.get(k)).get(i).mul(weights.get(k)));
      }
      leaves.add(sum.mul(factor));
    }
    return tree.rebuild(leaves);
  }
}
