package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.BinaryKind;

/** Loop of a function of two integers; arithmetic wraps around. */
final class BinaryI32 implements Kernel {
  private static final BinaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), BinaryKind.class);

  BinaryI32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    int[] x = (int[]) frame.values[arguments[0]];
    int[] y = (int[]) frame.values[arguments[1]];
    int[] z = (int[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = apply(x[xo + i], y[yo + i]);
    }
  }

  private static int apply(int x, int y) {
    return KIND == BinaryKind.ADD
        ? x + y
        : KIND == BinaryKind.SUB
            ? x - y
            : KIND == BinaryKind.MUL
                ? x * y
                : KIND == BinaryKind.DIV
                    ? y == 0 ? 0 : x / y
                    : KIND == BinaryKind.MAX
                        ? Math.max(x, y)
                        : KIND == BinaryKind.MIN ? Math.min(x, y) : bits(x, y);
  }

  private static int bits(int x, int y) {
    return KIND == BinaryKind.SHR
        ? x >>> y
        : KIND == BinaryKind.XOR ? x ^ y : KIND == BinaryKind.AND ? x & y : x | y;
  }
}
