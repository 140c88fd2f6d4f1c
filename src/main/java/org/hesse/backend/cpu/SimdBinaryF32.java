// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.ir.BinaryKind;

/** Loop of a function of two operands that vectors compute at once. */
final class SimdBinaryF32 implements Kernel {
  private static final BinaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), BinaryKind.class);
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  SimdBinaryF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] y = (float[]) frame.values[arguments[1]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      FloatVector a = FloatVector.fromArray(SPECIES, x, xo + i);
      FloatVector b = FloatVector.fromArray(SPECIES, y, yo + i);
      apply(a, b).intoArray(z, zo + i);
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      FloatVector a = FloatVector.fromArray(SPECIES, x, xo + full, rest);
      FloatVector b = FloatVector.fromArray(SPECIES, y, yo + full, rest);
      apply(a, b).intoArray(z, zo + full, rest);
    }
  }

  private static FloatVector apply(FloatVector x, FloatVector y) {
    return KIND == BinaryKind.ADD
        ? x.add(y)
        : KIND == BinaryKind.SUB
            ? x.sub(y)
            : KIND == BinaryKind.MUL
                ? x.mul(y)
                : KIND == BinaryKind.DIV ? x.div(y) : KIND == BinaryKind.MAX ? x.max(y) : x.min(y);
  }
}
