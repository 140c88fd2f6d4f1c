// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.UnaryKind;

/** Scalar loop of a function of one real operand, with the same bits as the vector loop. */
final class UnaryF32 implements Kernel {
  private static final UnaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), UnaryKind.class);

  UnaryF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = apply(new FloatLane(x[xo + i])).value();
    }
  }

  private static FloatLane apply(FloatLane v) {
    FloatLane y;
    if (KIND == UnaryKind.EXP) {
      y = FloatMathLane.exp(v);
    } else if (KIND == UnaryKind.EXPM1) {
      y = FloatMathLane.expm1(v);
    } else if (KIND == UnaryKind.LOG) {
      y = FloatMathLane.log(v);
    } else if (KIND == UnaryKind.LOG1P) {
      y = FloatMathLane.log1p(v);
    } else if (KIND == UnaryKind.SIN) {
      y = FloatMathLane.sin(v);
    } else if (KIND == UnaryKind.COS) {
      y = FloatMathLane.cos(v);
    } else if (KIND == UnaryKind.TANH) {
      y = FloatMathLane.tanh(v);
    } else if (KIND == UnaryKind.SIGMOID) {
      y = FloatMathLane.sigmoid(v);
    } else if (KIND == UnaryKind.SOFTPLUS) {
      y = FloatMathLane.softplus(v);
    } else if (KIND == UnaryKind.ERF) {
      y = FloatMathLane.erf(v);
    } else if (KIND == UnaryKind.ERFC) {
      y = FloatMathLane.erfc(v);
    } else if (KIND == UnaryKind.GELU) {
      y = FloatMathLane.gelu(v);
    } else if (KIND == UnaryKind.GELU_SLOPE) {
      y = FloatMathLane.geluSlope(v);
    } else if (KIND == UnaryKind.SIGN) {
      y = FloatMathLane.sign(v);
    } else if (KIND == UnaryKind.FLOOR) {
      y = FloatMathLane.floor(v);
    } else if (KIND == UnaryKind.RSQRT) {
      y = FloatMathLane.rsqrt(v);
    } else if (KIND == UnaryKind.NEG) {
      y = v.neg();
    } else if (KIND == UnaryKind.ABS) {
      y = v.abs();
    } else {
      y = v.sqrt();
    }
    return y;
  }
}
