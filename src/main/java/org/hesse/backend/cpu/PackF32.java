// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Moves matrices into panels and tiles into matrices. */
final class PackF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** Each lane of the first half of a vector twice, and each of the second half. */
  private static final VectorShuffle<Float> FIRST = VectorShuffle.fromOp(SPECIES, i -> i / 2);

  private static final VectorShuffle<Float> SECOND =
      VectorShuffle.fromOp(SPECIES, i -> (LANES + i) / 2);

  private static final VectorMask<Float> ODD = VectorMask.fromLong(SPECIES, 0xaaaa_aaaa_aaaa_aaaaL);

  /** Numbers of one row that are written before the next row's: a cache line or two. */
  private static final int STRIP = 16;

  private PackF32() {}

  /**
   * {@code to[toAt + p·ld + i] = from[at + i·si + p·sp]}. Where ld is a number of whole vectors,
   * the numbers after the n-th up to the end of its vector may be overwritten.
   */
  static void pack(
      float[] from, int at, int si, int sp, int n, int k, float[] to, int toAt, int ld) {
    if (si == 1) {
      for (int p = 0; p < k; p++) {
        copy(from, at + p * sp, to, toAt + p * ld, n);
      }
      return;
    }
    if (k < STRIP / 2) {
      for (int p = 0; p < k; p++) {
        int source = at + p * sp;
        int target = toAt + p * ld;
        for (int i = 0; i < n; i++) {
          to[target + i] = from[source + i * si];
        }
      }
      return;
    }
    if (sp == 1 && k >= LANES && ld % LANES == 0) {
      float[] scratch = Frame.current().halfF32;
      for (int i = 0; i < n; i += LANES) {
        int rows = Math.min(LANES, n - i);
        for (int p = 0; p < k; p += LANES) {
          int begin = Math.min(p, k - LANES);
          transpose(from, at + i * si + begin, si, rows, scratch, to, toAt + begin * ld + i, ld);
        }
      }
      return;
    }
    for (int p0 = 0; p0 < k; p0 += STRIP) {
      int end = Math.min(k, p0 + STRIP);
      for (int i = 0; i < n; i++) {
        int source = at + i * si;
        int target = toAt + i;
        for (int p = p0; p < end; p++) {
          to[target + p * ld] = from[source + p * sp];
        }
      }
    }
  }

  /**
   * Transposes a block of as many rows and columns as a vector has lanes; missing rows are the last
   * one again. Taking lanes of row i and of row i + LANES/2 in turn, for each i, moves every bit of
   * (row, column) up by one place; after as many times as there are bits in a column, rows and
   * columns have changed places.
   */
  private static void transpose(
      float[] from, int at, int row, int rows, float[] scratch, float[] to, int toAt, int ld) {
    float[] source = from;
    int sourceAt = at;
    int sourceRow = row;
    int last = rows - 1;
    int half = 0;
    for (int bit = 2; bit <= LANES; bit *= 2) {
      boolean end = bit == LANES;
      float[] target = end ? to : scratch;
      int targetRow = end ? ld : LANES;
      int targetAt = end ? toAt : half;
      for (int i = 0; i < LANES / 2; i++) {
        FloatVector x =
            FloatVector.fromArray(SPECIES, source, sourceAt + Math.min(i, last) * sourceRow);
        int other = Math.min(i + LANES / 2, last);
        FloatVector y = FloatVector.fromArray(SPECIES, source, sourceAt + other * sourceRow);
        int t = targetAt + 2 * i * targetRow;
        x.rearrange(FIRST).blend(y.rearrange(FIRST), ODD).intoArray(target, t);
        x.rearrange(SECOND).blend(y.rearrange(SECOND), ODD).intoArray(target, t + targetRow);
      }
      source = scratch;
      sourceAt = targetAt;
      sourceRow = LANES;
      last = LANES - 1;
      half = LANES * LANES - half;
    }
  }

  /** Like System.arraycopy, whose call takes longer than so short a copy. */
  private static void copy(float[] from, int at, float[] to, int toAt, int n) {
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += LANES) {
      FloatVector.fromArray(SPECIES, from, at + i).intoArray(to, toAt + i);
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      FloatVector.fromArray(SPECIES, from, at + full, rest).intoArray(to, toAt + full, rest);
    }
  }

  /** Writes, or adds, the first columns of a tile's rows to a matrix. */
  static void put(
      float[] tile,
      int ld,
      float[] to,
      int at,
      int row,
      int column,
      int rows,
      int columns,
      boolean add) {
    if (column != 1) {
      for (int j = 0; j < columns; j++) {
        for (int i = 0; i < rows; i++) {
          int target = at + i * row + j * column;
          float v = tile[i * ld + j];
          to[target] = add ? to[target] + v : v;
        }
      }
      return;
    }
    int full = SPECIES.loopBound(columns);
    VectorMask<Float> rest = SPECIES.indexInRange(full, columns);
    for (int i = 0; i < rows; i++) {
      int from = i * ld;
      int target = at + i * row;
      for (int j = 0; j < full; j += LANES) {
        FloatVector v = FloatVector.fromArray(SPECIES, tile, from + j);
        (add ? v.add(FloatVector.fromArray(SPECIES, to, target + j)) : v).intoArray(to, target + j);
      }
      if (full < columns) {
        FloatVector v = FloatVector.fromArray(SPECIES, tile, from + full);
        int end = target + full;
        (add ? v.add(FloatVector.fromArray(SPECIES, to, end, rest)) : v).intoArray(to, end, rest);
      }
    }
  }
}
