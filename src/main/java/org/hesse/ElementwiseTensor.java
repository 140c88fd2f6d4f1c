package org.hesse;

import java.util.Locale;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** The operations of a {@link Tensor} that act on each element by itself. */
abstract sealed class ElementwiseTensor permits Tensor {
  /** The node to build on. */
  abstract Node node();

  /** Extents of the axes. */
  public abstract Shape shape();

  /** Element type. */
  public abstract DType dtype();

  /** Where the elements are. */
  public abstract Device device();

  /** A tensor that a caller might have left null. */
  static Tensor given(String call, String argument, @Nullable Tensor t) {
    return Misuse.given(call, argument, t, "a tensor");
  }

  private static String name(Enum<?> kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** The shape to which both operands broadcast. */
  private Shape common(Enum<?> kind, @Nullable Tensor other) {
    Tensor b = given(name(kind), "the other operand", other);
    try {
      return Shape.broadcast(shape(), b.shape());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          name(kind)
              + ": operands are "
              + dtype()
              + shape()
              + " and "
              + b.dtype()
              + b.shape()
              + "; "
              + e.getMessage(),
          e);
    }
  }

  private Tensor binary(BinaryKind kind, Tensor other) {
    Shape s = common(kind, other);
    Node a = Shapes.broadcastTo(node(), s);
    return Tensor.finish(Elementwise.binary(kind, a, Shapes.broadcastTo(other.node(), s)));
  }

  private Tensor binary(BinaryKind kind, double other) {
    return Tensor.finish(Elementwise.binary(kind, node(), filled(other)));
  }

  private Tensor unary(UnaryKind kind) {
    return Tensor.finish(Elementwise.unary(kind, node()));
  }

  private Tensor compare(CompareKind kind, Tensor other) {
    Shape s = common(kind, other);
    Node a = Shapes.broadcastTo(node(), s);
    return Tensor.finish(Elementwise.compare(kind, a, Shapes.broadcastTo(other.node(), s)));
  }

  private Tensor compare(CompareKind kind, double other) {
    return Tensor.finish(Elementwise.compare(kind, node(), filled(other)));
  }

  private Node filled(double value) {
    return Constants.filledLike(value, (Tensor) this);
  }

  /** this + other. */
  public Tensor add(Tensor other) {
    return binary(BinaryKind.ADD, other);
  }

  /** this + other. */
  public Tensor add(double other) {
    return binary(BinaryKind.ADD, other);
  }

  /** this − other. */
  public Tensor sub(Tensor other) {
    return binary(BinaryKind.SUB, other);
  }

  /** this − other. */
  public Tensor sub(double other) {
    return binary(BinaryKind.SUB, other);
  }

  /** this · other, element by element. */
  public Tensor mul(Tensor other) {
    return binary(BinaryKind.MUL, other);
  }

  /** this · other. */
  public Tensor mul(double other) {
    return binary(BinaryKind.MUL, other);
  }

  /** this / other, element by element. */
  public Tensor div(Tensor other) {
    return binary(BinaryKind.DIV, other);
  }

  /** this / other. */
  public Tensor div(double other) {
    return binary(BinaryKind.DIV, other);
  }

  /** this to the power other. */
  public Tensor pow(Tensor other) {
    return binary(BinaryKind.POW, other);
  }

  /** this to a constant power. */
  public Tensor pow(double exponent) {
    return binary(BinaryKind.POW, exponent);
  }

  /** The larger of two; a tie splits its derivative equally; NaN if either is NaN. */
  public Tensor maximum(Tensor other) {
    return binary(BinaryKind.MAX, other);
  }

  /** The smaller of two; a tie splits its derivative equally; NaN if either is NaN. */
  public Tensor minimum(Tensor other) {
    return binary(BinaryKind.MIN, other);
  }

  /** Exclusive or of I32 bits or truth values. */
  public Tensor xor(Tensor other) {
    return binary(BinaryKind.XOR, other);
  }

  /** And of I32 bits or truth values. */
  public Tensor and(Tensor other) {
    return binary(BinaryKind.AND, other);
  }

  /** Or of I32 bits or truth values. */
  public Tensor or(Tensor other) {
    return binary(BinaryKind.OR, other);
  }

  /**
   * I32 bits moved down, zeros moved in.
   *
   * @param bits by how many, 0 … 31
   * @throws IllegalArgumentException if there are not so many
   */
  public Tensor shiftRight(int bits) {
    if (bits < 0 || bits > 31) {
      throw new IllegalArgumentException(
          "bits: " + bits + "; expected 0 … 31, as many as an I32 can be moved by");
    }
    return binary(BinaryKind.SHR, bits);
  }

