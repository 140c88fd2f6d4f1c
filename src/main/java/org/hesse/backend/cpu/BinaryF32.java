// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.BinaryKind;

/** Scalar loop of a function of two real operands. */
final class BinaryF32 implements Kernel {
  private static final BinaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), BinaryKind.class);

  BinaryF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] y = (float[]) frame.values[arguments[1]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = apply(x[xo + i], y[yo + i]);
    }
  }

  private static float apply(float x, float y) {
    return KIND == BinaryKind.ADD
        ? x + y
        : KIND == BinaryKind.SUB
            ? x - y
            : KIND == BinaryKind.MUL
                ? x * y
                : KIND == BinaryKind.DIV
                    ? x / y
                    : KIND == BinaryKind.MAX
                        ? Math.max(x, y)
                        : KIND == BinaryKind.MIN ? Math.min(x, y) : Powers.of(x, y);
  }
}
