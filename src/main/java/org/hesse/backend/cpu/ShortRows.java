package org.hesse.backend.cpu;

/** A composite on some items at once whose rows are shorter than a vector. */
interface ShortRows {
  /**
   * So many items are done at a time at most: what is kept of them fits the scratch of a thread.
   */
  int MOST = 64;

  /**
   * Where items are.
   *
   * @param at where the first one begins, and {@code step} how far behind it the next one does
   */
  record Place(Object array, int at, int step) {}

  /**
   * Computes some items.
   *
   * @param in operands
   * @param out result
   * @param rows number of items
   * @param n length of the first operand's rows
   */
  void run(Place[] in, Place out, int rows, int n);
}
