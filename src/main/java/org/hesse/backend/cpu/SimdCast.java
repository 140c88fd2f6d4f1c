package org.hesse.backend.cpu;

/** Loops that convert between floats and doubles on vectors. */
final class SimdCast implements Kernel {
  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    if (frame.values[result] instanceof double[] z) {
      widen((float[]) frame.values[arguments[0]], xo, z, zo, n);
    } else {
      narrow((double[]) frame.values[arguments[0]], xo, (float[]) frame.values[result], zo, n);
    }
  }

  static void widen(float[] x, int xo, double[] z, int zo, int n) {
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += VectorMath.SPECIES.length()) {
      LanesF64.store(LanesF32.load(x, xo + i), z, zo + i);
    }
    for (int i = full; i < n; i++) {
      z[zo + i] = x[xo + i];
    }
  }

  static void narrow(double[] x, int xo, float[] z, int zo, int n) {
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += VectorMath.SPECIES.length()) {
      LanesF32.store(LanesF64.load(x, xo + i), z, zo + i);
    }
    for (int i = full; i < n; i++) {
      z[zo + i] = (float) x[xo + i];
    }
  }
}
