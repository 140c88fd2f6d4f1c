package org.hesse.ir;

/** Elementwise functions of two operands. Real or I32 unless stated otherwise. */
public enum BinaryKind {
  /** a + b. */
  ADD,
  /** a − b. */
  SUB,
  /** a · b. */
  MUL,
  /** a / b; I32 division truncates toward zero, and by zero gives 0. */
  DIV,
  /** a to the power b; real. */
  POW,
  /** The larger; NaN if either is NaN. */
  MAX,
  /** The smaller; NaN if either is NaN. */
  MIN,
  /** Bits of a shifted right by b (mod 32), zeros shifted in; I32. */
  SHR,
  /** Bitwise exclusive or; I32 or BOOL. */
  XOR,
  /** Logical or bitwise and; I32 or BOOL. */
  AND,
  /** Logical or bitwise or; I32 or BOOL. */
  OR
}
