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

  /**
   * Whether the left operand lies in tiles, see {@link PackF32#TILE}. The JIT compiler then sees
   * where each element is and checks bounds once for all pairs.
   */
  private static final boolean TILED = SIZE[3] != 0;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  MicroF32() {}

  // Calls nothing but the Vector API, since the JIT compiler would leave such a call as it is when
  // it has inlined a lot already, and then makes objects of vectors.
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
    int line = TILED ? 1 : am;
    for (int p = 0; p < k; p++) {
      int at = TILED ? ao + p * PackF32.TILE : ao;
      FloatVector last =
          MASKED ? FloatVector.fromArray(SPECIES, b, bo + (VECTORS - 1) * LANES, mask) : zero;
      FloatVector b0 = MASKED && VECTORS == 1 ? last : FloatVector.fromArray(SPECIES, b, bo);
      FloatVector b1 = last, b2 = last, b3 = last;
      if (VECTORS > 2 || VECTORS == 2 && !MASKED) {
        b1 = FloatVector.fromArray(SPECIES, b, bo + LANES);
      }
      if (VECTORS > 3 || VECTORS == 3 && !MASKED) {
        b2 = FloatVector.fromArray(SPECIES, b, bo + 2 * LANES);
      }
      if (VECTORS > 3 && !MASKED) {
        b3 = FloatVector.fromArray(SPECIES, b, bo + 3 * LANES);
      }
      FloatVector x = FloatVector.broadcast(SPECIES, a[at]);
      c00 = x.fma(b0, c00);
      c01 = VECTORS > 1 ? x.fma(b1, c01) : zero;
      c02 = VECTORS > 2 ? x.fma(b2, c02) : zero;
      c03 = VECTORS > 3 ? x.fma(b3, c03) : zero;
      if (ROWS > 1) {
        x = FloatVector.broadcast(SPECIES, a[at + line]);
        c10 = x.fma(b0, c10);
        c11 = VECTORS > 1 ? x.fma(b1, c11) : zero;
        c12 = VECTORS > 2 ? x.fma(b2, c12) : zero;
        c13 = VECTORS > 3 ? x.fma(b3, c13) : zero;
      }
      if (ROWS > 2) {
        x = FloatVector.broadcast(SPECIES, a[at + 2 * line]);
        c20 = x.fma(b0, c20);
        c21 = VECTORS > 1 ? x.fma(b1, c21) : zero;
        c22 = VECTORS > 2 ? x.fma(b2, c22) : zero;
        c23 = VECTORS > 3 ? x.fma(b3, c23) : zero;
      }
      if (ROWS > 3) {
        x = FloatVector.broadcast(SPECIES, a[at + 3 * line]);
        c30 = x.fma(b0, c30);
        c31 = VECTORS > 1 ? x.fma(b1, c31) : zero;
        c32 = VECTORS > 2 ? x.fma(b2, c32) : zero;
        c33 = VECTORS > 3 ? x.fma(b3, c33) : zero;
      }
      if (ROWS > 4) {
        x = FloatVector.broadcast(SPECIES, a[at + 4 * line]);
        c40 = x.fma(b0, c40);
        c41 = VECTORS > 1 ? x.fma(b1, c41) : zero;
        c42 = VECTORS > 2 ? x.fma(b2, c42) : zero;
        c43 = VECTORS > 3 ? x.fma(b3, c43) : zero;
      }
      if (ROWS > 5) {
        x = FloatVector.broadcast(SPECIES, a[at + 5 * line]);
        c50 = x.fma(b0, c50);
        c51 = VECTORS > 1 ? x.fma(b1, c51) : zero;
        c52 = VECTORS > 2 ? x.fma(b2, c52) : zero;
        c53 = VECTORS > 3 ? x.fma(b3, c53) : zero;
      }
      if (ROWS > 6) {
        x = FloatVector.broadcast(SPECIES, a[at + 6 * line]);
        c60 = x.fma(b0, c60);
        c61 = VECTORS > 1 ? x.fma(b1, c61) : zero;
        c62 = VECTORS > 2 ? x.fma(b2, c62) : zero;
        c63 = VECTORS > 3 ? x.fma(b3, c63) : zero;
      }
      if (ROWS > 7) {
        x = FloatVector.broadcast(SPECIES, a[at + 7 * line]);
        c70 = x.fma(b0, c70);
        c71 = VECTORS > 1 ? x.fma(b1, c71) : zero;
        c72 = VECTORS > 2 ? x.fma(b2, c72) : zero;
        c73 = VECTORS > 3 ? x.fma(b3, c73) : zero;
      }
      ao += TILED ? 0 : ak;
      bo += bk;
    }
    c00.intoArray(c, co);
    if (VECTORS > 1) {
      c01.intoArray(c, co + LANES);
    }
    if (VECTORS > 2) {
      c02.intoArray(c, co + 2 * LANES);
    }
    if (VECTORS > 3) {
      c03.intoArray(c, co + 3 * LANES);
    }
    if (ROWS > 1) {
      c10.intoArray(c, co + cm);
    }
    if (ROWS > 1 && VECTORS > 1) {
      c11.intoArray(c, co + cm + LANES);
    }
    if (ROWS > 1 && VECTORS > 2) {
      c12.intoArray(c, co + cm + 2 * LANES);
    }
    if (ROWS > 1 && VECTORS > 3) {
      c13.intoArray(c, co + cm + 3 * LANES);
    }
    if (ROWS > 2) {
      c20.intoArray(c, co + 2 * cm);
    }
    if (ROWS > 2 && VECTORS > 1) {
      c21.intoArray(c, co + 2 * cm + LANES);
    }
    if (ROWS > 2 && VECTORS > 2) {
      c22.intoArray(c, co + 2 * cm + 2 * LANES);
    }
    if (ROWS > 2 && VECTORS > 3) {
      c23.intoArray(c, co + 2 * cm + 3 * LANES);
    }
    if (ROWS > 3) {
      c30.intoArray(c, co + 3 * cm);
    }
    if (ROWS > 3 && VECTORS > 1) {
      c31.intoArray(c, co + 3 * cm + LANES);
    }
    if (ROWS > 3 && VECTORS > 2) {
      c32.intoArray(c, co + 3 * cm + 2 * LANES);
    }
    if (ROWS > 3 && VECTORS > 3) {
      c33.intoArray(c, co + 3 * cm + 3 * LANES);
    }
    if (ROWS > 4) {
      c40.intoArray(c, co + 4 * cm);
    }
    if (ROWS > 4 && VECTORS > 1) {
      c41.intoArray(c, co + 4 * cm + LANES);
    }
    if (ROWS > 4 && VECTORS > 2) {
      c42.intoArray(c, co + 4 * cm + 2 * LANES);
    }
    if (ROWS > 4 && VECTORS > 3) {
      c43.intoArray(c, co + 4 * cm + 3 * LANES);
    }
    if (ROWS > 5) {
      c50.intoArray(c, co + 5 * cm);
    }
    if (ROWS > 5 && VECTORS > 1) {
      c51.intoArray(c, co + 5 * cm + LANES);
    }
    if (ROWS > 5 && VECTORS > 2) {
      c52.intoArray(c, co + 5 * cm + 2 * LANES);
    }
    if (ROWS > 5 && VECTORS > 3) {
      c53.intoArray(c, co + 5 * cm + 3 * LANES);
    }
    if (ROWS > 6) {
      c60.intoArray(c, co + 6 * cm);
    }
    if (ROWS > 6 && VECTORS > 1) {
      c61.intoArray(c, co + 6 * cm + LANES);
    }
    if (ROWS > 6 && VECTORS > 2) {
      c62.intoArray(c, co + 6 * cm + 2 * LANES);
    }
    if (ROWS > 6 && VECTORS > 3) {
      c63.intoArray(c, co + 6 * cm + 3 * LANES);
    }
    if (ROWS > 7) {
      c70.intoArray(c, co + 7 * cm);
    }
    if (ROWS > 7 && VECTORS > 1) {
      c71.intoArray(c, co + 7 * cm + LANES);
    }
    if (ROWS > 7 && VECTORS > 2) {
      c72.intoArray(c, co + 7 * cm + 2 * LANES);
    }
    if (ROWS > 7 && VECTORS > 3) {
      c73.intoArray(c, co + 7 * cm + 3 * LANES);
    }
  }
}
