// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Vector loop that takes each element from one operand or the other. */
final class SimdSelectF32 implements Kernel {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    boolean[] c = (boolean[]) frame.values[arguments[0]];
    float[] x = (float[]) frame.values[arguments[1]];
    float[] y = (float[]) frame.values[arguments[2]];
    float[] z = (float[]) frame.values[result];
    int co = frame.offsets[arguments[0]];
    int xo = frame.offsets[arguments[1]];
    int yo = frame.offsets[arguments[2]];
    int zo = frame.offsets[result];
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      VectorMask<Float> m = VectorMask.fromArray(SPECIES, c, co + i);
      FloatVector a = FloatVector.fromArray(SPECIES, x, xo + i);
      FloatVector b = FloatVector.fromArray(SPECIES, y, yo + i);
      b.blend(a, m).intoArray(z, zo + i);
    }
    for (int i = full; i < n; i++) {
      z[zo + i] = c[co + i] ? x[xo + i] : y[yo + i];
    }
  }
}
