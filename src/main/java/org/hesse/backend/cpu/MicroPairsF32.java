// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Up to 4 rows by up to 5 columns, for each of which the lanes of a vector collect products. Each
 * copy has its own number of rows and columns.
 */
final class MicroPairsF32 implements PairsKernelF32 {
  private static final int[] SIZE = Specialized.constant(MethodHandles.lookup(), int[].class);
  private static final int ROWS = SIZE[0];
  private static final int COLUMNS = SIZE[1];
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  MicroPairsF32() {}

  @Override
  public void run(Side left, Side right, int from, int to, float[] tile, int at, int row) {
    float[] a = left.array();
    float[] b = right.array();
    int[] as = left.stretches();
    int[] bs = right.stretches();
    int r0 = left.line(0);
    int r1 = ROWS > 1 ? left.line(1) : 0;
    int r2 = ROWS > 2 ? left.line(2) : 0;
    int r3 = ROWS > 3 ? left.line(3) : 0;
    int q0 = right.line(0);
    int q1 = COLUMNS > 1 ? right.line(1) : 0;
    int q2 = COLUMNS > 2 ? right.line(2) : 0;
    int q3 = COLUMNS > 3 ? right.line(3) : 0;
    int q4 = COLUMNS > 4 ? right.line(4) : 0;
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero, c04 = zero;
    FloatVector c10 = zero, c11 = zero, c12 = zero, c13 = zero, c14 = zero;
    FloatVector c20 = zero, c21 = zero, c22 = zero, c23 = zero, c24 = zero;
    FloatVector c30 = zero, c31 = zero, c32 = zero, c33 = zero, c34 = zero;
    for (int s = from; s < to; s++) {
      int d = as[s];
      int e = bs[s];
      FloatVector b0 = FloatVector.fromArray(SPECIES, b, q0 + e);
      FloatVector b1 = COLUMNS > 1 ? FloatVector.fromArray(SPECIES, b, q1 + e) : zero;
      FloatVector b2 = COLUMNS > 2 ? FloatVector.fromArray(SPECIES, b, q2 + e) : zero;
      FloatVector b3 = COLUMNS > 3 ? FloatVector.fromArray(SPECIES, b, q3 + e) : zero;
      FloatVector b4 = COLUMNS > 4 ? FloatVector.fromArray(SPECIES, b, q4 + e) : zero;
      FloatVector y = FloatVector.fromArray(SPECIES, a, r0 + d);
      c00 = y.fma(b0, c00);
      c01 = COLUMNS > 1 ? y.fma(b1, c01) : zero;
      c02 = COLUMNS > 2 ? y.fma(b2, c02) : zero;
      c03 = COLUMNS > 3 ? y.fma(b3, c03) : zero;
      c04 = COLUMNS > 4 ? y.fma(b4, c04) : zero;
      if (ROWS > 1) {
        y = FloatVector.fromArray(SPECIES, a, r1 + d);
        c10 = y.fma(b0, c10);
        c11 = COLUMNS > 1 ? y.fma(b1, c11) : zero;
        c12 = COLUMNS > 2 ? y.fma(b2, c12) : zero;
        c13 = COLUMNS > 3 ? y.fma(b3, c13) : zero;
        c14 = COLUMNS > 4 ? y.fma(b4, c14) : zero;
      }
      if (ROWS > 2) {
        y = FloatVector.fromArray(SPECIES, a, r2 + d);
        c20 = y.fma(b0, c20);
        c21 = COLUMNS > 1 ? y.fma(b1, c21) : zero;
        c22 = COLUMNS > 2 ? y.fma(b2, c22) : zero;
        c23 = COLUMNS > 3 ? y.fma(b3, c23) : zero;
        c24 = COLUMNS > 4 ? y.fma(b4, c24) : zero;
      }
      if (ROWS > 3) {
        y = FloatVector.fromArray(SPECIES, a, r3 + d);
        c30 = y.fma(b0, c30);
        c31 = COLUMNS > 1 ? y.fma(b1, c31) : zero;
        c32 = COLUMNS > 2 ? y.fma(b2, c32) : zero;
        c33 = COLUMNS > 3 ? y.fma(b3, c33) : zero;
        c34 = COLUMNS > 4 ? y.fma(b4, c34) : zero;
      }
    }
    store(c00, c01, c02, c03, c04, tile, at);
    if (ROWS > 1) {
      store(c10, c11, c12, c13, c14, tile, at + row);
    }
    if (ROWS > 2) {
      store(c20, c21, c22, c23, c24, tile, at + 2 * row);
    }
    if (ROWS > 3) {
      store(c30, c31, c32, c33, c34, tile, at + 3 * row);
    }
  }

  private static void store(
      FloatVector v0,
      FloatVector v1,
      FloatVector v2,
      FloatVector v3,
      FloatVector v4,
      float[] tile,
      int at) {
    v0.intoArray(tile, at);
    if (COLUMNS > 1) {
      v1.intoArray(tile, at + LANES);
    }
    if (COLUMNS > 2) {
      v2.intoArray(tile, at + 2 * LANES);
    }
    if (COLUMNS > 3) {
      v3.intoArray(tile, at + 3 * LANES);
    }
    if (COLUMNS > 4) {
      v4.intoArray(tile, at + 4 * LANES);
    }
  }
}
