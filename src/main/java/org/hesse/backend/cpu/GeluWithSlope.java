package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Loop of gelu and its slope, which share exponential and quotient; the same bits as of {@link
 * FloatMath#gelu} and {@link FloatMath#geluSlope}. The second goes where the second argument is.
 */
final class GeluWithSlope implements Kernel {
  private static final int STEP = FloatMath.SPECIES.length();

  private final boolean slopeIsSecond;

  GeluWithSlope(boolean slopeIsSecond) {
    this.slopeIsSecond = slopeIsSecond;
  }

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    int value = slopeIsSecond ? result : arguments[1];
    int slope = slopeIsSecond ? arguments[1] : result;
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[value];
    float[] w = (float[]) frame.values[slope];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[value];
    int wo = frame.offsets[slope];
    int full = FloatMath.SPECIES.loopBound(n);
    wholeVectors(x, xo, z, zo, w, wo, full);
    if (full < n) {
      float[] rest = frame.restF32;
      System.arraycopy(x, xo + full, rest, 0, n - full);
      Arrays.fill(rest, n - full, STEP, 1);
      wholeVectors(rest, 0, rest, 0, rest, STEP, STEP);
      System.arraycopy(rest, 0, z, zo + full, n - full);
      System.arraycopy(rest, STEP, w, wo + full, n - full);
    }
  }

  // Methods of our own come first: the JIT compiler no longer inlines them further on.
  private static void wholeVectors(float[] x, int xo, float[] z, int zo, float[] w, int wo, int n) {
    for (int i = 0; i < n; i += STEP) {
      FloatVector v = FloatVector.fromArray(FloatMath.SPECIES, x, xo + i);
      FloatVector a = FloatMath.geluDistance(v);
      FloatVector scale = FloatMath.bellScale(a);
      FloatVector q = FloatMath.geluQuotient(a);
      FloatVector rest = FloatMath.bellRest(a);
      FloatVector f = q.mul(a);
      FloatVector g = a.fma(FloatVector.broadcast(FloatMath.SPECIES, FloatMath.MINUS_DENSITY), q);
      FloatVector h = rest.fma(f, f).mul(scale).mul(FloatMath.TWO_MINUS_64);
      FloatVector s = rest.fma(g, g).mul(scale).mul(FloatMath.TWO_MINUS_64);
      FloatVector above = FloatVector.broadcast(FloatMath.SPECIES, FloatMath.ONE).sub(s);
      FloatVector kept = v.blend(FloatMath.MINUS_ZERO, v.compare(LT, FloatMath.ZERO));
      kept.sub(h).intoArray(z, zo + i);
      s.blend(above, v.compare(GT, FloatMath.ZERO)).intoArray(w, wo + i);
    }
  }
}
