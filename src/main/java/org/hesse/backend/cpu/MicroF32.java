// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The heart of the matrix product: up to 6 rows by up to 3 vectors of columns, all of whose sums
 * stay in registers. (With 8 rows they do not, although 32 registers should hold them.) Each copy
 * of this class has its own number of rows and of vectors; what is beyond them is dropped by the
 * JIT compiler. Every sum is formed in the order of p, so an element's value does not depend on the
 * copy that computes it.
 */
final class MicroF32 implements MicroKernelF32 {
  private static final int[] SIZE = Specialized.constant(MethodHandles.lookup(), int[].class);
  private static final int ROWS = SIZE[0];
  private static final int VECTORS = SIZE[1];
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  MicroF32() {}

  @Override
  public void run(
      float[] a, int ao, int am, int ak, float[] b, int bo, int bk, int k, float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero, c01 = zero, c02 = zero;
    FloatVector c10 = zero, c11 = zero, c12 = zero;
    FloatVector c20 = zero, c21 = zero, c22 = zero;
    FloatVector c30 = zero, c31 = zero, c32 = zero;
    FloatVector c40 = zero, c41 = zero, c42 = zero;
    FloatVector c50 = zero, c51 = zero, c52 = zero;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, bo);
      FloatVector b1 = VECTORS > 1 ? FloatVector.fromArray(SPECIES, b, bo + LANES) : b0;
      FloatVector b2 = VECTORS > 2 ? FloatVector.fromArray(SPECIES, b, bo + 2 * LANES) : b0;
      FloatVector x = FloatVector.broadcast(SPECIES, a[ao]);
      c00 = x.fma(b0, c00);
      c01 = VECTORS > 1 ? x.fma(b1, c01) : zero;
      c02 = VECTORS > 2 ? x.fma(b2, c02) : zero;
      if (ROWS > 1) {
        x = FloatVector.broadcast(SPECIES, a[ao + am]);
        c10 = x.fma(b0, c10);
        c11 = VECTORS > 1 ? x.fma(b1, c11) : zero;
        c12 = VECTORS > 2 ? x.fma(b2, c12) : zero;
      }
      if (ROWS > 2) {
        x = FloatVector.broadcast(SPECIES, a[ao + 2 * am]);
        c20 = x.fma(b0, c20);
        c21 = VECTORS > 1 ? x.fma(b1, c21) : zero;
        c22 = VECTORS > 2 ? x.fma(b2, c22) : zero;
      }
      if (ROWS > 3) {
        x = FloatVector.broadcast(SPECIES, a[ao + 3 * am]);
        c30 = x.fma(b0, c30);
        c31 = VECTORS > 1 ? x.fma(b1, c31) : zero;
        c32 = VECTORS > 2 ? x.fma(b2, c32) : zero;
      }
      if (ROWS > 4) {
        x = FloatVector.broadcast(SPECIES, a[ao + 4 * am]);
        c40 = x.fma(b0, c40);
        c41 = VECTORS > 1 ? x.fma(b1, c41) : zero;
        c42 = VECTORS > 2 ? x.fma(b2, c42) : zero;
      }
      if (ROWS > 5) {
        x = FloatVector.broadcast(SPECIES, a[ao + 5 * am]);
        c50 = x.fma(b0, c50);
        c51 = VECTORS > 1 ? x.fma(b1, c51) : zero;
        c52 = VECTORS > 2 ? x.fma(b2, c52) : zero;
      }
      ao += ak;
      bo += bk;
    }
    store(c00, c01, c02, tile, 0);
    if (ROWS > 1) {
      store(c10, c11, c12, tile, 1);
    }
    if (ROWS > 2) {
      store(c20, c21, c22, tile, 2);
    }
    if (ROWS > 3) {
      store(c30, c31, c32, tile, 3);
    }
    if (ROWS > 4) {
      store(c40, c41, c42, tile, 4);
    }
    if (ROWS > 5) {
      store(c50, c51, c52, tile, 5);
    }
  }

  private static void store(FloatVector v0, FloatVector v1, FloatVector v2, float[] tile, int row) {
    int at = row * VECTORS * LANES;
    v0.intoArray(tile, at);
    if (VECTORS > 1) {
      v1.intoArray(tile, at + LANES);
    }
    if (VECTORS > 2) {
      v2.intoArray(tile, at + 2 * LANES);
    }
  }
}
