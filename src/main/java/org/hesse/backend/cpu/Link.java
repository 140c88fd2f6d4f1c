package org.hesse.backend.cpu;

import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * One operation of a {@link Chain}, on the value that the chain has reached.
 *
 * @param other where the second operand comes from
 */
record Link(Kind kind, Other other) {
  /** What is computed from the value v and the operand y; {@code FROM} and {@code INTO} turn it. */
  enum Kind {
    ADD,
    SUB,
    FROM,
    MUL,
    DIV,
    INTO,
    MAX,
    MIN,
    NEG,
    ABS,
    SQRT,
    RSQRT,
    NONE
  }

  /** The second operand. */
  enum Other {
    /** An element for each element. */
    EACH,
    /** One number for all of them. */
    NUMBER,
    /** The value itself, or nothing. */
    SELF
  }

  /** No operation at all. */
  static final Link NONE = new Link(Kind.NONE, Other.SELF);

  /** What an operation is in a chain; null if it cannot be in one. */
  static @Nullable Kind kind(Op op) {
    return switch (op) {
      case Op.Binary b ->
          switch (b.kind()) {
            case ADD -> Kind.ADD;
            case SUB -> Kind.SUB;
            case MUL -> Kind.MUL;
            case DIV -> Kind.DIV;
            case MAX -> Kind.MAX;
            case MIN -> Kind.MIN;
            default -> null;
          };
      case Op.Unary u ->
          switch (u.kind()) {
            case NEG -> Kind.NEG;
            case ABS -> Kind.ABS;
            case SQRT -> Kind.SQRT;
            case RSQRT -> Kind.RSQRT;
            default -> null;
          };
      default -> null;
    };
  }

  /** The operation on a chain's value as its second operand. */
  static Kind turned(Kind kind) {
    return switch (kind) {
      case SUB -> Kind.FROM;
      case DIV -> Kind.INTO;
      default -> kind;
    };
  }
}
