// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Up to 6 rows by up to 3 vectors of columns, like {@link MicroF32}, but each vector is read where
 * it is at a distance that a table has for each pair, and results go right where they belong. Each
 * copy has its own number of rows, of vectors, and distance between the pairs of the left operand.
 */
final class MicroColumnsF32 implements ColumnsKernelF32 {
  private static final int[] SIZE = Specialized.constant(MethodHandles.lookup(), int[].class);
  private static final int ROWS = SIZE[0];
  private static final int VECTORS = SIZE[1];
  private static final int STEP = SIZE[2];
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  MicroColumnsF32() {}

  @Override
  public void run(
      float[] a, int ao, float[] b, int[] bv, int[] at, float[] c, int[] cv, int[] rows, int row) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero, c01 = zero, c02 = zero;
    FloatVector c10 = zero, c11 = zero, c12 = zero;
    FloatVector c20 = zero, c21 = zero, c22 = zero;
    FloatVector c30 = zero, c31 = zero, c32 = zero;
    FloatVector c40 = zero, c41 = zero, c42 = zero;
    FloatVector c50 = zero, c51 = zero, c52 = zero;
    int v0 = bv[0];
    int v1 = VECTORS > 1 ? bv[1] : 0;
    int v2 = VECTORS > 2 ? bv[2] : 0;
    for (int p = 0; p < at.length; p++) {
      int d = at[p];
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, v0 + d);
      FloatVector b1 = VECTORS > 1 ? FloatVector.fromArray(SPECIES, b, v1 + d) : b0;
      FloatVector b2 = VECTORS > 2 ? FloatVector.fromArray(SPECIES, b, v2 + d) : b0;
      FloatVector x = FloatVector.broadcast(SPECIES, a[ao]);
      c00 = x.fma(b0, c00);
      c01 = VECTORS > 1 ? x.fma(b1, c01) : zero;
      c02 = VECTORS > 2 ? x.fma(b2, c02) : zero;
      if (ROWS > 1) {
        x = FloatVector.broadcast(SPECIES, a[ao + 1]);
        c10 = x.fma(b0, c10);
        c11 = VECTORS > 1 ? x.fma(b1, c11) : zero;
        c12 = VECTORS > 2 ? x.fma(b2, c12) : zero;
      }
      if (ROWS > 2) {
        x = FloatVector.broadcast(SPECIES, a[ao + 2]);
        c20 = x.fma(b0, c20);
        c21 = VECTORS > 1 ? x.fma(b1, c21) : zero;
        c22 = VECTORS > 2 ? x.fma(b2, c22) : zero;
      }
      if (ROWS > 3) {
        x = FloatVector.broadcast(SPECIES, a[ao + 3]);
        c30 = x.fma(b0, c30);
        c31 = VECTORS > 1 ? x.fma(b1, c31) : zero;
        c32 = VECTORS > 2 ? x.fma(b2, c32) : zero;
      }
      if (ROWS > 4) {
        x = FloatVector.broadcast(SPECIES, a[ao + 4]);
        c40 = x.fma(b0, c40);
        c41 = VECTORS > 1 ? x.fma(b1, c41) : zero;
        c42 = VECTORS > 2 ? x.fma(b2, c42) : zero;
      }
      if (ROWS > 5) {
        x = FloatVector.broadcast(SPECIES, a[ao + 5]);
        c50 = x.fma(b0, c50);
        c51 = VECTORS > 1 ? x.fma(b1, c51) : zero;
        c52 = VECTORS > 2 ? x.fma(b2, c52) : zero;
      }
      ao += STEP;
    }
    store(c00, c01, c02, c, cv, rows[row]);
    if (ROWS > 1) {
      store(c10, c11, c12, c, cv, rows[row + 1]);
    }
    if (ROWS > 2) {
      store(c20, c21, c22, c, cv, rows[row + 2]);
    }
    if (ROWS > 3) {
      store(c30, c31, c32, c, cv, rows[row + 3]);
    }
    if (ROWS > 4) {
      store(c40, c41, c42, c, cv, rows[row + 4]);
    }
    if (ROWS > 5) {
      store(c50, c51, c52, c, cv, rows[row + 5]);
    }
  }

  private static void store(
      FloatVector v0, FloatVector v1, FloatVector v2, float[] c, int[] cv, int row) {
    v0.intoArray(c, cv[0] + row);
    if (VECTORS > 1) {
      v1.intoArray(c, cv[1] + row);
    }
    if (VECTORS > 2) {
      v2.intoArray(c, cv[2] + row);
    }
  }
}
