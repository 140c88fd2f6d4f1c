package org.hesse.backend.cpu;

/** The power of two numbers. */
final class Powers {
  private Powers() {}

  /** As e^(y·log x) in double, bit for bit as {@link SimdPower}. */
  static float of(float x, float y) {
    if (!isPlain(x, y)) {
      return (float) StrictMath.pow(x, y);
    }
    DoubleLane log = DoubleMathLane.log(new DoubleLane(x));
    return (float) DoubleMathLane.exp(log.mul(new DoubleLane(y))).value();
  }

  static double of(double x, double y) {
    return StrictMath.pow(x, y);
  }

  /** Whether two floats need none of the special cases of a power. */
  static boolean isPlain(double x, double y) {
    return x > 0 && x <= Float.MAX_VALUE && Math.abs(y) <= Float.MAX_VALUE;
  }
}
