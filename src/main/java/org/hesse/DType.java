package org.hesse;

/** Element types of a {@link Tensor}. */
public enum DType {
  /** IEEE 754 binary32. */
  F32(4),
  /** IEEE 754 binary64. */
  F64(8),
  /** Two's-complement 32-bit integer; arithmetic wraps around. */
  I32(4),
  /** Truth value, one byte in memory. */
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** Whether this is {@link #F32} or {@link #F64}, the types that carry derivatives. */
  public boolean isReal() {
    return this == F32 || this == F64;
  }

  /** Distance from 1 to the next larger number, 2⁻²³ or 2⁻⁵². Only for real types. */
  public double epsilon() {
    return switch (this) {
      case F32 -> Math.ulp(1f);
      case F64 -> Math.ulp(1d);
      default -> throw new UnsupportedOperationException(this + " has no rounding error");
    };
  }
}
