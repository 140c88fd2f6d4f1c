// twin: F64
package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.GT;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loop of one {@link RowTerm} with an exponential, over whole vectors. The function stands once
 * in what is compiled: with more, the method is too large for the JIT compiler to keep vectors in
 * registers. The loops of all terms in one method keep that from being inlined, with the same end.
 */
final class ExpPassF32 implements RowLoopF32 {
  private static final RowTerm TERM = Specialized.constant(MethodHandles.lookup(), RowTerm.class);
  private static final boolean AHEAD = TERM == RowTerm.EXP_AHEAD;
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = SPECIES.length();

  /** What comes from memory is read by half lines, see {@link LanesF32}; a vector is one or two. */
  private static final VectorSpecies<Float> STREAM = LanesF32.STREAM;

  private static final int LANES = STREAM.length();

  /** So many vectors are added one after another, and these sums in double. */
  private static final int BLOCK = 16 * STEP;

  ExpPassF32() {}

  @Override
  public double run(
      float[] x, int xo, float[] z, int zo, float a, float b, float c, float[] y, int yo, int n) {
    DoubleVector total = DoubleVector.zero(VectorMath.SPECIES);
    if (TERM == RowTerm.EXP_SUM) {
      for (int block = 0; block < n; block += BLOCK) {
        int end = Math.min(n, block + BLOCK);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = block; i < end; i += STEP) {
          FloatVector v = FloatVector.fromArray(SPECIES, x, xo + i);
          FloatVector e = WideF32.expBelowZero(v.sub(a).sub(b));
          sum = sum.add(e);
        }
        total = total.add(WideF32.halves(sum));
      }
    }
    if (TERM == RowTerm.EXP_DOT) {
      for (int block = 0; block < n; block += BLOCK) {
        int end = Math.min(n, block + BLOCK);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = block; i < end; i += STEP) {
          FloatVector v = FloatVector.fromArray(SPECIES, x, xo + i);
          FloatVector e = WideF32.expBelowZero(v.sub(a).sub(b));
          sum = e.fma(FloatVector.fromArray(SPECIES, z, zo + i), sum);
        }
        total = total.add(WideF32.halves(sum));
      }
    }
    if (TERM == RowTerm.EXP || AHEAD) {
      FloatVector m0 = FloatVector.broadcast(STREAM, Float.NEGATIVE_INFINITY);
      FloatVector m1 = m0;
      for (int block = 0; block < n; block += BLOCK) {
        int end = Math.min(n, block + BLOCK);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = block; i < end; i += STEP) {
          if (AHEAD) {
            FloatVector u = FloatVector.fromArray(STREAM, z, zo + i);
            m0 = m0.blend(u, u.compare(GT, m0));
          }
          if (AHEAD && LANES < STEP) {
            FloatVector u = FloatVector.fromArray(STREAM, z, zo + i + LANES);
            m1 = m1.blend(u, u.compare(GT, m1));
          }
          FloatVector v = FloatVector.fromArray(SPECIES, x, xo + i);
          FloatVector e = WideF32.expBelowZero(v.sub(a).sub(b));
          e = e.mul(c);
          e.intoArray(y, yo + i);
          sum = sum.add(e);
        }
        total = total.add(WideF32.halves(sum));
      }
      if (AHEAD) {
        m0.blend(m1, m1.compare(GT, m0)).intoArray(y, yo + n);
      }
    }
    if (TERM == RowTerm.MINUS_EXP) {
      for (int i = 0; i < n; i += STEP) {
        FloatVector e = WideF32.expBelowZero(FloatVector.fromArray(SPECIES, x, xo + i));
        FloatVector.fromArray(SPECIES, z, zo + i).sub(e.mul(c)).intoArray(y, yo + i);
      }
    }
    double[] lanes = Frame.current().base;
    total.intoArray(lanes, 0);
    return VectorMath.total(lanes);
  }
}
