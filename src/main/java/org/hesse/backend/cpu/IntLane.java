package org.hesse.backend.cpu;

/** One int with the methods of an IntVector, see {@link FloatLane}. */
record IntLane(int value) {
  IntLane neg() {
    return new IntLane(-value);
  }

  IntLane add(int b) {
    return new IntLane(value + b);
  }

  IntLane sub(IntLane b) {
    return new IntLane(value - b.value);
  }

  IntLane sub(int b) {
    return new IntLane(value - b);
  }

  IntLane and(int b) {
    return new IntLane(value & b);
  }

  IntLane or(IntLane b) {
    return new IntLane(value | b.value);
  }

  IntLane or(int b) {
    return new IntLane(value | b);
  }

  IntLane lanewise(LaneOperator operator, IntLane b) {
    if (operator != LaneOperator.XOR) {
      throw new IllegalArgumentException(operator.toString());
    }
    return new IntLane(value ^ b.value);
  }

  IntLane lanewise(LaneOperator operator, int shift) {
    return new IntLane(
        switch (operator) {
          case LSHL -> value << shift;
          case LSHR -> value >>> shift;
          case ASHR -> value >> shift;
          default -> throw new IllegalArgumentException(operator.toString());
        });
  }

  FloatLane reinterpretAsFloats() {
    return new FloatLane(Float.intBitsToFloat(value));
  }
}
