package org.hesse.backend.cpu;

/** Stands for VectorOperators in code derived from vector code for single numbers. */
enum LaneOperator {
  LT,
  GT,
  GE,
  EQ,
  NE,
  LSHL,
  LSHR,
  ASHR,
  XOR
}
