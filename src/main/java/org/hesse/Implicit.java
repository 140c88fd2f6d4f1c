package org.hesse;

import java.util.function.BiFunction;
import java.util.function.Function;

/** Derivatives of solutions of equations, by the implicit function theorem. */
final class Implicit {
  /** Largest number of unknowns: the derivative solves with a dense matrix. */
  static final int LIMIT = 4096;

  private Implicit() {}

  static <P, X> Function<P, X> root(Function<P, X> solver, BiFunction<X, P, X> residual) {
    BiFunction<X, P, X> checked = (x, p) -> requireLike(x, residual.apply(x, p));
    return Autodiff.customJvp(solver, (p, x, dp) -> tangent(checked, p, x, dp));
  }

  static <P, X> Function<P, X> minimum(Function<P, X> solver, BiFunction<X, P, Tensor> objective) {
    return root(solver, (x, p) -> Autodiff.grad((X z) -> objective.apply(z, p)).apply(x));
  }

  /** dx = −(∂F/∂x)⁻¹ (∂F/∂p) dp. */
  private static <P, X> X tangent(BiFunction<X, P, X> residual, P p, X x, P dp) {
    Tree<X> tree = Tree.of("x", x);
    long n = tree.leaves(x).stream().mapToLong(Tensor::size).sum();
    if (n > LIMIT) {
      throw new IllegalArgumentException(
          "implicit derivative: the solution has "
              + n
              + " numbers; at most "
              + LIMIT
              + " are supported, since its derivative solves with a dense matrix");
    }
    X change = Autodiff.jvp((P q) -> residual.apply(x, q), p, dp).tangent();
    Tensor jacobian =
        Jacobians.of(
                "implicit derivative", Jacobians.Mode.CHEAPER, (X z) -> residual.apply(z, p), x)
            .toDense();
    Tensor dx = Matrices.solve(jacobian, tree.ravel(change)).neg();
    return tree.unravel(dx, x);
  }

  private static <X> X requireLike(X x, X r) {
    Tree<X> tree = Tree.of("x", x);
    Tree<X> given = Tree.of("residual: its result", r);
    if (!tree.equals(given)) {
      throw new IllegalArgumentException(
          "residual: its result has the structure "
              + given
              + "; expected that of the solution, "
              + tree
              + ": as many equations as unknowns");
    }
    for (int i = 0; i < tree.size(); i++) {
      Transform.requireLike(
          "residual", tree.paths().get(i), tree.leaves(r).get(i), tree.leaves(x).get(i).node());
    }
    return r;
  }
}
