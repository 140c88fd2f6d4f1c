package org.hesse.plan;

import static org.hesse.plan.ConstantRules.isExactly;
import static org.hesse.plan.ConstantRules.isUniform;
import static org.hesse.plan.ConstantRules.uniform;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.jspecify.annotations.Nullable;

/** Identities of elementwise primitives. None may lose a NaN or an infinity. */
final class ArithmeticRules {
  static final List<Rule> RULES =
      List.of(
          new Rule("copy", Op.Copy.class, (n, to) -> n.input(0)),
          new Rule(
              "custom_jvp",
              Op.CustomJvp.class,
              (n, to) -> n.input(((Op.CustomJvp) n.op()).input())),
          new Rule("stop_gradient", Op.StopGradient.class, (n, to) -> n.input(0)),
          new Rule("unary of unary", Op.Unary.class, ArithmeticRules::unaryOfUnary),
          new Rule("neutral element", Op.Binary.class, ArithmeticRules::neutral),
          new Rule("absorbing element", Op.Binary.class, ArithmeticRules::absorbing),
          new Rule("equal operands", Op.Binary.class, ArithmeticRules::equalOperands),
          new Rule("minus one", Op.Binary.class, ArithmeticRules::minusOne),
          new Rule("negated operands", Op.Binary.class, ArithmeticRules::negatedOperands),
          new Rule("constant power", Op.Binary.class, ArithmeticRules::constantPower),
          new Rule("select of one value", Op.Select.class, ArithmeticRules::selectOfOne),
          new Rule("select by a constant", Op.Select.class, ArithmeticRules::selectByConstant),
          new Rule("select by a negation", Op.Select.class, ArithmeticRules::selectByNot),
          new Rule("cast to itself", Op.Cast.class, ArithmeticRules::castToItself),
          new Rule("cast of cast", Op.Cast.class, ArithmeticRules::castOfCast));

  private ArithmeticRules() {}

  private static boolean isUnary(Node n, UnaryKind kind) {
    return n.op() instanceof Op.Unary(UnaryKind k) && k == kind;
  }

