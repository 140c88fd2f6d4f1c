// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.ir.UnaryKind;

/** Loop of a function that vectors compute at once. */
final class SimdUnaryF32 implements Kernel {
  private static final UnaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), UnaryKind.class);
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  SimdUnaryF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      apply(FloatVector.fromArray(SPECIES, x, xo + i)).intoArray(z, zo + i);
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      apply(FloatVector.fromArray(SPECIES, x, xo + full, rest)).intoArray(z, zo + full, rest);
    }
  }

  private static FloatVector apply(FloatVector x) {
    return KIND == UnaryKind.NEG
        ? x.neg()
        : KIND == UnaryKind.ABS
            ? x.abs()
            : KIND == UnaryKind.SQRT ? x.sqrt() : FloatVector.broadcast(SPECIES, 1).div(x.sqrt());
  }
}
