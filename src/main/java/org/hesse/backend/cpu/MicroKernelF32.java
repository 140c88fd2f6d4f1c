// twin: F64
package org.hesse.backend.cpu;

/** Multiplies a few rows by a few vectors of columns. */
interface MicroKernelF32 {
  /** {@code tile[i,j] = Σₚ a[ao + i·am + p·ak] · b[bo + p·bk + j]} for p below k. */
  void run(float[] a, int ao, int am, int ak, float[] b, int bo, int bk, int k, float[] tile);
}