  /** −(−x) = x, ¬¬x = x, |−x| = |x|, ||x|| = |x|, ⌊⌊x⌋⌋ = ⌊x⌋. */
  private static @Nullable Node unaryOfUnary(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Unary(UnaryKind outer))
        || !(x.op() instanceof Op.Unary(UnaryKind inner))) {
      return null;
    }
    return switch (outer) {
      case NEG, NOT -> inner == outer ? x.input(0) : null;
      case ABS ->
          inner == UnaryKind.NEG
              ? to.elementwise(n.op(), n.dtype(), x.input(0))
              : inner == UnaryKind.ABS ? x : null;
      case FLOOR -> inner == UnaryKind.FLOOR ? x : null;
      default -> null;
    };
  }

  /**
   * x + 0, x − 0, x · 1, x / 1, x ∧ true, x ∨ false, x ⊕ 0, x ≫ 0. Of reals −0 is what adds
   * nothing, since −0 + 0 = 0.
   */
  private static @Nullable Node neutral(Node n, Rewriter to) {
    BinaryKind kind = ((Op.Binary) n.op()).kind();
    Node a = n.input(0);
    Node b = n.input(1);
    double element =
        switch (kind) {
          case ADD -> n.dtype().isReal() ? -0.0 : 0;
          case SUB, OR, XOR, SHR -> 0;
          case MUL, DIV -> 1;
          case AND -> n.dtype() == DType.BOOL ? 1 : -1;
          case POW, MAX, MIN -> Double.NaN;
        };
    if (isExactly(b, element)) {
      return a;
    }
    boolean commutes =
        switch (kind) {
          case ADD, MUL, OR, XOR, AND -> true;
          default -> false;
        };
    return commutes && isExactly(a, element) ? b : null;
  }

  /** x · 0 and x ∧ 0 for whole numbers, which have no NaN; x ∨ true. */
  private static @Nullable Node absorbing(Node n, Rewriter to) {
    if (n.dtype().isReal()) {
      return null;
    }
    double element =
        switch (((Op.Binary) n.op()).kind()) {
          case MUL, AND -> 0;
          case OR -> n.dtype() == DType.BOOL ? 1 : -1;
          default -> Double.NaN;
        };
    boolean absorbed = isUniform(n.input(0), element) || isUniform(n.input(1), element);
    return absorbed ? to.full(element, n.shape(), n.dtype()) : null;
  }

  /** max(x, x), min(x, x), x ∧ x, x ∨ x; x − x and x ⊕ x for whole numbers. */
  private static @Nullable Node equalOperands(Node n, Rewriter to) {
    if (n.input(0) != n.input(1)) {
      return null;
    }
    return switch (((Op.Binary) n.op()).kind()) {
      case MAX, MIN, AND, OR -> n.input(0);
      case SUB, XOR -> n.dtype().isReal() ? null : to.full(0, n.shape(), n.dtype());
      default -> null;
    };
  }

  /** x · −1 and x / −1 are −x. */
  private static @Nullable Node minusOne(Node n, Rewriter to) {
    BinaryKind kind = ((Op.Binary) n.op()).kind();
    if (kind != BinaryKind.MUL && kind != BinaryKind.DIV) {
      return null;
    }
    Node x =
        isUniform(n.input(1), -1)
            ? n.input(0)
            : kind == BinaryKind.MUL && isUniform(n.input(0), -1) ? n.input(1) : null;
    return x == null ? null : to.elementwise(new Op.Unary(UnaryKind.NEG), n.dtype(), x);
  }

  /** a + (−b) = a − b, (−a) + b = b − a, a − (−b) = a + b, (−a)(−b) = ab, (−a)/(−b) = a/b. */
  private static @Nullable Node negatedOperands(Node n, Rewriter to) {
    BinaryKind kind = ((Op.Binary) n.op()).kind();
    Node a = n.input(0);
    Node b = n.input(1);
    boolean na = isUnary(a, UnaryKind.NEG);
    boolean nb = isUnary(b, UnaryKind.NEG);
    return switch (kind) {
      case ADD ->
          nb
              ? to.binary(BinaryKind.SUB, a, b.input(0))
              : na ? to.binary(BinaryKind.SUB, b, a.input(0)) : null;
      case SUB -> nb ? to.binary(BinaryKind.ADD, a, b.input(0)) : null;
      case MUL -> na && nb ? to.binary(kind, a.input(0), b.input(0)) : null;
      // The least integer is its own negative, which as a dividend makes a difference.
      case DIV -> na && nb && n.dtype().isReal() ? to.binary(kind, a.input(0), b.input(0)) : null;
      default -> null;
    };
  }

  /** x⁰ = 1, x¹ = x, x² = x · x, x⁻¹ = 1/x. */
  private static @Nullable Node constantPower(Node n, Rewriter to) {
    Double exponent = uniform(n.input(1));
    if (((Op.Binary) n.op()).kind() != BinaryKind.POW || exponent == null) {
      return null;
    }
    Node x = n.input(0);
    if (exponent == 0) {
      return to.full(1, n.shape(), n.dtype());
    } else if (exponent == 1) {
      return x;
    } else if (exponent == 2) {
      return to.binary(BinaryKind.MUL, x, x);
    } else if (exponent == -1) {
      return to.binary(BinaryKind.DIV, to.full(1, n.shape(), n.dtype()), x);
    }
    return null;
  }

  private static @Nullable Node selectOfOne(Node n, Rewriter to) {
    return n.input(1) == n.input(2) ? n.input(1) : null;
  }

  private static @Nullable Node selectByConstant(Node n, Rewriter to) {
    Double condition = uniform(n.input(0));
    return condition == null ? null : n.input(condition != 0 ? 1 : 2);
  }

  private static @Nullable Node selectByNot(Node n, Rewriter to) {
    Node c = n.input(0);
    return isUnary(c, UnaryKind.NOT)
        ? to.elementwise(n.op(), n.dtype(), c.input(0), n.input(2), n.input(1))
        : null;
  }

  private static @Nullable Node castToItself(Node n, Rewriter to) {
    return n.dtype() == n.input(0).dtype() ? n.input(0) : null;
  }

  /** A first cast that loses nothing might as well not have happened. */
  private static @Nullable Node castOfCast(Node n, Rewriter to) {
    Node middle = n.input(0);
    if (!(middle.op() instanceof Op.Cast)) {
      return null;
    }
    Node x = middle.input(0);
    return isLossless(x.dtype(), middle.dtype()) ? to.cast(x, n.dtype()) : null;
  }

  private static boolean isLossless(DType from, DType to) {
    return from == to
        || from == DType.BOOL
        || (to == DType.F64 && (from == DType.F32 || from == DType.I32));
  }
}
