// twin: F64
package org.hesse.backend.cpu;

/** Multiplies a few rows by a few vectors of columns, each of which may be anywhere. */
interface ColumnsKernelF32 {
  /**
   * {@code c[cv + rows[row + i] + l] = Σₚ a[ao + i + p·ROWS] · b[bv + at[p] + l]} for each vector v
   * and its lanes l, of which the first {@code count} are stored.
   */
  void run(
      float[] a, int ao, float[] b, int[] bv, int[] at, float[] c, int[] cv, int[] rows, int row);
}
