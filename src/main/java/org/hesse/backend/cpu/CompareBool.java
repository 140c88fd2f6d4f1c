package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.CompareKind;

/** Loop of a comparison of truth values, false before true. */
final class CompareBool implements Kernel {
  private static final CompareKind KIND =
      Specialized.constant(MethodHandles.lookup(), CompareKind.class);

  CompareBool() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    boolean[] x = (boolean[]) frame.values[arguments[0]];
    boolean[] y = (boolean[]) frame.values[arguments[1]];
    boolean[] z = (boolean[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = holds(x[xo + i], y[yo + i]);
    }
  }

  @SuppressWarnings("ShortCircuitBoolean") // without branches, the loop runs on vectors
  private static boolean holds(boolean x, boolean y) {
    return KIND == CompareKind.EQ
        ? x == y
        : KIND == CompareKind.NE
            ? x != y
            : KIND == CompareKind.LT
                ? !x & y
                : KIND == CompareKind.LE ? !x | y : KIND == CompareKind.GT ? x & !y : x | !y;
  }
}
