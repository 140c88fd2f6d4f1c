package org.hesse.linalg;

import java.util.List;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Eigenvalues of a symmetric operator with error bounds, the most wanted first; those of both ends
 * of the spectrum ascending.
 */
public final class Eigenpairs {

  /**
   * An eigenvalue.
   *
   * @param value the Ritz value θ
   * @param residual a bound on its error: some eigenvalue λ has |θ − λ| ≤ residual
   * @param converged whether the residual met the tolerance asked for, or the level of rounding
   */
  public record Eigenpair(double value, double residual, boolean converged) {}

  private final List<Eigenpair> pairs;
  private final @Nullable Tensor vectors;
  private final boolean complete;
  private final int matvecs;

  Eigenpairs(List<Eigenpair> pairs, @Nullable Tensor vectors, boolean complete, int matvecs) {
    this.pairs = List.copyOf(pairs);
    this.vectors = vectors;
    this.complete = complete;
    this.matvecs = matvecs;
  }

  /** The eigenvalues with their bounds. */
  public List<Eigenpair> pairs() {
    return pairs;
  }

  /** How many there are. */
  public int size() {
    return pairs.size();
  }

  /** The eigenvalues, in the order of the pairs. */
  public double[] values() {
    return pairs.stream().mapToDouble(Eigenpair::value).toArray();
  }

  /** The bound on the error of each value, in the same order. */
  public double[] residuals() {
    return pairs.stream().mapToDouble(Eigenpair::residual).toArray();
  }

  /** Whether every pair converged. */
  public boolean converged() {
    return pairs.stream().allMatch(Eigenpair::converged);
  }

  /**
   * Whether the search found no sign of further eigenvalues that belong among these, such as second
   * copies of a multiple one. False where the products ran out first or the check was turned off.
   */
  public boolean complete() {
    return complete;
  }

  /**
   * The unit eigenvectors as rows, [k, n].
   *
   * @throws IllegalStateException if they were not asked for
   */
  public Tensor vectors() {
    if (vectors == null) {
      throw new IllegalStateException(
          "vectors: not kept; ask for them before the search runs, with vectors(true)");
    }
    return vectors;
  }

  /** Products made with the operator. */
  public int matvecs() {
    return matvecs;
  }

  @Override
  public String toString() {
    return pairs + " after " + matvecs + " products";
  }
}
