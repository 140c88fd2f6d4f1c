package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * What {@link Lsmr} found for min ‖A x − b‖² + λ²‖x‖², and how good it is.
 *
 * @param solution x, [n]
 * @param residualNorm ‖b − A x‖, from a product with x itself
 * @param normalResidual ‖Aᵀ(b − A x) − λ²x‖, from products with x itself; 0 at the solution
 * @param operatorNorm an estimate of ‖A‖_F from below, as far as the iteration has seen it
 * @param condition an estimate from below of the condition number of A with λI beneath it
 * @param smallest a lower bound on the singular values of A with λI beneath it, or 0 where neither
 *     one nor a damping is known
 * @param converged whether a tolerance was met
 * @param iterations steps, of one product with A and one with Aᵀ each
 * @param matvecs products with A and Aᵀ
 */
public record LeastSquares(
    Tensor solution,
    double residualNorm,
    double normalResidual,
    double operatorNorm,
    double condition,
    double smallest,
    boolean converged,
    int iterations,
    int matvecs) {

  /**
   * A bound on the error: ‖x − x*‖ ≤ ‖Aᵀ(b − A x) − λ²x‖ / (σ² + λ²), where no singular value of A
   * is below σ. What rounding adds to the residual is not counted.
   *
   * @throws IllegalStateException if λ is 0 and the solver was not told σ
   */
  public double errorBound() {
    if (!(smallest > 0)) {
      throw new IllegalStateException(
          "errorBound: no positive lower bound on the singular values is known; give the solver one"
              + " with smallestSingularValue, or a damping");
    }
    return normalResidual / smallest / smallest;
  }

  /**
   * The same, if it converged.
   *
   * @throws NumericalException if it did not
   */
  public LeastSquares orThrow() {
    if (!converged) {
      throw new NumericalException(
          "min ‖A x − b‖ is not solved: after "
              + iterations
              + " iterations ‖Aᵀr‖ is "
              + normalResidual
              + ", ‖r‖ is "
              + residualNorm
              + ", and the condition number is at least "
              + condition
              + "; allow more iterations or a larger tolerance, or add damping");
    }
    return this;
  }
}
