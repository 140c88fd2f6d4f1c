package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;

/** Doubles as vectors of doubles and back. {@link LanesF32} is the same for floats. */
final class LanesF64 {
  private LanesF64() {}

  static DoubleVector load(double[] a, int at) {
    return DoubleVector.fromArray(VectorMath.SPECIES, a, at);
  }

  static DoubleVector load(double[] a, int at, int n) {
    return DoubleVector.fromArray(VectorMath.SPECIES, a, at, VectorMath.SPECIES.indexInRange(0, n));
  }

  static void store(DoubleVector v, double[] a, int at) {
    v.intoArray(a, at);
  }

  static void store(DoubleVector v, double[] a, int at, int n) {
    v.intoArray(a, at, VectorMath.SPECIES.indexInRange(0, n));
  }
}
