package org.hesse.ops;

import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.binary;
import static org.hesse.ops.Elementwise.cast;
import static org.hesse.ops.Elementwise.compare;
import static org.hesse.ops.Elementwise.div;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.neg;
import static org.hesse.ops.Elementwise.scale;
import static org.hesse.ops.Elementwise.select;
import static org.hesse.ops.Elementwise.sub;
import static org.hesse.ops.Elementwise.unary;
import static org.hesse.ops.Sources.fullLike;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.jspecify.annotations.Nullable;

/** Derivatives, transposes and batching of the elementwise primitives. */
final class ElementwiseRules {
  /** e^(−x²/2) is 0 from here on, in double too. */
  private static final double GELU_FAR = 40;

  private ElementwiseRules() {}

  /** Whatever is applied to each element is applied to each element of a batch. */
  private interface Pointwise<O extends Op> extends Rule<O> {
    @Override
    default Node batch(O op, Node y, List<Node> inputs, boolean[] batched, int size) {
      List<Node> in = new ArrayList<>();
      for (int i = 0; i < inputs.size(); i++) {
        in.add(batched[i] ? inputs.get(i) : Shapes.repeat(inputs.get(i), size));
      }
      return emit(op, in, y.shape().insert(0, size), y.dtype());
    }
  }

