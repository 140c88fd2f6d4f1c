package org.hesse.backend.cpu;

/**
 * One double with the methods of a DoubleVector: what is written for vectors also runs on single
 * numbers, where the Vector API is absent, and gives the same bits by construction.
 */
record DoubleLane(double value) {
  static final LaneSpecies SPECIES_PREFERRED = LaneSpecies.ONE;

  static DoubleLane broadcast(LaneSpecies species, double value) {
    return new DoubleLane(value);
  }

  static DoubleLane fromArray(LaneSpecies species, double[] values, int at) {
    return new DoubleLane(values[at]);
  }

  double[] toArray() {
    return new double[] {value};
  }

  DoubleLane add(DoubleLane b) {
    return new DoubleLane(value + b.value);
  }

  DoubleLane sub(DoubleLane b) {
    return new DoubleLane(value - b.value);
  }

  DoubleLane mul(DoubleLane b) {
    return new DoubleLane(value * b.value);
  }

  DoubleLane div(DoubleLane b) {
    return new DoubleLane(value / b.value);
  }

  DoubleLane fma(DoubleLane b, DoubleLane c) {
    return new DoubleLane(Math.fma(value, b.value, c.value));
  }

  DoubleLane add(double b) {
    return new DoubleLane(value + b);
  }

  DoubleLane sub(double b) {
    return new DoubleLane(value - b);
  }

  DoubleLane mul(double b) {
    return new DoubleLane(value * b);
  }

  DoubleLane fma(double b, double c) {
    return new DoubleLane(Math.fma(value, b, c));
  }

  DoubleLane blend(double other, LaneMask mask) {
    return mask.set() ? new DoubleLane(other) : this;
  }

  LaneMask compare(LaneOperator operator, double b) {
    return compare(operator, new DoubleLane(b));
  }

  DoubleLane neg() {
    return new DoubleLane(-value);
  }

  DoubleLane abs() {
    return new DoubleLane(Math.abs(value));
  }

  DoubleLane sqrt() {
    return new DoubleLane(Math.sqrt(value));
  }

  DoubleLane blend(DoubleLane other, LaneMask mask) {
    return mask.set() ? other : this;
  }

  LaneMask compare(LaneOperator operator, DoubleLane b) {
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

  LongLane reinterpretAsLongs() {
    return new LongLane(Double.doubleToRawLongBits(value));
  }
}
