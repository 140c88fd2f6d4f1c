// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** The inner loop of {@link FoldF32} on vectors. */
final class FoldLoopF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Whether rounding takes something that matters from sums in double: of floats it does not. */
  private static final boolean LOSES = Float.BYTES == 8;

  private FoldLoopF32() {}

  /**
   * Combines n numbers at p with n numbers at q, none of which is overwritten before it is read.
   */
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

  /** Merges n numbers into as many results, which are kept in double with what rounding took. */
  static void merge(boolean sum, float[] a, int at, int n, double[] sums, double[] lost, int to) {
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += VectorMath.SPECIES.length()) {
      DoubleVector v = LanesF32.load(a, at + i);
      DoubleVector s = LanesF64.load(sums, to + i);
      DoubleVector t = sum ? s.add(v) : s.max(v);
      t.intoArray(sums, to + i);
      if (sum && LOSES) {
        DoubleVector back = t.sub(s);
        DoubleVector error = s.sub(t.sub(back)).add(v.sub(back));
        LanesF64.load(lost, to + i).add(error).intoArray(lost, to + i);
      }
    }
    for (int i = full; i < n; i++) {
      double v = a[at + i];
      double s = sums[to + i];
      double t = sum ? s + v : Math.max(s, v);
      sums[to + i] = t;
      if (sum && LOSES) {
        double back = t - s;
        lost[to + i] += (s - (t - back)) + (v - back);
      }
    }
  }
}
