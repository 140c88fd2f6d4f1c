// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Up to 4 rows at a time by up to 3 columns, for each of which the lanes of a vector collect
 * products. Each copy has its own number of columns.
 */
final class MicroInnerF32 implements InnerKernelF32 {
  private static final int[] SIZE = Specialized.constant(MethodHandles.lookup(), int[].class);
  private static final int COLUMNS = SIZE[0];

  /** Whether the last vector of pairs is not full. */
  private static final boolean MASKED = SIZE[1] != 0;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** With 16 registers only the sums of 2 rows and the operands fit. */
  private static final int ROWS = SPECIES.vectorBitSize() == 256 ? 2 : 4;

  /** Lanes of the other half, quarter and so on. */
  private static final VectorShuffle<Float> BY_1 = by(1);

  private static final VectorShuffle<Float> BY_2 = by(2);
  private static final VectorShuffle<Float> BY_4 = by(4);
  private static final VectorShuffle<Float> BY_8 = by(8);

  MicroInnerF32() {}

  private static VectorShuffle<Float> by(int distance) {
    int[] from = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      from[i] = (i ^ distance) % LANES;
    }
    return VectorShuffle.fromValues(SPECIES, from);
  }

  @Override
  public void run(
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
      float[] tile) {
    FloatVector zero = FloatVector.zero(SPECIES);
    int last = rows - 1;
    for (int i = 0; i < rows; i += ROWS) {
      // Missing rows are the last one again, whose sums are dropped.
      int i1 = Math.min(i + 1, last);
      int i2 = Math.min(i + 2, last);
      int i3 = Math.min(i + 3, last);
      FloatVector c00 = zero, c01 = zero, c02 = zero;
      FloatVector c10 = zero, c11 = zero, c12 = zero;
      FloatVector c20 = zero, c21 = zero, c22 = zero;
      FloatVector c30 = zero, c31 = zero, c32 = zero;
      for (int p = 0; p < k; p += LANES) {
        VectorMask<Float> mask = SPECIES.indexInRange(p, k);
        int y = bo + p;
        FloatVector b0 = load(b, y, mask);
        FloatVector b1 = COLUMNS > 1 ? load(b, y + bm, mask) : zero;
        FloatVector b2 = COLUMNS > 2 ? load(b, y + 2 * bm, mask) : zero;
        FloatVector x = load(a, ao + i * am + p, mask);
        c00 = x.fma(b0, c00);
        c01 = COLUMNS > 1 ? x.fma(b1, c01) : zero;
        c02 = COLUMNS > 2 ? x.fma(b2, c02) : zero;
        x = load(a, ao + i1 * am + p, mask);
        c10 = x.fma(b0, c10);
        c11 = COLUMNS > 1 ? x.fma(b1, c11) : zero;
        c12 = COLUMNS > 2 ? x.fma(b2, c12) : zero;
        if (ROWS > 2) {
          x = load(a, ao + i2 * am + p, mask);
          c20 = x.fma(b0, c20);
          c21 = COLUMNS > 1 ? x.fma(b1, c21) : zero;
          c22 = COLUMNS > 2 ? x.fma(b2, c22) : zero;
          x = load(a, ao + i3 * am + p, mask);
          c30 = x.fma(b0, c30);
          c31 = COLUMNS > 1 ? x.fma(b1, c31) : zero;
          c32 = COLUMNS > 2 ? x.fma(b2, c32) : zero;
        }
      }
      store(c00, c01, c02, tile, 0);
      store(c10, c11, c12, tile, 1);
      if (ROWS > 2) {
        store(c20, c21, c22, tile, 2);
        store(c30, c31, c32, tile, 3);
      }
      addUp(tile, Math.min(ROWS, rows - i), c, co + i * cm, cm, cn);
    }
  }

  private static FloatVector load(float[] from, int at, VectorMask<Float> mask) {
    return MASKED
        ? FloatVector.fromArray(SPECIES, from, at, mask)
        : FloatVector.fromArray(SPECIES, from, at);
  }

  private static void store(FloatVector v0, FloatVector v1, FloatVector v2, float[] tile, int row) {
    int at = row * COLUMNS * LANES;
    v0.intoArray(tile, at);
    if (COLUMNS > 1) {
      v1.intoArray(tile, at + LANES);
    }
    if (COLUMNS > 2) {
      v2.intoArray(tile, at + 2 * LANES);
    }
  }

  /** Adds up the lanes in an order of its own, for that of reduceLanes may change. */
  private static void addUp(float[] tile, int rows, float[] c, int co, int cm, int cn) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        FloatVector v = FloatVector.fromArray(SPECIES, tile, (i * COLUMNS + j) * LANES);
        v = LANES > 8 ? v.add(v.rearrange(BY_8)) : v;
        v = LANES > 4 ? v.add(v.rearrange(BY_4)) : v;
        v = LANES > 2 ? v.add(v.rearrange(BY_2)) : v;
        c[co + i * cm + j * cn] = v.add(v.rearrange(BY_1)).lane(0);
      }
    }
  }
}
