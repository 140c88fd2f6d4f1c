package org.hesse.linalg;

import org.hesse.Hesse;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Solves A x = b for a symmetric positive definite operator by conjugate gradients, for one
 * right-hand side or for a block of them whose products are made together.
 *
 * <pre>{@code
 * Solution s = ConjugateGradients.of(ggn.shift(1e-3)).tolerance(1e-8).run(gradient);
 * Tensor x = s.orThrow().solution();
 * s.negativeCurvature();                                       // of a Hessian, where it met some
 *
 * LinearOperator inverse = ConjugateGradients.of(ggn.shift(1e-3)).preconditioner(kfac).inverse();
 * }</pre>
 *
 * <p>Each right-hand side has a search of its own, so that the solution does not depend on what
 * else is in the block, and leaves the block when it is done. The error falls at least as 2((√κ −
 * 1)/(√κ + 1))ʲ in the norm of A, κ being the condition number of A, or of the preconditioned one.
 *
 * <p><b>Residuals.</b> The residual that the recurrence carries falls below the true one in the
 * end. So a search that has ended is checked by a product with x itself, and goes on from there if
 * that helps. What is reported is the true residual.
 *
 * <p><b>Curvature.</b> A search that meets a direction d with dᵀAd &lt; 0, beyond rounding, stops
 * there and reports it ({@link Solution#negativeCurvature}). One whose direction has curvature 0 to
 * rounding stops too, as A is singular: where b is in its range the solution has been found by
 * then, else the residual says how much of b is not.
 *
 * <p>For a derivative through a solution see {@link org.hesse.LinearSolver}: that is a loop in the
 * graph that can be differentiated and compiled, sums in the dtype of its vectors and fails where
 * it does not converge. This one runs at once, sums in F64, takes a preconditioner, and reports.
 *
 * <p>Sources: Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems
 * (1952); Saad, Iterative methods for sparse linear systems, sections 6.7 and 9.2; van der Vorst
 * and Ye, Residual replacement strategies for Krylov subspace iterative methods (2000).
 */
public final class ConjugateGradients {
  final LinearOperator operator;
  double tolerance;
  double absoluteTolerance;
  int maxIterations;
  @Nullable LinearOperator preconditioner;
  double smallestEigenvalue;
  Progress progress = Progress.NONE;

  private ConjugateGradients(LinearOperator operator) {
    Products.requireSymmetric(operator, "conjugate gradients");
    this.operator = operator;
    this.tolerance = operator.dtype().epsilon() < 1e-10 ? 1e-10 : 1e-5;
    this.maxIterations = (int) Math.min(10L * operator.size(), 10_000);
  }

  /**
   * A solver; says what is wanted before {@link #run}.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static ConjugateGradients of(LinearOperator operator) {
    return new ConjugateGradients(operator);
  }

  /** ‖b − A x‖ is to be at most this times ‖b‖; default 1e-10 in F64 and 1e-5 in F32. */
  public ConjugateGradients tolerance(double relative) {
    if (!(relative >= 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number from 0 to 1, such as 1e-8");
    }
    tolerance = relative;
    return this;
  }

  /** ‖b − A x‖ may also be at most this; default 0. */
  public ConjugateGradients absoluteTolerance(double norm) {
    if (!(norm >= 0)) {
      throw new IllegalArgumentException(
          "absoluteTolerance: " + norm + "; expected 0 or a positive number");
    }
    absoluteTolerance = norm;
    return this;
  }

  /** The most steps; default 10n, and at most 10,000. */
  public ConjugateGradients maxIterations(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("maxIterations: " + count + "; expected 1 or more");
    }
    maxIterations = count;
    return this;
  }

  /**
   * An approximation of A⁻¹, symmetric positive definite, such as the inverse of Kronecker factors.
   * Where it is A⁻¹ one step is enough.
   *
   * @throws IllegalArgumentException if it is not symmetric, or its size or dtype is another
   */
  public ConjugateGradients preconditioner(LinearOperator approximateInverse) {
    Products.requireSymmetric(approximateInverse, "a preconditioner");
    Operators.requireFitting(
        approximateInverse.size() == operator.size()
            && approximateInverse.dtype() == operator.dtype(),
        operator,
        approximateInverse,
        "preconditioner",
        "sizes and dtypes must be equal");
    preconditioner = approximateInverse;
    return this;
  }

  /**
   * Says that no eigenvalue of A is below this positive number, as the damping of a positive
   * semidefinite operator says, which turns residuals into {@link Solution#errorBounds}.
   */
  public ConjugateGradients smallestEigenvalue(double bound) {
    requirePositive("smallestEigenvalue", bound);
    smallestEigenvalue = bound;
    return this;
  }

  static void requirePositive(String name, double x) {
    if (!(x > 0) || Double.isInfinite(x)) {
      throw new IllegalArgumentException(name + ": " + x + "; expected a positive number");
    }
  }

  /** Is told of every step. */
  public ConjugateGradients progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Solves from x = 0. What did not converge is returned too, and says so.
   *
   * @param b [n], or [k, n] with a right-hand side in each row
   * @throws NumericalException if a product is NaN or infinite, or the preconditioner is not
   *     positive definite
   */
  public Solution run(Tensor b) {
    return Hesse.on(operator.device(), () -> new ConjugateGradientSearch(this, b, null).run());
  }

  /**
   * Solves from a guess, of the shape of b; see {@link #run(Tensor)}. The tolerance remains
   * relative to ‖b‖.
   */
  public Solution run(Tensor b, Tensor guess) {
    if (!guess.shape().equals(b.shape()) || guess.dtype() != b.dtype()) {
      throw new IllegalArgumentException(
          "guess: "
              + guess.dtype()
              + guess.shape()
              + "; expected that of b, "
              + b.dtype()
              + b.shape());
    }
    return Hesse.on(operator.device(), () -> new ConjugateGradientSearch(this, b, guess).run());
  }

  /** A⁻¹, each of whose products is solved for; see {@link Inverse}. */
  public Inverse inverse() {
    return new Inverse(operator, this::run);
  }
}
