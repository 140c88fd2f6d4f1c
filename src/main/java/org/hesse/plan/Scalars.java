package org.hesse.plan;

import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.UnaryKind;

/** Arithmetic on single numbers, for constants. Every dtype fits a double exactly. */
final class Scalars {
  private Scalars() {}

  /** The nearest number of a dtype; see {@link org.hesse.ir.Op.Cast}. */
  static double round(double x, DType dtype) {
    return switch (dtype) {
      case F32 -> (float) x;
      case F64 -> x;
      case I32 -> (int) x;
      case BOOL -> x != 0 ? 1 : 0;
    };
  }

  /** Whether {@link #unary} knows the function to the last bit or nearly so. */
  static boolean knows(UnaryKind kind) {
    return switch (kind) {
      case ERF, ERFC, GELU, GELU_SLOPE -> false;
      default -> true;
    };
  }

  static double unary(UnaryKind kind, double x, DType dtype) {
    if (dtype == DType.I32) {
      int i = (int) x;
      return switch (kind) {
        case NEG -> -i;
        case ABS -> Math.abs(i);
        case SIGN -> Integer.signum(i);
        default -> throw new IllegalArgumentException(kind + " of " + dtype);
      };
    }
    return round(real(kind, x), dtype);
  }

  private static double real(UnaryKind kind, double x) {
    return switch (kind) {
      case NEG -> -x;
      case EXP -> Math.exp(x);
      case EXPM1 -> Math.expm1(x);
      case LOG -> Math.log(x);
      case LOG1P -> Math.log1p(x);
      case SQRT -> Math.sqrt(x);
      case RSQRT -> 1 / Math.sqrt(x);
      case SIN -> Math.sin(x);
      case COS -> Math.cos(x);
      case TANH -> Math.tanh(x);
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case SOFTPLUS -> Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
      case ABS -> Math.abs(x);
      case SIGN -> Math.signum(x);
      case FLOOR -> Math.floor(x);
      case NOT -> x == 0 ? 1 : 0;
      case ERF, ERFC, GELU, GELU_SLOPE ->
          throw new IllegalArgumentException(kind + " is not folded");
    };
  }

  static double binary(BinaryKind kind, double a, double b, DType dtype) {
    if (dtype.isReal()) {
      return round(real(kind, a, b), dtype);
    }
    int i = (int) a;
    int j = (int) b;
    return switch (kind) {
      case ADD -> i + j;
      case SUB -> i - j;
      case MUL -> i * j;
      case DIV -> j == 0 ? 0 : i / j;
      case MAX -> Math.max(i, j);
      case MIN -> Math.min(i, j);
      case SHR -> i >>> j;
      case XOR -> i ^ j;
      case AND -> i & j;
      case OR -> i | j;
      case POW -> throw new IllegalArgumentException(kind + " of " + dtype);
    };
  }

  private static double real(BinaryKind kind, double a, double b) {
    return switch (kind) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV -> a / b;
      case POW -> Math.pow(a, b);
      case MAX -> Math.max(a, b);
      case MIN -> Math.min(a, b);
      default -> throw new IllegalArgumentException(kind + " of reals");
    };
  }

  static boolean compare(CompareKind kind, double a, double b) {
    return switch (kind) {
      case EQ -> a == b;
      case NE -> a != b;
      case LT -> a < b;
      case LE -> a <= b;
      case GT -> a > b;
      case GE -> a >= b;
    };
  }

  /** The smallest number of a dtype, which is the maximum over nothing. */
  static double lowest(DType dtype) {
    return dtype == DType.I32 ? Integer.MIN_VALUE : Double.NEGATIVE_INFINITY;
  }
}
