package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/** Lanes of two vectors of doubles in turn. {@link AlternateF32} is the same for floats. */
final class AlternateF64 {
  private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  static final LongVector FIRST = numbers(0);
  static final LongVector SECOND = numbers(LANES / 2);

  private AlternateF64() {}

  private static LongVector numbers(long begin) {
    long[] lanes = new long[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = begin + i / 2 + (long) (i % 2) * LANES;
    }
    return LongVector.fromArray(SPECIES, lanes, 0);
  }

  /** The first halves: x₀ y₀ x₁ y₁ … */
  static DoubleVector first(DoubleVector x, DoubleVector y) {
    return select(FIRST, x, y);
  }

  /** The second halves. */
  static DoubleVector second(DoubleVector x, DoubleVector y) {
    return select(SECOND, x, y);
  }

  // By numbers of lanes as DoubleVector has them these would be converted each time.
  private static DoubleVector select(LongVector from, DoubleVector x, DoubleVector y) {
    return from.selectFrom(x.reinterpretAsLongs(), y.reinterpretAsLongs()).reinterpretAsDoubles();
  }
}
