package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;

/** Vectors of doubles in sums, see {@link WideF32}. */
final class WideF64 {
  private WideF64() {}

  static DoubleVector exp(DoubleVector x) {
    return DoubleMath.exp(x);
  }

  static DoubleVector halves(DoubleVector v) {
    return v;
  }
}
