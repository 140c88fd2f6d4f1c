// twin: F64
package org.hesse.backend.cpu;

/** Multiplies rows by a few columns, both of which lie along the pairs. */
interface InnerKernelF32 {
  /**
   * {@code c[co + i·cm + j·cn] = Σₚ a[ao + i·am + p] · b[bo + j·bm + p]} for i below {@code rows}
   * and p below k, with {@code tile} to work in.
   */
  void run(
      float[] a,
      int ao,
      int am,
      int rows,
      float[] b,
      int bo,
      int bm,
      int k,
      float[] c,
      int co,
      int cm,
      int cn,
      float[] tile);
}
