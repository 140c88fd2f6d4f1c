package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.UnaryKind;

/** Loop of a function of one integer; arithmetic wraps around. */
final class UnaryI32 implements Kernel {
  private static final UnaryKind KIND =
      Specialized.constant(MethodHandles.lookup(), UnaryKind.class);

  UnaryI32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    int[] x = (int[]) frame.values[arguments[0]];
    int[] z = (int[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    for (int i = 0; i < n; i++) {
      z[zo + i] = apply(x[xo + i]);
    }
  }

  private static int apply(int x) {
    return KIND == UnaryKind.NEG
        ? -x
        : KIND == UnaryKind.ABS ? (x < 0 ? -x : x) : Integer.signum(x);
  }
}
