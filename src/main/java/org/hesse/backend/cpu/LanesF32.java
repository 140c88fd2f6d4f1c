package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Floats as vectors of doubles and back. {@link LanesF64} is the same for doubles. */
final class LanesF32 {
  private static final VectorSpecies<Float> HALF =
      VectorSpecies.of(float.class, VectorShape.forBitSize(VectorMath.SPECIES.vectorBitSize() / 2));

  /**
   * What loops are made of that wait for memory more than they compute. Arrays begin anywhere, so
   * that every vector as long as a cache line lies in two of them, but only every other one of half
   * that length: measured on a processor with 512 bits, x·s + b from memory to memory takes twice
   * as long on the longer vectors.
   */
  static final VectorSpecies<Float> STREAM =
      VectorSpecies.of(
          float.class,
          VectorShape.forBitSize(Math.min(256, FloatVector.SPECIES_PREFERRED.vectorBitSize())));

  private LanesF32() {}

  static DoubleVector load(float[] a, int at) {
    return widen(FloatVector.fromArray(HALF, a, at));
  }

  static DoubleVector load(float[] a, int at, int n) {
    return widen(FloatVector.fromArray(HALF, a, at, HALF.indexInRange(0, n)));
  }

  static void store(DoubleVector v, float[] a, int at) {
    narrow(v).intoArray(a, at);
  }

  static void store(DoubleVector v, float[] a, int at, int n) {
    narrow(v).intoArray(a, at, HALF.indexInRange(0, n));
  }

  private static DoubleVector widen(FloatVector v) {
    return (DoubleVector) v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 0);
  }

  private static FloatVector narrow(DoubleVector v) {
    return (FloatVector) v.convertShape(VectorOperators.D2F, HALF, 0);
  }
}
