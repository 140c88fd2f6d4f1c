package org.hesse.backend.cpu;

/** One long with the methods of a LongVector, see {@link DoubleLane}. */
record LongLane(long value) {
  LongLane neg() {
    return new LongLane(-value);
  }

  LongLane add(long b) {
    return new LongLane(value + b);
  }

  LongLane sub(LongLane b) {
    return new LongLane(value - b.value);
  }

  LongLane sub(long b) {
    return new LongLane(value - b);
  }

  LongLane and(long b) {
    return new LongLane(value & b);
  }

  LongLane or(LongLane b) {
    return new LongLane(value | b.value);
  }

  LongLane or(long b) {
    return new LongLane(value | b);
  }

  LongLane lanewise(LaneOperator operator, LongLane b) {
    if (operator != LaneOperator.XOR) {
      throw new IllegalArgumentException(operator.toString());
    }
    return new LongLane(value ^ b.value);
  }

  LongLane lanewise(LaneOperator operator, int shift) {
    return new LongLane(
        switch (operator) {
          case LSHL -> value << shift;
          case LSHR -> value >>> shift;
          case ASHR -> value >> shift;
          default -> throw new IllegalArgumentException(operator.toString());
        });
  }

  DoubleLane reinterpretAsDoubles() {
    return new DoubleLane(Double.longBitsToDouble(value));
  }
}
