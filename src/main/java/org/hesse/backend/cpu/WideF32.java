package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Vectors of floats in sums that are kept in double. {@link WideF64} is the same for doubles. */
final class WideF32 {
  private WideF32() {}

  static FloatVector exp(FloatVector x) {
    return FloatMath.exp(x);
  }

  /** The sum of a vector's halves. */
  static DoubleVector halves(FloatVector v) {
    DoubleVector low = (DoubleVector) v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 0);
    return low.add(v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 1));
  }
}
