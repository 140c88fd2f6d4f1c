// twin: F64
package org.hesse.backend.cpu;

import static org.hesse.backend.cpu.AlternateF32.FIRST;
import static org.hesse.backend.cpu.AlternateF32.SECOND;

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
    if (LANES == 16 && rows == LANES) {
      sixteen(from, at, row, to, toAt, ld);
      return;
    }
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

  /** All stages of sixteen lanes. */
  // Calls nothing but the Vector API, since the JIT compiler would leave such a call as it is when
  // it has inlined a lot already, and then makes objects of vectors.
  private static void sixteen(float[] from, int at, int row, float[] to, int toAt, int ld) {
    var a0 = FloatVector.fromArray(SPECIES, from, at).viewAsIntegralLanes();
    var a1 = FloatVector.fromArray(SPECIES, from, at + row).viewAsIntegralLanes();
    var a2 = FloatVector.fromArray(SPECIES, from, at + 2 * row).viewAsIntegralLanes();
    var a3 = FloatVector.fromArray(SPECIES, from, at + 3 * row).viewAsIntegralLanes();
    var a4 = FloatVector.fromArray(SPECIES, from, at + 4 * row).viewAsIntegralLanes();
    var a5 = FloatVector.fromArray(SPECIES, from, at + 5 * row).viewAsIntegralLanes();
    var a6 = FloatVector.fromArray(SPECIES, from, at + 6 * row).viewAsIntegralLanes();
    var a7 = FloatVector.fromArray(SPECIES, from, at + 7 * row).viewAsIntegralLanes();
    var a8 = FloatVector.fromArray(SPECIES, from, at + 8 * row).viewAsIntegralLanes();
    var a9 = FloatVector.fromArray(SPECIES, from, at + 9 * row).viewAsIntegralLanes();
    var a10 = FloatVector.fromArray(SPECIES, from, at + 10 * row).viewAsIntegralLanes();
    var a11 = FloatVector.fromArray(SPECIES, from, at + 11 * row).viewAsIntegralLanes();
    var a12 = FloatVector.fromArray(SPECIES, from, at + 12 * row).viewAsIntegralLanes();
    var a13 = FloatVector.fromArray(SPECIES, from, at + 13 * row).viewAsIntegralLanes();
    var a14 = FloatVector.fromArray(SPECIES, from, at + 14 * row).viewAsIntegralLanes();
    var a15 = FloatVector.fromArray(SPECIES, from, at + 15 * row).viewAsIntegralLanes();
    var b0 = FIRST.selectFrom(a0, a8);
    var b1 = SECOND.selectFrom(a0, a8);
    var b2 = FIRST.selectFrom(a1, a9);
    var b3 = SECOND.selectFrom(a1, a9);
    var b4 = FIRST.selectFrom(a2, a10);
    var b5 = SECOND.selectFrom(a2, a10);
    var b6 = FIRST.selectFrom(a3, a11);
    var b7 = SECOND.selectFrom(a3, a11);
    var b8 = FIRST.selectFrom(a4, a12);
    var b9 = SECOND.selectFrom(a4, a12);
    var b10 = FIRST.selectFrom(a5, a13);
    var b11 = SECOND.selectFrom(a5, a13);
    var b12 = FIRST.selectFrom(a6, a14);
    var b13 = SECOND.selectFrom(a6, a14);
    var b14 = FIRST.selectFrom(a7, a15);
    var b15 = SECOND.selectFrom(a7, a15);
    var c0 = FIRST.selectFrom(b0, b8);
    var c1 = SECOND.selectFrom(b0, b8);
    var c2 = FIRST.selectFrom(b1, b9);
    var c3 = SECOND.selectFrom(b1, b9);
    var c4 = FIRST.selectFrom(b2, b10);
    var c5 = SECOND.selectFrom(b2, b10);
    var c6 = FIRST.selectFrom(b3, b11);
    var c7 = SECOND.selectFrom(b3, b11);
    var c8 = FIRST.selectFrom(b4, b12);
    var c9 = SECOND.selectFrom(b4, b12);
    var c10 = FIRST.selectFrom(b5, b13);
    var c11 = SECOND.selectFrom(b5, b13);
    var c12 = FIRST.selectFrom(b6, b14);
    var c13 = SECOND.selectFrom(b6, b14);
    var c14 = FIRST.selectFrom(b7, b15);
    var c15 = SECOND.selectFrom(b7, b15);
    var d0 = FIRST.selectFrom(c0, c8);
    var d1 = SECOND.selectFrom(c0, c8);
    var d2 = FIRST.selectFrom(c1, c9);
    var d3 = SECOND.selectFrom(c1, c9);
    var d4 = FIRST.selectFrom(c2, c10);
    var d5 = SECOND.selectFrom(c2, c10);
    var d6 = FIRST.selectFrom(c3, c11);
    var d7 = SECOND.selectFrom(c3, c11);
    var d8 = FIRST.selectFrom(c4, c12);
    var d9 = SECOND.selectFrom(c4, c12);
    var d10 = FIRST.selectFrom(c5, c13);
    var d11 = SECOND.selectFrom(c5, c13);
    var d12 = FIRST.selectFrom(c6, c14);
    var d13 = SECOND.selectFrom(c6, c14);
    var d14 = FIRST.selectFrom(c7, c15);
    var d15 = SECOND.selectFrom(c7, c15);
    FIRST.selectFrom(d0, d8).viewAsFloatingLanes().intoArray(to, toAt);
    SECOND.selectFrom(d0, d8).viewAsFloatingLanes().intoArray(to, toAt + ld);
    FIRST.selectFrom(d1, d9).viewAsFloatingLanes().intoArray(to, toAt + 2 * ld);
    SECOND.selectFrom(d1, d9).viewAsFloatingLanes().intoArray(to, toAt + 3 * ld);
    FIRST.selectFrom(d2, d10).viewAsFloatingLanes().intoArray(to, toAt + 4 * ld);
    SECOND.selectFrom(d2, d10).viewAsFloatingLanes().intoArray(to, toAt + 5 * ld);
    FIRST.selectFrom(d3, d11).viewAsFloatingLanes().intoArray(to, toAt + 6 * ld);
    SECOND.selectFrom(d3, d11).viewAsFloatingLanes().intoArray(to, toAt + 7 * ld);
    FIRST.selectFrom(d4, d12).viewAsFloatingLanes().intoArray(to, toAt + 8 * ld);
    SECOND.selectFrom(d4, d12).viewAsFloatingLanes().intoArray(to, toAt + 9 * ld);
    FIRST.selectFrom(d5, d13).viewAsFloatingLanes().intoArray(to, toAt + 10 * ld);
    SECOND.selectFrom(d5, d13).viewAsFloatingLanes().intoArray(to, toAt + 11 * ld);
    FIRST.selectFrom(d6, d14).viewAsFloatingLanes().intoArray(to, toAt + 12 * ld);
    SECOND.selectFrom(d6, d14).viewAsFloatingLanes().intoArray(to, toAt + 13 * ld);
    FIRST.selectFrom(d7, d15).viewAsFloatingLanes().intoArray(to, toAt + 14 * ld);
    SECOND.selectFrom(d7, d15).viewAsFloatingLanes().intoArray(to, toAt + 15 * ld);
  }

  /**
   * {@code to[toAt + 8 p + i] = from[at + i·row + p]} for 8 rows and as many columns as there are
   * lanes; the rows after the last one are that one again. Three stages.
   */
  static void eight(float[] from, int at, int row, int last, float[] to, int toAt) {
    var a0 = FloatVector.fromArray(SPECIES, from, at).viewAsIntegralLanes();
    var a1 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(1, last) * row).viewAsIntegralLanes();
    var a2 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(2, last) * row).viewAsIntegralLanes();
    var a3 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(3, last) * row).viewAsIntegralLanes();
    var a4 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(4, last) * row).viewAsIntegralLanes();
    var a5 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(5, last) * row).viewAsIntegralLanes();
    var a6 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(6, last) * row).viewAsIntegralLanes();
    var a7 =
        FloatVector.fromArray(SPECIES, from, at + Math.min(7, last) * row).viewAsIntegralLanes();
    var b0 = FIRST.selectFrom(a0, a4);
    var b1 = SECOND.selectFrom(a0, a4);
    var b2 = FIRST.selectFrom(a1, a5);
    var b3 = SECOND.selectFrom(a1, a5);
    var b4 = FIRST.selectFrom(a2, a6);
    var b5 = SECOND.selectFrom(a2, a6);
    var b6 = FIRST.selectFrom(a3, a7);
    var b7 = SECOND.selectFrom(a3, a7);
    var c0 = FIRST.selectFrom(b0, b4);
    var c1 = SECOND.selectFrom(b0, b4);
    var c2 = FIRST.selectFrom(b1, b5);
    var c3 = SECOND.selectFrom(b1, b5);
    var c4 = FIRST.selectFrom(b2, b6);
    var c5 = SECOND.selectFrom(b2, b6);
    var c6 = FIRST.selectFrom(b3, b7);
    var c7 = SECOND.selectFrom(b3, b7);
    FIRST.selectFrom(c0, c4).viewAsFloatingLanes().intoArray(to, toAt);
    SECOND.selectFrom(c0, c4).viewAsFloatingLanes().intoArray(to, toAt + LANES);
    FIRST.selectFrom(c1, c5).viewAsFloatingLanes().intoArray(to, toAt + 2 * LANES);
    SECOND.selectFrom(c1, c5).viewAsFloatingLanes().intoArray(to, toAt + 3 * LANES);
    FIRST.selectFrom(c2, c6).viewAsFloatingLanes().intoArray(to, toAt + 4 * LANES);
    SECOND.selectFrom(c2, c6).viewAsFloatingLanes().intoArray(to, toAt + 5 * LANES);
    FIRST.selectFrom(c3, c7).viewAsFloatingLanes().intoArray(to, toAt + 6 * LANES);
    SECOND.selectFrom(c3, c7).viewAsFloatingLanes().intoArray(to, toAt + 7 * LANES);
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
