// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.UnaryKind;

/** Scalar loop of a function of one real operand. */
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
      z[zo + i] = (float) apply(x[xo + i]);
    }
  }

  private static double apply(double x) {
    return KIND == UnaryKind.NEG
        ? -x
        : KIND == UnaryKind.ABS
            ? Math.abs(x)
            : KIND == UnaryKind.SQRT
                ? Math.sqrt(x)
                : KIND == UnaryKind.SIGN
                    ? Math.signum(x)
                    : KIND == UnaryKind.FLOOR ? Math.floor(x) : ScalarMath.apply(KIND, x);
  }
}
