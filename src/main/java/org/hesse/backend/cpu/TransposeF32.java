// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes blocks of as many rows and columns as a vector has lanes. Taking lanes of row i and of
 * row i + LANES/2 in turn, for each i, moves every bit of (row, column) up by one place; after as
 * many times as there are bits in a column, rows and columns have changed places. Two such stages
 * are done at once, on four rows in registers.
 */
final class TransposeF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private TransposeF32() {}

  /**
   * {@code to[toAt + p·ld + i] = from[at + i·row + p]}; missing rows are the last one again.
   *
   * @param scratch room for a block
   */
  static void block(
      float[] from, int at, int row, int rows, float[] scratch, float[] to, int toAt, int ld) {
    float[] source = from;
    int sourceAt = at;
    int sourceRow = row;
    int last = rows - 1;
    int columns = LANES;
    while (columns > 1) {
      boolean end = columns <= 4;
      float[] target = end ? to : scratch;
      int targetAt = end ? toAt : 0;
      int targetRow = end ? ld : LANES;
      if (columns >= 4) {
        fours(source, sourceAt, sourceRow, last, target, targetAt, targetRow);
      } else {
        pairs(source, sourceAt, sourceRow, last, target, targetAt, targetRow);
      }
      columns /= 4;
      source = scratch;
      sourceAt = 0;
      sourceRow = LANES;
      last = LANES - 1;
    }
  }

  /** Two stages. */
  private static void fours(float[] from, int at, int row, int last, float[] to, int toAt, int ld) {
    int quarter = LANES / 4;
    for (int i = 0; i < quarter; i++) {
      FloatVector x0 = load(from, at + Math.min(i, last) * row);
      FloatVector x1 = load(from, at + Math.min(i + quarter, last) * row);
      FloatVector x2 = load(from, at + Math.min(i + 2 * quarter, last) * row);
      FloatVector x3 = load(from, at + Math.min(i + 3 * quarter, last) * row);
      FloatVector y0 = AlternateF32.first(x0, x2);
      FloatVector y1 = AlternateF32.second(x0, x2);
      FloatVector y2 = AlternateF32.first(x1, x3);
      FloatVector y3 = AlternateF32.second(x1, x3);
      int t = toAt + 4 * i * ld;
      AlternateF32.first(y0, y2).intoArray(to, t);
      AlternateF32.second(y0, y2).intoArray(to, t + ld);
      AlternateF32.first(y1, y3).intoArray(to, t + 2 * ld);
      AlternateF32.second(y1, y3).intoArray(to, t + 3 * ld);
    }
  }

  /** One stage. */
  private static void pairs(float[] from, int at, int row, int last, float[] to, int toAt, int ld) {
    int half = LANES / 2;
    for (int i = 0; i < half; i++) {
      FloatVector x = load(from, at + Math.min(i, last) * row);
      FloatVector y = load(from, at + Math.min(i + half, last) * row);
      int t = toAt + 2 * i * ld;
      AlternateF32.first(x, y).intoArray(to, t);
      AlternateF32.second(x, y).intoArray(to, t + ld);
    }
  }

  private static FloatVector load(float[] from, int at) {
    return FloatVector.fromArray(SPECIES, from, at);
  }
}
