package org.hesse.linalg;

/**
 * What the products of a trace estimation tell.
 *
 * @param trace tr A
 * @param frobeniusSquared ‖A‖_F² = tr AᵀA, from the same products
 * @param method how they were estimated, which {@link TraceEstimator#of} chooses
 * @param matvecs products made with the operator
 * @param reached whether the relative standard error asked for was reached; true if none was
 */
public record TraceEstimate(
    Estimate trace,
    Estimate frobeniusSquared,
    TraceEstimator.Method method,
    int matvecs,
    boolean reached) {

  /** The Frobenius norm ‖A‖_F, the root of the sum of all squared entries. */
  public Estimate frobenius() {
    return frobeniusSquared.sqrt();
  }
}
