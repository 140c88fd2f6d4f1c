package org.hesse.testing;

import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Elementwise primitives on single numbers. Whole numbers and truth values are doubles too. */
public final class Elementary {
  private Elementary() {}

  /** Applies an elementwise primitive; {@code from} is the dtype of its first operand. */
  public static double apply(Op op, DType dtype, double... x) {
    return switch (op) {
      case Op.Unary(UnaryKind kind) -> round(unary(kind, x[0], dtype), dtype);
      case Op.Binary(BinaryKind kind) ->
          dtype.isReal()
              ? round(real(kind, x[0], x[1]), dtype)
              : whole(kind, (int) x[0], (int) x[1]);
      case Op.Compare(CompareKind kind) -> compare(kind, x[0], x[1]) ? 1 : 0;
      case Op.Select s -> x[0] != 0 ? x[1] : x[2];
      case Op.Cast c -> round(x[0], dtype);
      default -> throw new IllegalArgumentException(op + " is not elementwise");
    };
  }

  /** The value that a dtype stores. */
  public static double round(double x, DType dtype) {
    return switch (dtype) {
      case F32 -> (float) x;
      case F64 -> x;
      case I32 -> (int) x;
      case BOOL -> x != 0 ? 1 : 0;
    };
  }

  private static double unary(UnaryKind kind, double x, DType dtype) {
    return switch (kind) {
      case NEG -> dtype == DType.I32 ? -(int) x : -x;
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
      case ERF -> Scalars.erf(x);
      case ERFC -> Scalars.erfc(x);
      case GELU -> Scalars.gelu(x);
      case GELU_SLOPE -> Scalars.geluSlope(x);
      case ABS -> dtype == DType.I32 ? Math.abs((int) x) : Math.abs(x);
      case SIGN -> Math.signum(x);
      case FLOOR -> Math.floor(x);
      case NOT -> x == 0 ? 1 : 0;
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

  private static double whole(BinaryKind kind, int a, int b) {
    return switch (kind) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV -> b == 0 ? 0 : a / b;
      case MAX -> Math.max(a, b);
      case MIN -> Math.min(a, b);
      case SHR -> a >>> b;
      case XOR -> a ^ b;
      case AND -> a & b;
      case OR -> a | b;
      case POW -> throw new IllegalArgumentException("POW of whole numbers");
    };
  }

  private static boolean compare(CompareKind kind, double a, double b) {
    return switch (kind) {
      case EQ -> a == b;
      case NE -> a != b;
      case LT -> a < b;
      case LE -> a <= b;
      case GT -> a > b;
      case GE -> a >= b;
    };
  }

  /** Random word number {@code i} under a key, see {@link Op.RandomBits}. */
  public static int randomWord(int key0, int key1, long i) {
    int[] rotations = {13, 15, 26, 6, 17, 29, 16, 24};
    int[] keys = {key0, key1, key0 ^ key1 ^ 0x1BD11BDA};
    int x0 = (int) (i / 2) + keys[0];
    int x1 = (int) (i / 2 >>> 32) + keys[1];
    for (int round = 0; round < 20; round++) {
      x0 += x1;
      x1 = Integer.rotateLeft(x1, rotations[round % 8]) ^ x0;
      if (round % 4 == 3) {
        int s = round / 4 + 1;
        x0 += keys[s % 3];
        x1 += keys[(s + 1) % 3] + s;
      }
    }
    return i % 2 == 0 ? x0 : x1;
  }
}
