package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Vectors of doubles as sums of both dtypes are kept in. */
final class VectorMath {
  static final VectorSpecies<Double> SPECIES = DoubleMath.SPECIES;

  private static final VectorShuffle<Double> BY_FOUR = by(4);
  private static final VectorShuffle<Double> BY_TWO = by(2);
  private static final VectorShuffle<Double> BY_ONE = by(1);

  private VectorMath() {}

  /**
   * The sum of all lanes, halves upon halves. The Vector API's own reduction has an order of its
   * own in the interpreter and another one when compiled, so its bits would change in mid-run.
   */
  static double total(DoubleVector v) {
    DoubleVector sum = v;
    if (SPECIES.length() >= 8) {
      sum = sum.add(sum.rearrange(BY_FOUR));
    }
    if (SPECIES.length() >= 4) {
      sum = sum.add(sum.rearrange(BY_TWO));
    }
    if (SPECIES.length() >= 2) {
      sum = sum.add(sum.rearrange(BY_ONE));
    }
    return sum.lane(0);
  }

  /**
   * The same of a vector that has been put at the beginning of an array, which is left changed. For
   * methods in which so much is inlined already that a vector handed on would be an object.
   */
  static double total(double[] lanes) {
    for (int half = SPECIES.length() / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }

  private static VectorShuffle<Double> by(int lanes) {
    return VectorShuffle.fromOp(SPECIES, i -> (i + lanes) % SPECIES.length());
  }
}