  /** The opposite truth value. */
  public Tensor not() {
    return unary(UnaryKind.NOT);
  }

  /** −this. */
  public Tensor neg() {
    return unary(UnaryKind.NEG);
  }

  /** Exponential. */
  public Tensor exp() {
    return unary(UnaryKind.EXP);
  }

  /** eˣ − 1, accurate near 0. */
  public Tensor expm1() {
    return unary(UnaryKind.EXPM1);
  }

  /** Natural logarithm. */
  public Tensor log() {
    return unary(UnaryKind.LOG);
  }

  /** log(1 + x), accurate near 0. */
  public Tensor log1p() {
    return unary(UnaryKind.LOG1P);
  }

  /** Square root. */
  public Tensor sqrt() {
    return unary(UnaryKind.SQRT);
  }

  /** 1/√x. */
  public Tensor rsqrt() {
    return unary(UnaryKind.RSQRT);
  }

  /** x². */
  public Tensor square() {
    return binary(BinaryKind.MUL, (Tensor) this);
  }

  /** Sine. */
  public Tensor sin() {
    return unary(UnaryKind.SIN);
  }

  /** Cosine. */
  public Tensor cos() {
    return unary(UnaryKind.COS);
  }

  /** Hyperbolic tangent. */
  public Tensor tanh() {
    return unary(UnaryKind.TANH);
  }

  /** 1/(1 + e⁻ˣ). */
  public Tensor sigmoid() {
    return unary(UnaryKind.SIGMOID);
  }

  /** log(1 + eˣ). */
  public Tensor softplus() {
    return unary(UnaryKind.SOFTPLUS);
  }

  /** Error function. */
  public Tensor erf() {
    return unary(UnaryKind.ERF);
  }

  /**
   * 1 − erf(x), to full relative accuracy where it is small: the tail of the normal distribution
   * above z is ½ erfc(z/√2).
   */
  public Tensor erfc() {
    return unary(UnaryKind.ERFC);
  }

  /** Absolute value; its derivative at 0 is 0. */
  public Tensor abs() {
    return unary(UnaryKind.ABS);
  }

  /** −1, 0 or 1. */
  public Tensor sign() {
    return unary(UnaryKind.SIGN);
  }

  /** Largest whole number not above. */
  public Tensor floor() {
    return unary(UnaryKind.FLOOR);
  }

  /** max(x, 0) with derivative 0 at 0; NaN stays NaN. */
  public Tensor relu() {
    Node zero = Sources.fullLike(0, node());
    return Tensor.finish(
        Elementwise.select(Elementwise.compare(CompareKind.LE, node(), zero), zero, node()));
  }

  /** this = other, element by element. */
  public Tensor eq(Tensor other) {
    return compare(CompareKind.EQ, other);
  }

  /** this ≠ other, element by element. */
  public Tensor ne(Tensor other) {
    return compare(CompareKind.NE, other);
  }

  /** this &lt; other, element by element. */
  public Tensor lt(Tensor other) {
    return compare(CompareKind.LT, other);
  }

  /** this &lt; other. */
  public Tensor lt(double other) {
    return compare(CompareKind.LT, other);
  }

  /** this ≤ other, element by element. */
  public Tensor le(Tensor other) {
    return compare(CompareKind.LE, other);
  }

  /** this &gt; other, element by element. */
  public Tensor gt(Tensor other) {
    return compare(CompareKind.GT, other);
  }

  /** this &gt; other. */
  public Tensor gt(double other) {
    return compare(CompareKind.GT, other);
  }

  /** this ≥ other, element by element. */
  public Tensor ge(Tensor other) {
    return compare(CompareKind.GE, other);
  }

  /** For a BOOL tensor: {@code a} where it holds, else {@code b}; all three broadcast. */
  public Tensor select(Tensor a, Tensor b) {
    Shape both = Shape.broadcast(shape(), given("select", "a", a).shape());
    Shape s = Shape.broadcast(both, given("select", "b", b).shape());
    Node x = Shapes.broadcastTo(a.node(), s);
    Node y = Shapes.broadcastTo(b.node(), s);
    return Tensor.finish(Elementwise.select(Shapes.broadcastTo(node(), s), x, y));
  }

  /** Converts to another dtype; reals to I32 truncate toward zero and saturate. */
  public Tensor cast(DType dtype) {
    Misuse.given("cast", "dtype", dtype, "such as DType.F32");
    return dtype == dtype() ? (Tensor) this : Tensor.finish(Elementwise.cast(node(), dtype));
  }

  /** The same values, constant to every derivative. */
  public Tensor stopGradient() {
    return Tensor.finish(Elementwise.stopGradient(node()));
  }
}
