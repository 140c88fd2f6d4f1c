package org.hesse.backend.cpu;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/**
 * The power of floats as e^(y·log x) in double, where the error of the logarithm times its size
 * stays far below half a unit in a float's last place. For doubles that would not do.
 */
final class SimdPower implements Kernel {
  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    double[] x = frame.base;
    double[] y = frame.exponent;
    double[] s = frame.power;
    load(frame, arguments[0], x, n);
    load(frame, arguments[1], y, n);
    for (int i = 0; i < n; i += VectorMath.SPECIES.length()) {
      DoubleVector log = DoubleMath.log(DoubleVector.fromArray(VectorMath.SPECIES, x, i));
      log.mul(DoubleVector.fromArray(VectorMath.SPECIES, y, i)).intoArray(s, i);
    }
    for (int i = 0; i < n; i += VectorMath.SPECIES.length()) {
      DoubleMath.exp(DoubleVector.fromArray(VectorMath.SPECIES, s, i)).intoArray(s, i);
    }
    for (int i = 0; i < n; i++) {
      if (!Powers.isPlain(x[i], y[i])) {
        s[i] = StrictMath.pow(x[i], y[i]);
      }
    }
    SimdCast.narrow(s, 0, (float[]) frame.values[result], frame.offsets[result], n);
  }

  /** Brings a value to doubles, filled up to whole vectors with a harmless number. */
  private static void load(Frame frame, int value, double[] to, int n) {
    SimdCast.widen((float[]) frame.values[value], frame.offsets[value], to, 0, n);
    Arrays.fill(to, n, VectorMath.SPECIES.loopBound(n + VectorMath.SPECIES.length() - 1), 1);
  }
}
