package org.hesse;

import java.util.List;
import java.util.function.UnaryOperator;
import org.hesse.diff.LinearSolves;
import org.hesse.ir.KrylovMethod;
import org.hesse.ir.Node;

/**
 * A way to solve A x = b for a linear function A between trees of one structure. The solution has
 * derivatives of every order by every mode, in b and in whatever A captures: each of them solves
 * again, and none looks into how a solution was found.
 *
 * <pre>{@code
 * var cg = LinearSolver.conjugateGradients(1e-10, 200);
 * Model step = cg.solve((Model v) -> hvp(loss, model, v), gradient);          // Newton, matrix-free
 * }</pre>
 *
 * <p>Where only the solution is wanted, {@code org.hesse.linalg} has solvers that run at once, sum
 * in F64, take preconditioners, and report residuals and negative curvature instead of failing.
 */
public sealed interface LinearSolver {
  /**
   * Solves with A as a dense matrix ({@link Matrices#solve}), for up to 4,096 unknowns. A singular
   * A is an {@link ArithmeticException} when it runs.
   */
  static LinearSolver dense() {
    return new Dense();
  }

  /**
   * Conjugate gradients, for a symmetric positive definite A. Where they do not converge, or meet
   * negative curvature, that is an {@link ArithmeticException} when it runs. See Hestenes and
   * Stiefel, Methods of conjugate gradients for solving linear systems (1952).
   *
   * @param tolerance on ‖A x − b‖ / ‖b‖, above 0 and below 1
   * @param steps at most so many products with A, 1 or more
   * @throws IllegalArgumentException if one of them is out of range
   */
  static LinearSolver conjugateGradients(double tolerance, int steps) {
    return new Iterative(true, tolerance, steps);
  }

  /**
   * Conjugate gradients on AᵀA x = Aᵀb, for any regular A. They need about the square of the steps
   * where A is badly conditioned. Where they do not converge, or ‖A x − b‖ stays above √tolerance
   * ‖b‖ since A is singular or nearly so, that is an {@link ArithmeticException} when it runs.
   *
   * @param tolerance on ‖Aᵀ(A x − b)‖ / ‖Aᵀb‖, above 0 and below 1
   * @param steps at most so many products with A and Aᵀ each, 1 or more
   * @throws IllegalArgumentException if one of them is out of range
   */
  static LinearSolver normalEquations(double tolerance, int steps) {
    return new Iterative(false, tolerance, steps);
  }

  /**
   * The solution of A x = b.
   *
   * @param a a linear function, traced once or more
   * @param b real tensors of one dtype
   * @return structure, shapes and dtype of b
   * @throws IllegalArgumentException if a's result is not like b, or there are too many unknowns
   */
  <X> X solve(UnaryOperator<X> a, X b);

  /** The structure of a right-hand side, which must be of one real dtype. */
  private static <X> Tree<X> vector(X b) {
    Tree<X> tree = Tree.of("b", b);
    List<Tensor> leaves = tree.leaves(b);
    for (int i = 0; i < leaves.size(); i++) {
      DType dtype = leaves.get(i).dtype();
      if (!dtype.isReal() || dtype != leaves.get(0).dtype()) {
        throw new IllegalArgumentException(
            "b: leaf '"
                + tree.paths().get(i)
                + "' is "
                + leaves.get(i).type()
                + "; expected "
                + (leaves.get(0).dtype().isReal() ? leaves.get(0).dtype() : "F32 or F64")
                + (i == 0 ? "" : " as the leaves before it")
                + " (convert it with cast)");
      }
    }
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException(
          "b: " + tree + " has no tensor; there is nothing to solve");
    }
    return tree;
  }

  /** With a matrix. */
  record Dense() implements LinearSolver {
    static final int LIMIT = 4096;

    @Override
    public <X> X solve(UnaryOperator<X> a, X b) {
      Tree<X> tree = vector(b);
      long n = tree.leaves(b).stream().mapToLong(Tensor::size).sum();
      if (n > LIMIT) {
        throw new IllegalArgumentException(
            "linear system: "
                + n
                + " unknowns; a dense matrix takes up to "
                + LIMIT
                + " (use LinearSolver.conjugateGradients, or normalEquations where A is not"
                + " symmetric and positive definite)");
      }
      X zero = Tree.map(b, Constants::zerosLike);
      Tensor matrix = Jacobians.of("solve", Jacobians.Mode.FORWARD, a, zero).toDense();
      return tree.unravel(Matrices.solve(matrix, tree.ravel(b)), b);
    }
  }

  /** With products only. */
  record Iterative(boolean symmetric, double tolerance, int steps) implements LinearSolver {
    /** Checks the numbers. */
    public Iterative {
      if (!(tolerance > 0 && tolerance < 1)) {
        throw new IllegalArgumentException(
            "tolerance: " + tolerance + "; expected a number above 0 and below 1, such as 1e-8");
      }
      if (steps < 1) {
        throw new IllegalArgumentException("steps: " + steps + "; expected 1 or more");
      }
    }

    @Override
    public <X> X solve(UnaryOperator<X> a, X b) {
      Tree<X> tree = vector(b);
      List<Tensor> x =
          Transform.run(
              "solve",
              tree.leaves(b),
              () -> {
                Node rhs = tree.ravel(b).node();
                UnaryOperator<Tensor> onVectors =
                    v -> {
                      X y = tree.unravel(v, b);
                      return tree.ravel(Implicit.requireLike("a", b, a.apply(y)));
                    };
                return List.of(
                    LinearSolves.solve(
                        new KrylovMethod(symmetric, tolerance, steps),
                        v -> onVectors.apply(Tensor.traced(v)).node(),
                        rhs));
              });
      return tree.unravel(x.get(0), b);
    }
  }
}
