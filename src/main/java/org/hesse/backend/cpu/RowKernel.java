package org.hesse.backend.cpu;

/** A composite on one item, or on some, one after another. */
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

  /** How many items with rows of a length it had better get at once. */
  default int atOnce(int n) {
    return 1;
  }

  /**
   * Computes some items.
   *
   * @param at for each item where it begins in the operands and, last, in the result
   */
  default void run(Object[] in, int[][] at, Object out, int n, int count) {
    for (int i = 0; i < count; i++) {
      run(in, at[i], out, at[i][in.length], n);
    }
  }
}
