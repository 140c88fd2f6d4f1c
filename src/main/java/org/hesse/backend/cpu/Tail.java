package org.hesse.backend.cpu;

/** What is done with parts of a product's result as soon as they are finished. */
interface Tail {
  /**
   * Goes on with the rows i0 … i1−1 and columns j0 … j1−1 of one matrix of the result, in the order
   * of rows and columns that {@link org.hesse.backend.Step.Dot} has. The parts of one run do not
   * overlap, make up the whole result, and are the same for any number of threads; several threads
   * may call this at once.
   */
  void run(Memory memory, int batch, int i0, int i1, int j0, int j1);
}
