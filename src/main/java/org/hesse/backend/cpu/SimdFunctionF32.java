// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.hesse.ir.UnaryKind;

/** Loop of an elementary function on vectors. */
final class SimdFunctionF32 implements Kernel {
  private static final UnaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), UnaryKind.class);
  private static final int STEP = FloatMath.SPECIES.length();

  SimdFunctionF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    int full = FloatMath.SPECIES.loopBound(n);
    wholeVectors(x, xo, z, zo, full);
    if (full < n) {
      float[] rest = frame.restF32;
      System.arraycopy(x, xo + full, rest, 0, n - full);
      Arrays.fill(rest, n - full, STEP, 1);
      wholeVectors(rest, 0, rest, 0, STEP);
      System.arraycopy(rest, 0, z, zo + full, n - full);
    }
  }

  // The choice stands in the loop, and not in a method of its own, so that this method is too long
  // to be inlined: a compilation is then one loop, and no vector passes through a call.
  private static void wholeVectors(float[] x, int xo, float[] z, int zo, int n) {
    for (int i = 0; i < n; i += STEP) {
      FloatVector v = FloatVector.fromArray(FloatMath.SPECIES, x, xo + i);
      FloatVector y;
      if (KIND == UnaryKind.EXP) {
        y = FloatMath.exp(v);
      } else if (KIND == UnaryKind.EXPM1) {
        y = FloatMath.expm1(v);
      } else if (KIND == UnaryKind.LOG) {
        y = FloatMath.log(v);
      } else if (KIND == UnaryKind.LOG1P) {
        y = FloatMath.log1p(v);
      } else if (KIND == UnaryKind.SIN) {
        y = FloatMath.sin(v);
      } else if (KIND == UnaryKind.COS) {
        y = FloatMath.cos(v);
      } else if (KIND == UnaryKind.TANH) {
        y = FloatMath.tanh(v);
      } else if (KIND == UnaryKind.SIGMOID) {
        y = FloatMath.sigmoid(v);
      } else if (KIND == UnaryKind.SOFTPLUS) {
        y = FloatMath.softplus(v);
      } else if (KIND == UnaryKind.ERF) {
        y = FloatMath.erf(v);
      } else if (KIND == UnaryKind.ERFC) {
        y = FloatMath.erfc(v);
      } else if (KIND == UnaryKind.GELU) {
        y = FloatMath.gelu(v);
      } else if (KIND == UnaryKind.GELU_SLOPE) {
        y = FloatMath.geluSlope(v);
      } else if (KIND == UnaryKind.SIGN) {
        y = FloatMath.sign(v);
      } else {
        y = FloatMath.floor(v);
      }
      y.intoArray(z, zo + i);
    }
  }
}
