// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The heart of the matrix product: up to 8 rows by up to 4 vectors of columns, all of whose sums
 * stay in registers. Each copy of this class has its own number of rows and of vectors; what is
 * beyond them is dropped by the JIT compiler. Every sum is formed in the order of p, so an
 * element's value does not depend on the copy that computes it.
 */
final class MicroF32 implements MicroKernelF32 {
  private static final int[] SIZE = Specialized.constant(MethodHandles.lookup(), int[].class);
  private static final int ROWS = SIZE[0];
  private static final int VECTORS = SIZE[1];

  /** Whether the last vector is not full: then neither operand nor result are touched beyond. */
  private static final boolean MASKED = SIZE[2] != 0;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  MicroF32() {}

  @Override
  public void run(
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
      int cm) {
    VectorMask<Float> mask = SPECIES.indexInRange((VECTORS - 1) * LANES, columns);
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero;
    FloatVector c10 = zero, c11 = zero, c12 = zero, c13 = zero;
    FloatVector c20 = zero, c21 = zero, c22 = zero, c23 = zero;
    FloatVector c30 = zero, c31 = zero, c32 = zero, c33 = zero;
    FloatVector c40 = zero, c41 = zero, c42 = zero, c43 = zero;
    FloatVector c50 = zero, c51 = zero, c52 = zero, c53 = zero;
    FloatVector c60 = zero, c61 = zero, c62 = zero, c63 = zero;
    FloatVector c70 = zero, c71 = zero, c72 = zero, c73 = zero;
    for (int p = 0; p < k; p++) {
      FloatVector b0 = load(b, bo, 0, mask);
      FloatVector b1 = VECTORS > 1 ? load(b, bo, 1, mask) : b0;
      FloatVector b2 = VECTORS > 2 ? load(b, bo, 2, mask) : b0;
      FloatVector b3 = VECTORS > 3 ? load(b, bo, 3, mask) : b0;
      FloatVector x = FloatVector.broadcast(SPECIES, a[ao]);
      c00 = x.fma(b0, c00);
      c01 = VECTORS > 1 ? x.fma(b1, c01) : zero;
      c02 = VECTORS > 2 ? x.fma(b2, c02) : zero;
      c03 = VECTORS > 3 ? x.fma(b3, c03) : zero;
      if (ROWS > 1) {
        x = FloatVector.broadcast(SPECIES, a[ao + am]);
        c10 = x.fma(b0, c10);
        c11 = VECTORS > 1 ? x.fma(b1, c11) : zero;
        c12 = VECTORS > 2 ? x.fma(b2, c12) : zero;
        c13 = VECTORS > 3 ? x.fma(b3, c13) : zero;
      }
      if (ROWS > 2) {
        x = FloatVector.broadcast(SPECIES, a[ao + 2 * am]);
        c20 = x.fma(b0, c20);
        c21 = VECTORS > 1 ? x.fma(b1, c21) : zero;
        c22 = VECTORS > 2 ? x.fma(b2, c22) : zero;
        c23 = VECTORS > 3 ? x.fma(b3, c23) : zero;
      }
      if (ROWS > 3) {
        x = FloatVector.broadcast(SPECIES, a[ao + 3 * am]);
        c30 = x.fma(b0, c30);
        c31 = VECTORS > 1 ? x.fma(b1, c31) : zero;
        c32 = VECTORS > 2 ? x.fma(b2, c32) : zero;
        c33 = VECTORS > 3 ? x.fma(b3, c33) : zero;
      }
      if (ROWS > 4) {
        x = FloatVector.broadcast(SPECIES, a[ao + 4 * am]);
        c40 = x.fma(b0, c40);
        c41 = VECTORS > 1 ? x.fma(b1, c41) : zero;
        c42 = VECTORS > 2 ? x.fma(b2, c42) : zero;
        c43 = VECTORS > 3 ? x.fma(b3, c43) : zero;
      }
      if (ROWS > 5) {
        x = FloatVector.broadcast(SPECIES, a[ao + 5 * am]);
        c50 = x.fma(b0, c50);
        c51 = VECTORS > 1 ? x.fma(b1, c51) : zero;
        c52 = VECTORS > 2 ? x.fma(b2, c52) : zero;
        c53 = VECTORS > 3 ? x.fma(b3, c53) : zero;
      }
      if (ROWS > 6) {
        x = FloatVector.broadcast(SPECIES, a[ao + 6 * am]);
        c60 = x.fma(b0, c60);
        c61 = VECTORS > 1 ? x.fma(b1, c61) : zero;
        c62 = VECTORS > 2 ? x.fma(b2, c62) : zero;
        c63 = VECTORS > 3 ? x.fma(b3, c63) : zero;
      }
      if (ROWS > 7) {
        x = FloatVector.broadcast(SPECIES, a[ao + 7 * am]);
        c70 = x.fma(b0, c70);
        c71 = VECTORS > 1 ? x.fma(b1, c71) : zero;
        c72 = VECTORS > 2 ? x.fma(b2, c72) : zero;
        c73 = VECTORS > 3 ? x.fma(b3, c73) : zero;
      }
      ao += ak;
      bo += bk;
    }
    store(c00, c01, c02, c03, c, co);
    if (ROWS > 1) {
      store(c10, c11, c12, c13, c, co + cm);
    }
    if (ROWS > 2) {
      store(c20, c21, c22, c23, c, co + 2 * cm);
    }
    if (ROWS > 3) {
      store(c30, c31, c32, c33, c, co + 3 * cm);
    }
    if (ROWS > 4) {
      store(c40, c41, c42, c43, c, co + 4 * cm);
    }
    if (ROWS > 5) {
      store(c50, c51, c52, c53, c, co + 5 * cm);
    }
    if (ROWS > 6) {
      store(c60, c61, c62, c63, c, co + 6 * cm);
    }
    if (ROWS > 7) {
      store(c70, c71, c72, c73, c, co + 7 * cm);
    }
  }

  private static FloatVector load(float[] b, int at, int vector, VectorMask<Float> mask) {
    return MASKED && vector == VECTORS - 1
        ? FloatVector.fromArray(SPECIES, b, at + vector * LANES, mask)
        : FloatVector.fromArray(SPECIES, b, at + vector * LANES);
  }

  private static void store(
      FloatVector v0, FloatVector v1, FloatVector v2, FloatVector v3, float[] c, int at) {
    v0.intoArray(c, at);
    if (VECTORS > 1) {
      v1.intoArray(c, at + LANES);
    }
    if (VECTORS > 2) {
      v2.intoArray(c, at + 2 * LANES);
    }
    if (VECTORS > 3) {
      v3.intoArray(c, at + 3 * LANES);
    }
  }
}
