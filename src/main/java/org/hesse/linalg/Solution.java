package org.hesse.linalg;

import java.util.Arrays;
import java.util.List;
import org.hesse.Tensor;

/**
 * What a solver found for A x = b, one right-hand side or a block of them, and how good it is.
 * Arrays have one number for each right-hand side.
 *
 * <pre>{@code
 * Solution s = ConjugateGradients.of(ggn.shift(1e-3)).smallestEigenvalue(1e-3).run(gradient);
 * s.solution();               // [n]
 * s.relativeResiduals()[0];   // ‖b − A x‖ / ‖b‖, computed and not carried along
 * s.errorBounds()[0];         // ‖x − A⁻¹b‖ is at most this
 * }</pre>
 */
public final class Solution {
  /**
   * A direction along which a symmetric operator does not curve upwards.
   *
   * @param vector the number of the right-hand side whose search met it
   * @param direction d, a unit vector [n]
   * @param curvature dᵀAd, negative by more than its rounding error
   */
  public record NegativeCurvature(int vector, Tensor direction, double curvature) {}

  private final Tensor solution;
  private final double[] residuals;
  private final double[] sizes;
  private final boolean[] converged;
  private final double smallest;
  private final List<NegativeCurvature> negative;
  private final int iterations;
  private final int matvecs;

  /**
   * Holds its arguments.
   *
   * @param residuals ‖b − A x‖ of each right-hand side
   * @param sizes ‖b‖ of each
   * @param smallest a lower bound on the eigenvalues of A, or 0 where none is known
   */
  Solution(
      Tensor solution,
      double[] residuals,
      double[] sizes,
      boolean[] converged,
      double smallest,
      List<NegativeCurvature> negative,
      int iterations,
      int matvecs) {
    this.solution = solution;
    this.residuals = residuals;
    this.sizes = sizes;
    this.converged = converged;
    this.smallest = smallest;
    this.negative = List.copyOf(negative);
    this.iterations = iterations;
    this.matvecs = matvecs;
  }

  /** x, of the shape of b: [n], or [k, n] with a solution in each row. */
  public Tensor solution() {
    return solution;
  }

  /** ‖b − A x‖, from a product with x itself. */
  public double[] residualNorms() {
    return residuals.clone();
  }

  /** ‖b − A x‖ / ‖b‖; 0 where b and the residual are 0. */
  public double[] relativeResiduals() {
    double[] relative = new double[residuals.length];
    Arrays.setAll(relative, i -> residuals[i] == 0 ? 0 : residuals[i] / sizes[i]);
    return relative;
  }

  /**
   * Bounds on the errors: ‖x − A⁻¹b‖ ≤ ‖b − A x‖ / λ for symmetric A whose eigenvalues are λ &gt; 0
   * or more. What rounding adds to the residual is not counted.
   *
   * @throws IllegalStateException if the solver was not told λ
   */
  public double[] errorBounds() {
    if (!(smallest > 0)) {
      throw new IllegalStateException(
          "errorBounds: no positive lower bound on the operator's eigenvalues is known; give the"
              + " solver one with smallestEigenvalue, such as the damping of a positive"
              + " semidefinite operator");
    }
    return Arrays.stream(residuals).map(r -> r / smallest).toArray();
  }

  /** Whether every residual met its tolerance. */
  public boolean converged() {
    for (boolean c : converged) {
      if (!c) {
        return false;
      }
    }
    return true;
  }

  /** Whether the residual of each right-hand side met its tolerance. */
  public boolean[] convergedEach() {
    return converged.clone();
  }

  /**
   * Directions of negative curvature that ended a search, at most one for each right-hand side. Its
   * solution is the last iterate before, and the operator is not positive definite.
   */
  public List<NegativeCurvature> negativeCurvature() {
    return negative;
  }

  /** Steps made; those of a block are made together. */
  public int iterations() {
    return iterations;
  }

  /** Products made with A; one with a block of k vectors counts as k. */
  public int matvecs() {
    return matvecs;
  }

  /**
   * The same, if it converged.
   *
   * @throws NumericalException if it did not; the message says why and what helps
   */
  public Solution orThrow() {
    if (converged()) {
      return this;
    }
    int worst = 0;
    double[] relative = relativeResiduals();
    for (int i = 0; i < relative.length; i++) {
      worst = relative[i] > relative[worst] ? i : worst;
    }
    String met =
        negative.isEmpty()
            ? "; allow more iterations or a larger tolerance, add damping (shift) or use a"
                + " preconditioner"
            : ", as the operator has negative curvature, "
                + negative.getFirst().curvature()
                + " along a direction that negativeCurvature() gives; add damping of more than its"
                + " magnitude (shift), or use a positive semidefinite operator such as Gauss-Newton";
    throw new NumericalException(
        "A x = b is not solved: after "
            + iterations
            + " iterations the relative residual is "
            + relative[worst]
            + (residuals.length == 1 ? "" : " for right-hand side " + worst)
            + met);
  }

  @Override
  public String toString() {
    return (converged() ? "converged" : "not converged")
        + ", relative residuals "
        + Arrays.toString(relativeResiduals())
        + " after "
        + iterations
        + " iterations, "
        + matvecs
        + " products"
        + (negative.isEmpty() ? "" : ", negative curvature " + negative.getFirst().curvature());
  }
}
