package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.BinaryKind;

/** Loop of a logical operation of one operand (NOT) or two. */
final class LogicBool implements Kernel {
  private static final Enum<?> KIND = Specialized.constant(MethodHandles.lookup(), Enum.class);

  LogicBool() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    int last = arguments[arguments.length - 1];
    boolean[] x = (boolean[]) frame.values[arguments[0]];
    boolean[] y = (boolean[]) frame.values[last];
    boolean[] z = (boolean[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[last];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = apply(x[xo + i], y[yo + i]);
    }
  }

  @SuppressWarnings("ShortCircuitBoolean") // without branches, the loop runs on vectors
  private static boolean apply(boolean x, boolean y) {
    return KIND == BinaryKind.AND
        ? x & y
        : KIND == BinaryKind.OR ? x | y : KIND == BinaryKind.XOR ? x ^ y : !x;
  }
}
