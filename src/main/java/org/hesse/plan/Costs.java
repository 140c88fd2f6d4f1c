package org.hesse.plan;

import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Rough costs of elementwise primitives for each element, an addition being 1. */
final class Costs {
  /** Reading or writing an element of a large tensor. */
  static final int MEMORY = 4;

  /** Starting another step. */
  static final int STEP = 4096;

  private Costs() {}

  static int of(Op op) {
    return switch (op) {
      case Op.Unary(UnaryKind kind) -> unary(kind);
      case Op.Binary(BinaryKind kind) ->
          switch (kind) {
            case DIV -> 3;
            case POW -> 20;
            default -> 1;
          };
      default -> 1;
    };
  }

  private static int unary(UnaryKind kind) {
    return switch (kind) {
      case NEG, ABS, SIGN, FLOOR, NOT -> 1;
      case SQRT, RSQRT -> 3;
      case EXP, LOG -> 6;
      case EXPM1, LOG1P, SIGMOID -> 8;
      case SIN, COS, TANH -> 10;
      case ERF, ERFC, SOFTPLUS, GELU, GELU_SLOPE -> 14;
    };
  }
}
