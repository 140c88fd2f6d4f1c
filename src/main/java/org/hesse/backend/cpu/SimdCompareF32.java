// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.ir.CompareKind;

/** Loop of a comparison on vectors. */
final class SimdCompareF32 implements Kernel {
  private static final CompareKind KIND =
      Specialized.constant(MethodHandles.lookup(), CompareKind.class);
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  SimdCompareF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] y = (float[]) frame.values[arguments[1]];
    boolean[] z = (boolean[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, xo + i);
      FloatVector b = FloatVector.fromArray(SPECIES, y, yo + i);
      holds(a, b).intoArray(z, zo + i);
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      FloatVector a = FloatVector.fromArray(SPECIES, x, xo + full, rest);
      FloatVector b = FloatVector.fromArray(SPECIES, y, yo + full, rest);
      VectorMask<Float> m = holds(a, b);
      for (int i = full; i < n; i++) {
        z[zo + i] = m.laneIsSet(i - full);
      }
    }
  }

  private static VectorMask<Float> holds(FloatVector x, FloatVector y) {
    return KIND == CompareKind.EQ
        ? x.compare(VectorOperators.EQ, y)
        : KIND == CompareKind.NE
            ? x.compare(VectorOperators.NE, y)
            : KIND == CompareKind.LT
                ? x.compare(VectorOperators.LT, y)
                : KIND == CompareKind.LE
                    ? x.compare(VectorOperators.LE, y)
                    : KIND == CompareKind.GT
                        ? x.compare(VectorOperators.GT, y)
                        : x.compare(VectorOperators.GE, y);
  }
}
