// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.ir.CompositeKind.Scaling;

/** {@link NormLoopF32} for one place of the scale; sums are formed as {@link RowPassF32} does. */
final class NormPassF32 implements NormLoopF32 {
  private static final Scaling SCALING =
      Specialized.constant(MethodHandles.lookup(), Scaling.class);
  private static final boolean BEFORE = SCALING == Scaling.BEFORE;
  private static final boolean AFTER = SCALING == Scaling.AFTER;

  private static final VectorSpecies<Float> SPECIES = LanesF32.STREAM;
  private static final int STEP = SPECIES.length();

  NormPassF32() {}

  @Override
  public void sums(
      float[] x, int xAt, float c, float[] t, int tAt, float[] s, int sAt, int n, double[] sums) {
    DoubleVector along = DoubleVector.zero(VectorMath.SPECIES);
    DoubleVector plain = DoubleVector.zero(VectorMath.SPECIES);
    FloatVector shift = FloatVector.broadcast(SPECIES, c);
    // Two at a time: with four, the JIT compiler gives up inlining and makes vectors objects.
    int groups = n - n % (2 * STEP);
    for (int i = 0; i < groups; i += 2 * STEP) {
      FloatVector t0 = tangent(t, tAt + i, s, sAt + i);
      FloatVector t1 = tangent(t, tAt + i + STEP, s, sAt + i + STEP);
      FloatVector r0 = FloatVector.fromArray(SPECIES, x, xAt + i).sub(shift);
      FloatVector r1 = FloatVector.fromArray(SPECIES, x, xAt + i + STEP).sub(shift);
      plain = plain.add(WideF32.wide(t0.add(t1)));
      along = along.add(WideF32.wide(r1.fma(t1, r0.mul(t0))));
    }
    for (int i = groups; i < n; i += STEP) {
      VectorMask<Float> in = SPECIES.indexInRange(i, n);
      FloatVector u = FloatVector.fromArray(SPECIES, t, tAt + i, in);
      u = BEFORE ? u.mul(FloatVector.fromArray(SPECIES, s, sAt + i, in)) : u;
      FloatVector v = FloatVector.fromArray(SPECIES, x, xAt + i, in).sub(shift).mul(u);
      plain = plain.add(WideF32.wide(u));
      along = along.add(WideF32.wide(FloatVector.zero(SPECIES).blend(v, in)));
    }
    sums[0] = VectorMath.total(along);
    sums[1] = VectorMath.total(plain);
  }

  private static FloatVector tangent(float[] t, int at, float[] s, int sAt) {
    FloatVector u = FloatVector.fromArray(SPECIES, t, at);
    return BEFORE ? u.mul(FloatVector.fromArray(SPECIES, s, sAt)) : u;
  }

  @Override
  public void combine(
      float[] x,
      int xAt,
      float c,
      float a,
      float[] t,
      int tAt,
      float d,
      float b,
      float[] s,
      int sAt,
      int n,
      float[] y,
      int to) {
    FloatVector shift = FloatVector.broadcast(SPECIES, c);
    FloatVector slope = FloatVector.broadcast(SPECIES, a);
    FloatVector mean = FloatVector.broadcast(SPECIES, d);
    FloatVector factor = FloatVector.broadcast(SPECIES, b);
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, xAt + i).sub(shift).mul(slope);
      FloatVector u = tangent(t, tAt + i, s, sAt + i).sub(mean);
      FloatVector r = u.fma(factor, v);
      r = AFTER ? r.mul(FloatVector.fromArray(SPECIES, s, sAt + i)) : r;
      r.intoArray(y, to + i);
    }
    for (int i = full; i < n; i++) {
      float u = BEFORE ? t[tAt + i] * s[sAt + i] : t[tAt + i];
      float r = Math.fma(u - d, b, (x[xAt + i] - c) * a);
      y[to + i] = AFTER ? r * s[sAt + i] : r;
    }
  }
}
