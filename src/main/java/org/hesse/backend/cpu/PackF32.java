// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Moves matrices into panels and tiles into matrices. */
final class PackF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** Numbers of one row that are written before the next row's: a cache line or two. */
  private static final int STRIP = 16;

  /** Rows of a left operand that lie together, pair by pair: as many as the kernel has at most. */
  static final int TILE = 8;

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
    if (sp == 1 && k >= LANES && ld == TILE && n <= TILE) {
      for (int p = 0; p < k; p += LANES) {
        int begin = Math.min(p, k - LANES);
        TransposeF32.eight(from, at + begin, si, n - 1, to, toAt + begin * TILE);
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
          TransposeF32.block(
              from, at + i * si + begin, si, rows, scratch, to, toAt + begin * ld + i, ld);
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
