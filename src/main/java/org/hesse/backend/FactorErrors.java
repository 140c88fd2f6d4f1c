package org.hesse.backend;

import org.hesse.ir.FactorKind;

/** The errors of dense linear algebra, in the same words on every device. */
public final class FactorErrors {
  private final Step.Factor step;

  public FactorErrors(Step.Factor step) {
    this.step = step;
  }

  private ArithmeticException error(long matrix, String what) {
    String which = step.batch() == 1 ? "the matrix" : "matrix " + matrix + " of " + step.batch();
    return new ArithmeticException(step.kind().mnemonic() + ": " + which + " " + what);
  }

  /** An element that is read is NaN or infinite. */
  public ArithmeticException notFinite(long matrix, long row, long column, boolean nan) {
    String value = nan ? "NaN" : "infinity";
    return error(matrix, "has " + value + " at [" + row + ", " + column + "]");
  }

  /** A leading minor, of order 1 and up, is not positive. */
  public ArithmeticException notPositiveDefinite(long matrix, int order) {
    return error(
        matrix,
        "is not positive definite: its leading minor of order "
            + order
            + " is not positive"
            + " (it must be symmetric with positive eigenvalues; a multiple of the identity"
            + " added to it may help)");
  }

  /** An element of a triangular matrix's diagonal, or a pivot, is 0. */
  public ArithmeticException singular(long matrix, int place) {
    return error(
        matrix,
        step.kind() instanceof FactorKind.LuSolve
            ? "is singular: pivot " + place + " of its LU factorisation is exactly 0"
            : "is singular: element " + place + " of its diagonal is 0");
  }

  /** A routine that looks for eigenvalues or singular values has given up. */
  public ArithmeticException notConverged(long matrix, String routine, int info) {
    String values = step.kind() instanceof FactorKind.Eigh ? "eigenvalues" : "singular values";
    return error(
        matrix, "has " + values + " that did not converge (" + routine + ": " + info + ")");
  }

  /**
   * Two values are equal to working precision.
   *
   * @param i the place of the first one
   * @param j that of the second one
   * @param sizes what they are, in words, or nothing
   */
  public ArithmeticException equal(
      FactorKind.Values of, long matrix, int count, int i, int j, String sizes) {
    boolean eigen = of == FactorKind.Values.EIGENVALUES;
    if (of == FactorKind.Values.SINGULAR_VALUES_AND_ZERO && j == count - 1) {
      return error(
          matrix,
          "does not have full rank: its singular value "
              + i
              + " is 0 to working precision"
              + sizes
              + ", so its singular vectors have no derivative");
    }
    return error(
        matrix,
        "has "
            + (eigen ? "eigenvalues " : "singular values ")
            + i
            + " and "
            + j
            + " equal to working precision"
            + sizes
            + ", so "
            + (eigen ? "eigenvectors" : "singular vectors")
            + " have no derivative, nor "
            + (eigen ? "eigenvalues" : "singular values")
            + " a second one; write the function"
            + " without them if it is smooth there (trace, slogdet, solve, cholesky, products)");
  }
}
