// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** Numbers each of which is repeated a few times, as one along the short rows of a map is. */
final class RepeatF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  private RepeatF32() {}

  /**
   * Writes {@code rows} rows of n elements, one behind another, of which row r is {@code a[at + r ·
   * row]}. Whole vectors are written, and what is beyond a row is written again by the next ones.
   */
  static void run(float[] a, int at, int row, float[] to, int toAt, int rows, int n) {
    int written = (n + LANES - 1) / LANES * LANES;
    int whole = Math.max(0, rows - (written + n - 1) / n + 1);
    int p = at;
    int q = toAt;
    for (int r = 0; r < whole; r++) {
      FloatVector v = FloatVector.broadcast(SPECIES, a[p]);
      for (int i = 0; i < n; i += LANES) {
        v.intoArray(to, q + i);
      }
      p += row;
      q += n;
    }
    for (int r = whole; r < rows; r++) {
      java.util.Arrays.fill(to, q, q + n, a[p]);
      p += row;
      q += n;
    }
  }
}
