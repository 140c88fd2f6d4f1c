package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Vectors of floats in sums that are kept in double. {@link WideF64} is the same for doubles. */
final class WideF32 {
  private WideF32() {}

  static FloatVector expBelowZero(FloatVector x) {
    return FloatMath.expBelowZero(x);
  }

  /** The sum of a vector's halves. */
  static DoubleVector halves(FloatVector v) {
    DoubleVector low = (DoubleVector) v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 0);
    return low.add(v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 1));
  }

  /** A vector of {@link LanesF32#STREAM}, those added up that have no lane of their own. */
  static DoubleVector wide(FloatVector v) {
    if (LanesF32.STREAM.length() > VectorMath.SPECIES.length()) {
      return halves(v);
    }
    return (DoubleVector) v.convertShape(VectorOperators.F2D, VectorMath.SPECIES, 0);
  }

  /** The sum of a short row, of which double loses nothing. */
  static double sum(float[] a, int at, int n) {
    DoubleVector sum = DoubleVector.zero(VectorMath.SPECIES);
    int full = VectorMath.SPECIES.loopBound(n);
    for (int i = 0; i < full; i += VectorMath.SPECIES.length()) {
      sum = sum.add(LanesF32.load(a, at + i));
    }
    double total = VectorMath.total(sum);
    for (int i = full; i < n; i++) {
      total += a[at + i];
    }
    return total;
  }
}
