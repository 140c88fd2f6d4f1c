package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/** Doubles as vectors of doubles and back. {@link LanesF32} is the same for floats. */
final class LanesF64 {
  /** Of doubles there are half as many in a line, and sums are kept in vectors of the same kind. */
  static final VectorSpecies<Double> STREAM = DoubleVector.SPECIES_PREFERRED;

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
