package org.hesse;

import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Derivatives of solutions of equations, by the implicit function theorem. */
final class Implicit {
  private Implicit() {}

  static <P, X> Function<P, X> root(
      Function<P, X> solver, BiFunction<X, P, X> residual, LinearSolver linear) {
    BiFunction<X, P, X> checked = (x, p) -> requireLike("residual", x, residual.apply(x, p));
    return Autodiff.customJvp(solver, (p, x, dp) -> tangent(checked, linear, p, x, dp));
  }

  static <P, X> Function<P, X> minimum(
      Function<P, X> solver, BiFunction<X, P, Tensor> objective, LinearSolver linear) {
    return root(solver, (x, p) -> Autodiff.grad((X z) -> objective.apply(z, p)).apply(x), linear);
  }

  /** dx = −(∂F/∂x)⁻¹ (∂F/∂p) dp. */
  private static <P, X> X tangent(
      BiFunction<X, P, X> residual, LinearSolver linear, P p, X x, P dp) {
    X change = Autodiff.jvp((P q) -> residual.apply(x, q), p, dp).tangent();
    UnaryOperator<X> jacobian = v -> Autodiff.jvp((X z) -> residual.apply(z, p), x, v).tangent();
    return Tree.map(linear.solve(jacobian, change), Tensor::neg);
  }

  /** What a function has made of x, if that has structure, shapes and dtypes of x. */
  static <X> X requireLike(String function, X x, X r) {
    Tree<X> tree = Tree.of("x", x);
    Tree<X> given = Tree.of(function + ": its result", r);
    if (!tree.equals(given)) {
      throw new IllegalArgumentException(
          function
              + ": its result has the structure "
              + given
              + "; expected "
              + tree
              + ", as many equations as unknowns");
    }
    for (int i = 0; i < tree.size(); i++) {
      Transform.requireLike(
          function, tree.paths().get(i), tree.leaves(r).get(i), tree.leaves(x).get(i).node());
    }
    return r;
  }
}
