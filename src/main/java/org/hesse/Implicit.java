package org.hesse;

import java.util.function.BiFunction;
import java.util.function.Function;

/** Derivatives of solutions of equations, by the implicit function theorem. */
final class Implicit {
  /** Largest number of unknowns: the derivative inverts a dense matrix. */
  static final int LIMIT = 1024;

  /** Relative to the identity; what is left of a convergent iteration is far below. */
  private static final double INVERTED = 1e-2;

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
    Tree<X> tree = Tree.of(x);
    long n = tree.leaves(x).stream().mapToLong(Tensor::size).sum();
    if (n > LIMIT) {
      throw new IllegalArgumentException(
          "implicit derivative: the solution has "
              + n
              + " numbers; at most "
              + LIMIT
              + " are supported, since its derivative inverts a dense matrix");
    }
    X change = Autodiff.jvp((P q) -> residual.apply(x, q), p, dp).tangent();
    Tensor jacobian =
        Jacobians.of(
                "implicit derivative", Jacobians.Mode.CHEAPER, (X z) -> residual.apply(z, p), x)
            .toDense();
    Tensor dx = inverse(jacobian).matmul(tree.ravel(change)).neg();
    return tree.unravel(dx, x);
  }

  private static <X> X requireLike(X x, X r) {
    Tree<X> tree = Tree.of(x);
    Tree<X> given = Tree.of(r);
    if (!tree.equals(given)) {
      throw new IllegalArgumentException(
          "residual: its result has the structure "
              + given
              + "; expected that of the solution, "
              + tree
              + ": as many equations as unknowns");
    }
    for (int i = 0; i < tree.size(); i++) {
      Autodiff.requireLike(
          "residual", tree.paths().get(i), tree.leaves(r).get(i), tree.leaves(x).get(i).node());
    }
    return r;
  }

  /**
   * The inverse of a matrix, [n, n], with derivatives of every order from d(A⁻¹) = −A⁻¹ dA A⁻¹. NaN
   * where the condition number is beyond about 10⁸ in F64, 10⁴ in F32.
   */
  static Tensor inverse(Tensor matrix) {
    return Autodiff.customJvp(Implicit::newtonSchulz, (a, y, da) -> y.matmul(da).matmul(y).neg())
        .apply(matrix);
  }

  /**
   * X ← X (2I − A X) from Aᵀ/(‖A‖₁‖A‖∞), which converges for every regular matrix and squares ‖I −
   * A X‖ in each step: at most log₂ κ²n steps until it is small, then 5 or 6 (Pan and Schreiber, An
   * Improved Newton Iteration for the Generalized Inverse of a Matrix, 1991). A fixed number of
   * products, so it can be part of any trace.
   */
  private static Tensor newtonSchulz(Tensor a) {
    Tensor identity = Tensor.eye(a.dtype(), a.dim(0));
    Tensor twice = identity.mul(2);
    Tensor norms = a.abs().sum(0).max().mul(a.abs().sum(1).max());
    Tensor x = a.transpose().div(norms);
    int steps = a.dtype() == DType.F64 ? 72 : 46;
    for (int i = 0; i < steps; i++) {
      x = x.matmul(twice.sub(a.matmul(x)));
    }
    Tensor left = identity.sub(a.matmul(x)).abs().max();
    return left.lt(INVERTED).select(x, Tensor.scalar(Double.NaN, a.dtype()));
  }
}
