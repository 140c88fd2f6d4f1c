// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** The inner loop of {@link FoldF32} on vectors. */
final class FoldLoopF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  private FoldLoopF32() {}

  /** Combines n numbers at p with n numbers at q, none of which is overwritten before it is read. */
  static void run(boolean sum, float[] a, int p, int q, float[] to, int n) {
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      FloatVector x = FloatVector.fromArray(SPECIES, a, p + i);
      FloatVector y = FloatVector.fromArray(SPECIES, a, q + i);
      (sum ? x.add(y) : x.max(y)).intoArray(to, i);
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      FloatVector x = FloatVector.fromArray(SPECIES, a, p + full, rest);
      FloatVector y = FloatVector.fromArray(SPECIES, a, q + full, rest);
      (sum ? x.add(y) : x.max(y)).intoArray(to, full, rest);
    }
  }
}