  static final Rule<Op.Unary> UNARY =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Unary op, List<Node> in, Shape shape, DType dtype) {
          return unary(op.kind(), in.get(0));
        }

        @Override
        public @Nullable Node jvp(Op.Unary op, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null ? null : unaryTangent(op.kind(), y.input(0), y, t);
        }

        @Override
        public @Nullable Node[] transpose(Op.Unary op, Node y, Node ct, boolean[] linear) {
          if (op.kind() != UnaryKind.NEG) {
            return Pointwise.super.transpose(op, y, ct, linear);
          }
          return new Node[] {neg(ct)};
        }
      };

  private static @Nullable Node unaryTangent(UnaryKind kind, Node x, Node y, Node t) {
    return switch (kind) {
      case NEG -> neg(t);
      case EXP -> mul(y, t);
      case EXPM1 -> mul(unary(UnaryKind.EXP, x), t);
      case LOG -> div(t, x);
      case LOG1P -> div(t, add(x, fullLike(1, x)));
      case SQRT -> div(scale(0.5, t), y);
      case RSQRT -> mul(scale(-0.5, mul(y, mul(y, y))), t);
      case SIN -> mul(unary(UnaryKind.COS, x), t);
      case COS -> mul(neg(unary(UnaryKind.SIN, x)), t);
      case TANH -> mul(sub(fullLike(1, y), mul(y, y)), t);
      case SIGMOID -> mul(mul(y, sub(fullLike(1, y), y)), t);
      case SOFTPLUS -> mul(unary(UnaryKind.SIGMOID, x), t);
      case ERF -> mul(scale(2 / Math.sqrt(Math.PI), unary(UnaryKind.EXP, neg(mul(x, x)))), t);
      case ERFC -> mul(scale(-2 / Math.sqrt(Math.PI), unary(UnaryKind.EXP, neg(mul(x, x)))), t);
      case GELU -> mul(unary(UnaryKind.GELU_SLOPE, x), t);
      case GELU_SLOPE -> mul(geluCurvature(x), t);
      case ABS -> mul(unary(UnaryKind.SIGN, x), t);
      case SIGN, FLOOR, NOT -> null;
    };
  }

  /**
   * (2 − x²) φ(x), with the density φ of the normal distribution. Far out, where φ is 0 in either
   * dtype, x is clamped: for its square may be infinite there, and 0 · ∞ would be NaN.
   */
  private static Node geluCurvature(Node x) {
    Node below = binary(BinaryKind.MIN, x, fullLike(GELU_FAR, x));
    Node near = binary(BinaryKind.MAX, below, fullLike(-GELU_FAR, x));
    Node square = mul(near, near);
    Node density = scale(1 / Math.sqrt(2 * Math.PI), unary(UnaryKind.EXP, scale(-0.5, square)));
    return mul(sub(fullLike(2, x), square), density);
  }

  static final Rule<Op.Binary> BINARY =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Binary op, List<Node> in, Shape shape, DType dtype) {
          return binary(op.kind(), in.get(0), in.get(1));
        }

        @Override
        public @Nullable Node jvp(Op.Binary op, Node y, @Nullable Node[] tangents) {
          Node ta = tangents[0];
          Node tb = tangents[1];
          Node a = ta == null ? null : leftTangent(op.kind(), y, ta);
          Node b = tb == null ? null : rightTangent(op.kind(), y, tb);
          return a == null ? b : b == null ? a : add(a, b);
        }

        @Override
        public @Nullable Node[] transpose(Op.Binary op, Node y, Node ct, boolean[] linear) {
          Node a = y.input(0);
          Node b = y.input(1);
          boolean both = linear[0] && linear[1];
          return switch (op.kind()) {
            case ADD -> new @Nullable Node[] {linear[0] ? ct : null, linear[1] ? ct : null};
            case SUB -> new @Nullable Node[] {linear[0] ? ct : null, linear[1] ? neg(ct) : null};
            case MUL ->
                both
                    ? Pointwise.super.transpose(op, y, ct, linear)
                    : new @Nullable Node[] {
                      linear[0] ? mul(ct, b) : null, linear[1] ? mul(a, ct) : null
                    };
            case DIV ->
                linear[1]
                    ? Pointwise.super.transpose(op, y, ct, linear)
                    : new @Nullable Node[] {div(ct, b), null};
            default -> Pointwise.super.transpose(op, y, ct, linear);
          };
        }
      };

  private static @Nullable Node leftTangent(BinaryKind kind, Node y, Node t) {
    Node a = y.input(0);
    Node b = y.input(1);
    return switch (kind) {
      case ADD, SUB -> t;
      case MUL -> mul(t, b);
      case DIV -> div(t, b);
      case POW -> mul(powerBase(a, b), t);
      case MAX -> mul(share(CompareKind.GT, a, b), t);
      case MIN -> mul(share(CompareKind.LT, a, b), t);
      case SHR, XOR, AND, OR -> null;
    };
  }

  private static @Nullable Node rightTangent(BinaryKind kind, Node y, Node t) {
    Node a = y.input(0);
    Node b = y.input(1);
    return switch (kind) {
      case ADD -> t;
      case SUB -> neg(t);
      case MUL -> mul(a, t);
      case DIV -> neg(mul(div(y, b), t));
      case POW -> mul(powerExponent(y), t);
      case MAX -> mul(share(CompareKind.GT, b, a), t);
      case MIN -> mul(share(CompareKind.LT, b, a), t);
      case SHR, XOR, AND, OR -> null;
    };
  }

  /** ∂(aᵇ)/∂a = b·aᵇ⁻¹, and 0 where b = 0 (at a = 0 the product would be 0·∞). */
  private static Node powerBase(Node a, Node b) {
    Node zero = fullLike(0, b);
    Node one = fullLike(1, b);
    Node isZero = compare(CompareKind.EQ, b, zero);
    Node exponent = select(isZero, one, sub(b, one));
    return select(isZero, zero, mul(b, binary(BinaryKind.POW, a, exponent)));
  }

  /** ∂(aᵇ)/∂b = aᵇ·log a, and 0 at a = 0, its limit for positive b. */
  private static Node powerExponent(Node y) {
    Node a = y.input(0);
    Node isZero = compare(CompareKind.EQ, a, fullLike(0, a));
    Node log = unary(UnaryKind.LOG, select(isZero, fullLike(1, a), a));
    return select(isZero, fullLike(0, a), mul(y, log));
  }

  /** 1 where {@code a} wins the comparison, ½ at a tie, else 0. */
  private static Node share(CompareKind wins, Node a, Node b) {
    Node tie = select(compare(CompareKind.EQ, a, b), fullLike(0.5, a), fullLike(0, a));
    return select(compare(wins, a, b), fullLike(1, a), tie);
  }

  static final Rule<Op.Compare> COMPARE =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Compare op, List<Node> in, Shape shape, DType dtype) {
          return compare(op.kind(), in.get(0), in.get(1));
        }

        @Override
        public @Nullable Node jvp(Op.Compare op, Node y, @Nullable Node[] tangents) {
          return null;
        }
      };

  static final Rule<Op.Select> SELECT =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Select op, List<Node> in, Shape shape, DType dtype) {
          return select(in.get(0), in.get(1), in.get(2));
        }

        @Override
        public @Nullable Node jvp(Op.Select op, Node y, @Nullable Node[] tangents) {
          Node ta = tangents[1];
          Node tb = tangents[2];
          if (ta == null && tb == null) {
            return null;
          }
          Node zero = fullLike(0, y);
          return select(y.input(0), ta == null ? zero : ta, tb == null ? zero : tb);
        }

        @Override
        public @Nullable Node[] transpose(Op.Select op, Node y, Node ct, boolean[] linear) {
          Node zero = fullLike(0, ct);
          return new @Nullable Node[] {
            null,
            linear[1] ? select(y.input(0), ct, zero) : null,
            linear[2] ? select(y.input(0), zero, ct) : null
          };
        }
      };

  static final Rule<Op.Cast> CAST =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Cast op, List<Node> in, Shape shape, DType dtype) {
          return cast(in.get(0), dtype);
        }

        @Override
        public @Nullable Node jvp(Op.Cast op, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null || !y.dtype().isReal() ? null : cast(t, y.dtype());
        }

        @Override
        public @Nullable Node[] transpose(Op.Cast op, Node y, Node ct, boolean[] linear) {
          return new Node[] {cast(ct, y.input(0).dtype())};
        }
      };

  static final Rule<Op.StopGradient> STOP_GRADIENT =
      new Pointwise<>() {
        @Override
        public Node emit(Op.StopGradient op, List<Node> in, Shape shape, DType dtype) {
          return Elementwise.stopGradient(in.get(0));
        }

        @Override
        public @Nullable Node jvp(Op.StopGradient op, Node y, @Nullable Node[] tangents) {
          return null;
        }
      };

  static final Rule<Op.Copy> COPY =
      new Pointwise<>() {
        @Override
        public Node emit(Op.Copy op, List<Node> in, Shape shape, DType dtype) {
          return Elementwise.copy(in.get(0));
        }

        @Override
        public @Nullable Node jvp(Op.Copy op, Node y, @Nullable Node[] tangents) {
          return tangents[0];
        }

        @Override
        public @Nullable Node[] transpose(Op.Copy op, Node y, Node ct, boolean[] linear) {
          return new Node[] {ct};
        }
      };
}
