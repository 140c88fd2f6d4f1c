package org.hesse.backend.cpu;

import org.hesse.ir.UnaryKind;

/**
 * Elementary functions of one number, the same bits on every machine: {@link StrictMath} and what
 * it lacks.
 */
final class ScalarMath {
  private ScalarMath() {}

  static double apply(UnaryKind kind, double x) {
    return switch (kind) {
      case EXP -> StrictMath.exp(x);
      case EXPM1 -> StrictMath.expm1(x);
      case LOG -> StrictMath.log(x);
      case LOG1P -> StrictMath.log1p(x);
      case RSQRT -> 1 / Math.sqrt(x);
      case SIN -> StrictMath.sin(x);
      case COS -> StrictMath.cos(x);
      case TANH -> StrictMath.tanh(x);
      case SIGMOID -> sigmoid(x);
      case SOFTPLUS -> Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
      case ERF -> Erf.of(x);
      case ERFC -> Erf.complement(x);
      case NEG -> -x;
      case ABS -> Math.abs(x);
      case SQRT -> Math.sqrt(x);
      case SIGN -> Math.signum(x);
      case FLOOR -> Math.floor(x);
      case NOT -> throw new IllegalArgumentException("NOT of a number");
    };
  }

  /** 1/(1+e⁻ˣ) from e^−|x|, which cannot overflow and keeps its relative accuracy on both sides. */
  private static double sigmoid(double x) {
    double e = StrictMath.exp(-Math.abs(x));
    return (x < 0 ? e : 1) / (1 + e);
  }
}
