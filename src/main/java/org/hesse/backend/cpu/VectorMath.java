package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/** Vectors of doubles that serve both dtypes: {@link DoubleMath}, as far as floats need it. */
final class VectorMath {
  static final VectorSpecies<Double> SPECIES = DoubleMath.SPECIES;

  private VectorMath() {}

  /**
   * eˣ.
   *
   * @param single whether the accuracy of a float suffices
   */
  static DoubleVector exp(DoubleVector x, boolean single) {
    return single ? DoubleMath.expForFloats(x) : DoubleMath.exp(x);
  }
}
