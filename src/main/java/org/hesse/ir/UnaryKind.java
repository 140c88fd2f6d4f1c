package org.hesse.ir;

/** Elementwise functions of one operand. Real unless stated otherwise. */
public enum UnaryKind {
  /** −x; real or I32. */
  NEG,
  /** eˣ. */
  EXP,
  /** eˣ − 1, accurate near 0. */
  EXPM1,
  /** Natural logarithm. */
  LOG,
  /** log(1 + x), accurate near 0. */
  LOG1P,
  /** Square root. */
  SQRT,
  /** 1/√x. */
  RSQRT,
  /** Sine. */
  SIN,
  /** Cosine. */
  COS,
  /** Hyperbolic tangent. */
  TANH,
  /** 1/(1 + e⁻ˣ). */
  SIGMOID,
  /** log(1 + eˣ), without overflow. */
  SOFTPLUS,
  /** Error function. */
  ERF,
  /** 1 − erf(x), to full relative accuracy where it is small. */
  ERFC,
  /** x Φ(x), with the distribution function of the normal distribution. */
  GELU,
  /** Φ(x) + x φ(x), the derivative of {@link #GELU}. */
  GELU_SLOPE,
  /** |x|; real or I32. */
  ABS,
  /** −1, 0 or 1; NaN for NaN, and a zero keeps its sign; real or I32. */
  SIGN,
  /** Largest whole number not above x. */
  FLOOR,
  /** Logical negation; BOOL. */
  NOT
}
