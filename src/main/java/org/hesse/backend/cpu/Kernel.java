package org.hesse.backend.cpu;

/** One elementwise operation on a block. */
interface Kernel {
  /**
   * Applies the operation to {@code n} elements.
   *
   * @param frame holds the operands and the result: value v begins at element {@code offsets[v]} of
   *     {@code values[v]}
   * @param arguments numbers of the operands
   * @param result number of the result, which may share memory with an operand element by element
   */
  void run(Frame frame, int[] arguments, int result, int n);
}
