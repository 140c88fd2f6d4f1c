package org.hesse.backend.cuda;

import java.util.List;
import java.util.Locale;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Instructions of a register program as expressions, see {@code kernels/elementwise.cuh}. */
final class ValueText {
  private ValueText() {}

  /**
   * The expression of a primitive.
   *
   * @param code the program, for the types of operands
   * @param names of the values
   */
  static String of(List<Instruction> code, Instruction.Apply apply, List<String> names) {
    List<Integer> in = apply.arguments();
    DType operand = code.get(in.getLast()).dtype();
    String x = names.get(in.getFirst());
    String y = names.get(in.getLast());
    return switch (apply.op()) {
      case Op.Unary(UnaryKind kind) -> unary(kind, operand, x);
      case Op.Binary(BinaryKind kind) -> binary(kind, operand, x, y);
      case Op.Compare(CompareKind kind) -> x + " " + sign(kind) + " " + y;
      case Op.Select s -> x + " ? " + names.get(in.get(1)) + " : " + y;
      case Op.Cast c ->
          "HesseCast<"
              + KernelText.type(apply.dtype())
              + ", "
              + KernelText.type(operand)
              + ">::of("
              + x
              + ")";
      default ->
          throw new IllegalArgumentException(
              "instruction "
                  + apply.op()
                  + " is not elementwise; a register program applies unary, binary, compare,"
                  + " select and cast");
    };
  }

  private static String unary(UnaryKind kind, DType dtype, String x) {
    boolean supported =
        switch (kind) {
          case NOT -> dtype == DType.BOOL;
          case NEG, ABS, SIGN -> dtype != DType.BOOL;
          default -> dtype.isReal();
        };
    require(supported, kind, dtype);
    return kind == UnaryKind.NOT ? "!" + x : function(kind) + "(" + x + ")";
  }

  private static String binary(BinaryKind kind, DType dtype, String x, String y) {
    boolean integer = dtype == DType.I32;
    boolean bool = dtype == DType.BOOL;
    boolean supported =
        switch (kind) {
          case SHR -> integer;
          case XOR, AND, OR -> integer || bool;
          case POW -> dtype.isReal();
          default -> !bool;
        };
    require(supported, kind, dtype);
    return switch (kind) {
      case XOR -> x + (bool ? " != " : " ^ ") + y;
      case AND -> x + (bool ? " && " : " & ") + y;
      case OR -> x + (bool ? " || " : " | ") + y;
      default -> function(kind) + "(" + x + ", " + y + ")";
    };
  }

  private static String function(Enum<?> kind) {
    return "hesse_" + kind.name().toLowerCase(Locale.ROOT);
  }

  private static String sign(CompareKind kind) {
    return switch (kind) {
      case EQ -> "==";
      case NE -> "!=";
      case LT -> "<";
      case LE -> "<=";
      case GT -> ">";
      case GE -> ">=";
    };
  }

  private static void require(boolean supported, Enum<?> kind, DType operand) {
    if (!supported) {
      throw new IllegalArgumentException(
          "operation " + kind + " is not defined for operands of " + operand);
    }
  }
}
