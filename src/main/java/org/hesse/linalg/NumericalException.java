package org.hesse.linalg;

/**
 * A computation that cannot go on because of the numbers it met: a product that is NaN, an operator
 * that is not symmetric, an iteration that does not converge.
 */
public final class NumericalException extends ArithmeticException {
  private static final long serialVersionUID = 1L;

  /** An exception whose message names the quantity, what it was, and what to check. */
  public NumericalException(String message) {
    super(message);
  }
}
