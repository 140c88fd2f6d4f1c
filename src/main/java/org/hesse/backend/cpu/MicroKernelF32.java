// twin: F64
package org.hesse.backend.cpu;

/** Multiplies a few rows by a few vectors of columns. */
interface MicroKernelF32 {
  /**
   * {@code c[co + i·cm + j] = Σₚ a[ao + i·am + p·ak] · b[bo + p·bk + j]} for p below k and for
   * whole vectors of j, where numbers of b beyond {@code columns} may be read as 0.
   */
  void run(
      float[] a,
      int ao,
      int am,
      int ak,
      float[] b,
      int bo,
      int bk,
      int columns,
      int k,
      float[] c,
      int co,
      int cm);
}
