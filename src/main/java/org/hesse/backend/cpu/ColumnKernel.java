package org.hesse.backend.cpu;

/** Adds rows to sums of columns. */
interface ColumnKernel {
  /**
   * Adds {@code width} numbers of each of {@code rows} rows to {@code frame.sums} (and what
   * rounding takes from these to {@code frame.lost}).
   *
   * @param x holds row r from {@code xAt[r]} on
   * @param z holds the other row r from {@code zAt[r]} on
   * @param a for each row what is taken off; of {@link ColumnTerm#STANDARD} only
   * @param b for each row a factor; of {@link ColumnTerm#STANDARD} and {@link ColumnTerm#SCALED}
   *     only
   */
  void run(
      Frame frame,
      Object x,
      int[] xAt,
      Object z,
      int[] zAt,
      double[] a,
      double[] b,
      int rows,
      int width);
}
