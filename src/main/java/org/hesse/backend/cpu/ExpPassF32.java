// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loop of one {@link RowTerm} with an exponential, over whole vectors. The function stands in it
 * once: with more, the method is too large for the JIT compiler to keep vectors in registers.
 */
final class ExpPassF32 implements RowLoopF32 {
  private static final RowTerm TERM = Specialized.constant(MethodHandles.lookup(), RowTerm.class);
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = SPECIES.length();

  /** So many vectors are added one after another, and these sums in double. */
  private static final int BLOCK = 16 * STEP;

  ExpPassF32() {}

  @Override
  public double run(
      float[] x,
      int xo,
      float[] z,
      int zo,
      float a,
      float b,
      float c,
      float d,
      float[] y,
      int yo,
      int n) {
    double total = 0;
    for (int block = 0; block < n; block += BLOCK) {
      int end = Math.min(n, block + BLOCK);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int i = block; i < end; i += STEP) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xo + i);
        if (TERM == RowTerm.MINUS_EXP) {
          FloatVector u = FloatVector.fromArray(SPECIES, z, zo + i);
          u.sub(WideF32.exp(v).mul(c)).intoArray(y, yo + i);
        } else {
          FloatVector e = WideF32.exp(v.sub(a).sub(b));
          if (TERM == RowTerm.EXP_DOT) {
            e = e.mul(FloatVector.fromArray(SPECIES, z, zo + i));
          } else if (TERM == RowTerm.EXP) {
            e = e.mul(c);
            e.intoArray(y, yo + i);
          }
          sum = sum.add(e);
        }
      }
      total += sum.reduceLanes(VectorOperators.ADD);
    }
    return total;
  }
}
