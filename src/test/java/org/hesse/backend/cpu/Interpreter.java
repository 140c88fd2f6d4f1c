package org.hesse.backend.cpu;

import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.View;
import org.hesse.ir.Op;
import org.hesse.testing.Elementary;

/** Evaluates a register program at one index, the plain way; F32 values are kept rounded. */
final class Interpreter {
  private final List<Instruction> code;
  private final Object[] inputs;

  Interpreter(List<Instruction> code, Object... inputs) {
    this.code = code;
    this.inputs = inputs;
  }

  /** All values of the program as doubles, truth values as 0 and 1. */
  double[] values(int[] index) {
    double[] v = new double[code.size()];
    for (int i = 0; i < v.length; i++) {
      Instruction in = code.get(i);
      double x =
          switch (in) {
            case Instruction.Load load ->
                get(inputs[load.view().slot().index()], at(load.view(), index));
            case Instruction.Constant c -> c.value();
            case Instruction.Index x2 -> dot(x2.strides(), index);
            case Instruction.Apply apply -> apply(apply, v);
          };
      v[i] = in.dtype() == DType.F32 ? (float) x : in.dtype() == DType.I32 ? (int) (long) x : x;
    }
    return v;
  }

  private double apply(Instruction.Apply apply, double[] v) {
    double a = v[apply.arguments().get(0)];
    double b = apply.arguments().size() > 1 ? v[apply.arguments().get(1)] : 0;
    return switch (apply.op()) {
      case Op.Unary u -> Elementary.apply(u, DType.F64, a);
      case Op.Binary u ->
          switch (u.kind()) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
            case AND -> (int) a & (int) b;
            case OR -> (int) a | (int) b;
            case XOR -> (int) a ^ (int) b;
            default -> throw new IllegalArgumentException(u.toString());
          };
      case Op.Compare u ->
          switch (u.kind()) {
                case EQ -> a == b;
                case NE -> a != b;
                case LT -> a < b;
                case LE -> a <= b;
                case GT -> a > b;
                case GE -> a >= b;
              }
              ? 1
              : 0;
      case Op.Select s -> a != 0 ? b : v[apply.arguments().get(2)];
      case Op.Cast c ->
          apply.dtype() == DType.BOOL ? (a != 0 ? 1 : 0) : apply.dtype() == DType.I32 ? (int) a : a;
      default -> throw new IllegalArgumentException(apply.op().toString());
    };
  }

  static int at(View view, int[] index) {
    return (int) (view.offset() + dot(view.strides(), index));
  }

  private static long dot(long[] strides, int[] index) {
    long p = 0;
    for (int a = 0; a < index.length; a++) {
      p += strides[a] * index[a];
    }
    return p;
  }

  static double get(Object array, int at) {
    return switch (array) {
      case float[] a -> a[at];
      case double[] a -> a[at];
      case int[] a -> a[at];
      case boolean[] a -> a[at] ? 1 : 0;
      default -> throw new IllegalArgumentException();
    };
  }

  /** Moves to the next index in row-major order; false after the last. */
  static boolean next(int[] index, int[] domain) {
    for (int a = domain.length - 1; a >= 0; a--) {
      if (++index[a] < domain[a]) {
        return true;
      }
      index[a] = 0;
    }
    return false;
  }
}
