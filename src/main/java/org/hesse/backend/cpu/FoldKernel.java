package org.hesse.backend.cpu;

/** Adds up, or takes the maximum of, the rows of a small matrix. */
interface FoldKernel {
  /**
   * Folds {@code rows} rows of {@code width} consecutive numbers, and the outcome into {@code
   * sums[to…]} (plus {@code lost[to…]}, what rounding took from the sums so far).
   */
  void fold(
      Frame frame,
      Object data,
      int offset,
      int rows,
      int width,
      double[] sums,
      double[] lost,
      int to);
}
