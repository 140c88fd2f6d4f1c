package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Emits elementwise primitives over operands of equal shape, and checks them. */
public final class Elementwise {
  private Elementwise() {}

  /** Applies a function of one operand. */
  public static Node unary(UnaryKind kind, Node x) {
    boolean ok =
        switch (kind) {
          case NEG, ABS, SIGN -> x.dtype() != DType.BOOL;
          case NOT -> x.dtype() == DType.BOOL;
          default -> x.dtype().isReal();
        };
    require(ok, kind, x);
    return new Node(new Op.Unary(kind), List.of(x), x.shape(), x.dtype());
  }

  /** Applies a function of two operands. */
  public static Node binary(BinaryKind kind, Node a, Node b) {
    same(kind, a, b);
    boolean ok =
        switch (kind) {
          case POW -> a.dtype().isReal();
          case SHR -> a.dtype() == DType.I32;
          case AND, OR, XOR -> !a.dtype().isReal();
          default -> a.dtype() != DType.BOOL;
        };
    require(ok, kind, a);
    return new Node(new Op.Binary(kind), List.of(a, b), a.shape(), a.dtype());
  }

  /** Compares; the result is BOOL. */
  public static Node compare(CompareKind kind, Node a, Node b) {
    same(kind, a, b);
    return new Node(new Op.Compare(kind), List.of(a, b), a.shape(), DType.BOOL);
  }

  /** {@code a} where the condition holds, else {@code b}. */
  public static Node select(Node condition, Node a, Node b) {
    same("select", a, b);
    if (condition.dtype() != DType.BOOL || !condition.shape().equals(a.shape())) {
      throw new IllegalArgumentException(
          "select: condition is " + type(condition) + "; expected " + DType.BOOL + a.shape());
    }
    return new Node(new Op.Select(), List.of(condition, a, b), a.shape(), a.dtype());
  }

  /** Converts to another dtype. */
  public static Node cast(Node x, DType dtype) {
    return x.dtype() == dtype ? x : new Node(new Op.Cast(), List.of(x), x.shape(), dtype);
  }

  /** The operand, constant to every derivative. */
  public static Node stopGradient(Node x) {
    return new Node(new Op.StopGradient(), List.of(x), x.shape(), x.dtype());
  }

  /** The operand, as a node of its own. */
  public static Node copy(Node x) {
    return new Node(new Op.Copy(), List.of(x), x.shape(), x.dtype());
  }

  /** a + b. */
  public static Node add(Node a, Node b) {
    return binary(BinaryKind.ADD, a, b);
  }

  /** a − b. */
  public static Node sub(Node a, Node b) {
    return binary(BinaryKind.SUB, a, b);
  }

  /** a · b. */
  public static Node mul(Node a, Node b) {
    return binary(BinaryKind.MUL, a, b);
  }

  /** a / b. */
  public static Node div(Node a, Node b) {
    return binary(BinaryKind.DIV, a, b);
  }

  /** −x. */
  public static Node neg(Node x) {
    return unary(UnaryKind.NEG, x);
  }

  /** c · x. */
  public static Node scale(double c, Node x) {
    return mul(Sources.fullLike(c, x), x);
  }

  public static String type(Node n) {
    return n.dtype().toString() + n.shape();
  }

  private static void same(Object what, Node a, Node b) {
    if (a.dtype() != b.dtype() || !a.shape().equals(b.shape())) {
      throw new IllegalArgumentException(
          what.toString().toLowerCase(java.util.Locale.ROOT)
              + ": operands are "
              + type(a)
              + " and "
              + type(b)
              + "; expected one shape and one dtype (convert with cast)");
    }
  }

  private static void require(boolean ok, Object what, Node x) {
    if (!ok) {
      throw new IllegalArgumentException(
          what.toString().toLowerCase(java.util.Locale.ROOT)
              + " is not defined for "
              + type(x)
              + " (convert with cast)");
    }
  }
}
