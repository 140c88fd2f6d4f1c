package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;

/** Loop of the power of floats, evaluated in double. */
final class SimdPowF32 implements Kernel {
  SimdPowF32() {}

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] y = (float[]) frame.values[arguments[1]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int yo = frame.offsets[arguments[1]];
    int zo = frame.offsets[result];
    int lanes = VectorMath.SPECIES.length();
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += lanes) {
      DoubleVector p =
          VectorMath.floatPower(LanesF32.load(x, xo + i), LanesF32.load(y, yo + i));
      LanesF32.store(p, z, zo + i);
    }
    if (full < n) {
      int rest = n - full;
      DoubleVector p =
          VectorMath.floatPower(
              LanesF32.load(x, xo + full, rest), LanesF32.load(y, yo + full, rest));
      LanesF32.store(p, z, zo + full, rest);
    }
  }
}
