// twin: F64
package org.hesse.backend.cpu;

/** Sums of products of a few rows by a few columns, whose pairs lie in stretches. */
interface PairsKernelF32 {
  /**
   * {@code tile[at + i·row + j·LANES + l] = Σ a[row i + as[s] + l] · b[column j + bs[s] + l]} over
   * s from {@code from} to {@code to} − 1.
   */
  void run(Side a, Side b, int from, int to, float[] tile, int at, int row);

  /**
   * One operand.
   *
   * @param lines distances of rows, or columns; the first one counts is {@code first}
   * @param stretches distances of vectors in the stretches
   */
  record Side(float[] array, int at, int[] lines, int first, int[] stretches) {
    int line(int i) {
      return at + lines[first + i];
    }
  }
}
