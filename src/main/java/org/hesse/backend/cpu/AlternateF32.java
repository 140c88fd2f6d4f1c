package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** Lanes of two vectors of floats in turn. {@link AlternateF64} is the same for doubles. */
final class AlternateF32 {
  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  static final IntVector FIRST = numbers(0);
  static final IntVector SECOND = numbers(LANES / 2);

  private AlternateF32() {}

  private static IntVector numbers(int begin) {
    int[] lanes = new int[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = begin + i / 2 + i % 2 * LANES;
    }
    return IntVector.fromArray(SPECIES, lanes, 0);
  }

  /** The first halves: x₀ y₀ x₁ y₁ … */
  static FloatVector first(FloatVector x, FloatVector y) {
    return select(FIRST, x, y);
  }

  /** The second halves. */
  static FloatVector second(FloatVector x, FloatVector y) {
    return select(SECOND, x, y);
  }

  // By numbers of lanes as FloatVector has them these would be converted each time.
  private static FloatVector select(IntVector from, FloatVector x, FloatVector y) {
    return from.selectFrom(x.reinterpretAsInts(), y.reinterpretAsInts()).reinterpretAsFloats();
  }
}
