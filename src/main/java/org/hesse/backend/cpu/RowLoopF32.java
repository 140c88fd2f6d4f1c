// twin: F64
package org.hesse.backend.cpu;

/** A loop over one row, or two side by side, see {@link RowTerm}. */
interface RowLoopF32 {
  /**
   * Computes a term for n elements.
   *
   * @param x row of the elements v, beginning at {@code xo}
   * @param z row of the elements u, likewise; any row where the term has none
   * @param y where the results go that are stored; may be x or z
   * @return the sum of the results; 0 where they are not added up
   */
  double run(
      float[] x, int xo, float[] z, int zo, float a, float b, float c, float[] y, int yo, int n);
}
