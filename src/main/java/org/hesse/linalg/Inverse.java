package org.hesse.linalg;

import java.util.List;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Matrices;
import org.hesse.Tensor;

/**
 * A⁻¹ as an operator each of whose products is the solution of a linear system. As a product, a
 * system that is not solved to the solver's tolerance is a {@link NumericalException}; as a {@link
 * #solution} it comes with its residual. How good the worst one was, {@link #worst} says.
 *
 * <pre>{@code
 * Inverse inverse = ConjugateGradients.of(ggn.shift(1e-3)).tolerance(1e-8).inverse();
 * Tensor x = inverse.apply(gradient);
 * Estimate trace = TraceEstimator.hutchinson(inverse).run().trace();
 * }</pre>
 *
 * <p>Made by {@link ConjugateGradients#inverse}, {@link NeumannSeries#inverse} and {@link #dense}.
 */
public final class Inverse implements LinearOperator {
  private final LinearOperator operator;
  private final Function<Tensor, Solution> solver;
  private double worst;
  private long matvecs;

  Inverse(LinearOperator operator, Function<Tensor, Solution> solver) {
    this.operator = operator;
    this.solver = solver;
  }

  /**
   * The inverse of a small operator, by a Cholesky factorisation of its matrix.
   *
   * @throws IllegalArgumentException if the operator is not symmetric, or larger than {@link
   *     LinearOperator#toDense} takes
   * @throws NumericalException if it is not positive definite
   */
  public static Inverse dense(LinearOperator operator) {
    Products.requireSymmetric(operator, "a Cholesky factorisation");
    return Hesse.on(
        operator.device(),
        () -> {
          Tensor matrix = operator.toDense();
          Tensor factor = factor(operator, matrix);
          double norm = Basis.norm(matrix.reshape(-1));
          return new Inverse(
              operator, b -> Hesse.on(factor.device(), () -> solved(operator, factor, norm, b)));
        });
  }

  private static Tensor factor(LinearOperator operator, Tensor matrix) {
    try {
      Tensor factor = Matrices.cholesky(matrix);
      var _ = Matrices.trace(factor).item(); // a device reports a failure where a result is read
      return factor;
    } catch (ArithmeticException e) {
      NumericalException named =
          new NumericalException(
              "operator: "
                  + operator
                  + " has no Cholesky factorisation, so it is not positive definite; add damping"
                  + " (shift), or use a positive semidefinite operator such as Gauss-Newton: "
                  + e.getMessage());
      named.initCause(e);
      throw named;
    }
  }

  private static Solution solved(
      LinearOperator operator, Tensor factor, double norm, Tensor given) {
    RightHandSides b = new RightHandSides(operator, given);
    Tensor x = Matrices.solveCholesky(factor, b.rows.transpose()).transpose();
    Products products = new Products(operator, Progress.NONE);
    double[] residuals = RightHandSides.norms(b.rows.sub(RightHandSides.apply(products, x)));
    boolean[] stable = new boolean[residuals.length];
    double rounding = 10.0 * operator.size() * operator.dtype().epsilon() * norm;
    for (int i = 0; i < stable.length; i++) {
      stable[i] = residuals[i] <= rounding * Basis.norm(x.select(0, i));
    }
    return b.solution(x, residuals, stable, 0, List.of(), 1, products.count());
  }

  @Override
  public int size() {
    return operator.size();
  }

  @Override
  public DType dtype() {
    return operator.dtype();
  }

  @Override
  public Device device() {
    return operator.device();
  }

  @Override
  public boolean symmetric() {
    return operator.symmetric();
  }

  @Override
  public Tensor apply(Tensor v) {
    Operators.requireVector(this, v);
    return solution(v).orThrow().solution();
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Operators.requireBlock(this, vs);
    return solution(vs).orThrow().solution();
  }

  /**
   * The product as the solver's result, also where it did not converge.
   *
   * @param b [n], or [k, n] with a right-hand side in each row
   */
  public Solution solution(Tensor b) {
    Solution s = solver.apply(b);
    synchronized (this) {
      matvecs += s.matvecs();
      for (double r : s.relativeResiduals()) {
        worst = Math.max(worst, r);
      }
    }
    return s;
  }

  /** The largest relative residual ‖b − A x‖ / ‖b‖ of all products made so far. */
  public synchronized double worst() {
    return worst;
  }

  /** Products made with A so far. */
  public synchronized long matvecs() {
    return matvecs;
  }

  @Override
  public String toString() {
    return "inverse of " + operator;
  }
}
