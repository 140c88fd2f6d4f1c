package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;

/** Vectors of doubles in sums, see {@link WideF32}. */
final class WideF64 {
  private WideF64() {}

  static DoubleVector expBelowZero(DoubleVector x) {
    return DoubleMath.expBelowZero(x);
  }

  static DoubleVector wide(DoubleVector v) {
    return v;
  }

  static DoubleVector halves(DoubleVector v) {
    return v;
  }
}
