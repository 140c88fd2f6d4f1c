// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import org.hesse.ir.UnaryKind;

/** Loop of one of the functions of {@link VectorMath}. */
final class SimdFunctionF32 implements Kernel {
  private static final UnaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), UnaryKind.class);

  SimdFunctionF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    int lanes = VectorMath.SPECIES.length();
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += lanes) {
      LanesF32.store(apply(LanesF32.load(x, xo + i)), z, zo + i);
    }
    if (full < n) {
      tail(x, xo + full, z, zo + full, n - full);
    }
  }

  private static void tail(float[] x, int xo, float[] z, int zo, int n) {
    LanesF32.store(apply(LanesF32.load(x, xo, n)), z, zo, n);
  }

  private static DoubleVector apply(DoubleVector x) {
    return KIND == UnaryKind.EXP
        ? VectorMath.exp(x)
        : KIND == UnaryKind.EXPM1
            ? VectorMath.expm1(x)
            : KIND == UnaryKind.LOG
                ? VectorMath.log(x)
                : KIND == UnaryKind.LOG1P
                    ? VectorMath.log1p(x)
                    : KIND == UnaryKind.SIN
                        ? VectorMath.sine(x, 0)
                        : KIND == UnaryKind.COS ? VectorMath.sine(x, 1) : others(x);
  }

  private static DoubleVector others(DoubleVector x) {
    return KIND == UnaryKind.TANH
        ? VectorMath.tanh(x)
        : KIND == UnaryKind.SIGMOID
            ? VectorMath.sigmoid(x)
            : KIND == UnaryKind.SOFTPLUS
                ? VectorMath.softplus(x)
                : KIND == UnaryKind.ERF
                    ? VectorMath.erf(x)
                    : KIND == UnaryKind.SIGN ? VectorMath.sign(x) : VectorMath.floor(x);
  }
}
