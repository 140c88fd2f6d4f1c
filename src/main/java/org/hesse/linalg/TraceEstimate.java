package org.hesse.linalg;

/**
 * What the products of a trace estimation tell.
 *
 * @param trace tr A
 * @param squares ‖A‖_F² = tr AᵀA over the square of {@code unit}, from the same products
 * @param unit 1, or where A is of extreme scale a power of two near it
 * @param method how they were estimated, which {@link TraceEstimator#of} chooses
 * @param matvecs products made with the operator
 * @param reached whether the relative standard error asked for was reached; true if none was
 */
public record TraceEstimate(
    Estimate trace,
    Estimate squares,
    double unit,
    TraceEstimator.Method method,
    int matvecs,
    boolean reached) {

  /** The Frobenius norm ‖A‖_F, the root of the sum of all squared entries. */
  public Estimate frobenius() {
    return squares.sqrt().scale(unit);
  }

  /**
   * ‖A‖_F² = tr AᵀA.
   *
   * @throws NumericalException if it is beyond the range of a double
   */
  public Estimate frobeniusSquared() {
    Estimate e = squares.scale(unit).scale(unit);
    if (Double.isInfinite(e.value()) || e.value() == 0 && squares.value() != 0) {
      throw new NumericalException(
          "frobeniusSquared: the square of ‖A‖_F = "
              + frobenius()
              + " is beyond the range of float64; take frobenius()");
    }
    return e;
  }
}
