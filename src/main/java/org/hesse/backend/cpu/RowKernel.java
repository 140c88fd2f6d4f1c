package org.hesse.backend.cpu;

/** A composite on one item. */
interface RowKernel {
  /**
   * Computes an item.
   *
   * @param in arrays of the operands
   * @param at where the items begin in them
   * @param out array of the result, and {@code to} where its item begins
   * @param n length of the first operand's row
   */
  void run(Object[] in, int[] at, Object out, int to, int n);
}
