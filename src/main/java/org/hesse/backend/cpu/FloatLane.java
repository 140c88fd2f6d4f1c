package org.hesse.backend.cpu;

/**
 * One float with the methods of a FloatVector: what is written for vectors also runs on single
 * numbers, where the Vector API is absent, and gives the same bits by construction.
 */
record FloatLane(float value) {
  static final LaneSpecies SPECIES_PREFERRED = LaneSpecies.ONE;

  static FloatLane broadcast(LaneSpecies species, float value) {
    return new FloatLane(value);
  }

  static FloatLane fromArray(LaneSpecies species, float[] values, int at) {
    return new FloatLane(values[at]);
  }

  float[] toArray() {
    return new float[] {value};
  }

  FloatLane add(FloatLane b) {
    return new FloatLane(value + b.value);
  }

  FloatLane sub(FloatLane b) {
    return new FloatLane(value - b.value);
  }

  FloatLane mul(FloatLane b) {
    return new FloatLane(value * b.value);
  }

  FloatLane div(FloatLane b) {
    return new FloatLane(value / b.value);
  }

  FloatLane fma(FloatLane b, FloatLane c) {
    return new FloatLane(Math.fma(value, b.value, c.value));
  }

  FloatLane add(float b) {
    return new FloatLane(value + b);
  }

  FloatLane sub(float b) {
    return new FloatLane(value - b);
  }

  FloatLane mul(float b) {
    return new FloatLane(value * b);
  }

  FloatLane fma(float b, float c) {
    return new FloatLane(Math.fma(value, b, c));
  }

  FloatLane blend(float other, LaneMask mask) {
    return mask.set() ? new FloatLane(other) : this;
  }

  LaneMask compare(LaneOperator operator, float b) {
    return compare(operator, new FloatLane(b));
  }

  FloatLane neg() {
    return new FloatLane(-value);
  }

  FloatLane abs() {
    return new FloatLane(Math.abs(value));
  }

  FloatLane sqrt() {
    return new FloatLane((float) Math.sqrt(value));
  }

  FloatLane blend(FloatLane other, LaneMask mask) {
    return mask.set() ? other : this;
  }

  LaneMask compare(LaneOperator operator, FloatLane b) {
    return new LaneMask(
        switch (operator) {
          case LT -> value < b.value;
          case GT -> value > b.value;
          case GE -> value >= b.value;
          case EQ -> value == b.value;
          case NE -> value != b.value;
          default -> throw new IllegalArgumentException(operator.toString());
        });
  }

  IntLane reinterpretAsInts() {
    return new IntLane(Float.floatToRawIntBits(value));
  }
}
