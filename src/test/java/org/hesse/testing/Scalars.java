package org.hesse.testing;

import java.math.BigDecimal;
import java.math.MathContext;

/** Scalar functions that Java lacks, written independently of the engine. */
public final class Scalars {
  private static final BigDecimal TWO_BY_ROOT_PI =
      new BigDecimal("1.128379167095512573896158903121545172");

  private Scalars() {}

  /**
   * Error function, correct to rounding below 2.5: series near 0, continued fraction of erfc far
   * away.
   */
  public static double erf(double x) {
    double a = Math.abs(x);
    if (Double.isNaN(x)) {
      return x;
    }
    if (a < 2.5) {
      return series(x);
    }
    if (a > 6.5) {
      return Math.signum(x);
    }
    double f = 0;
    for (int k = 120; k >= 1; k--) {
      f = k / 2.0 / (a + f);
    }
    return Math.signum(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f));
  }

  /** 1/(1 + e⁻ˣ). */
  public static double sigmoid(double x) {
    return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
  }

  /** log(1 + eˣ). */
  public static double softplus(double x) {
    return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }

  /** A whole number as the engine divides: toward zero, and 0 for a divisor of 0. */
  public static double intDiv(double a, double b) {
    return b == 0 ? 0 : (int) a / (int) b;
  }

  /** Bits of a power of 2³² as a signed number. */
  public static double wrap(double x) {
    return (int) (long) x;
  }

  /**
   * Word i of Threefry-2x32 with 20 rounds (Salmon et al., 2011) under a key, the counter being i
   * div 2.
   */
  public static int threefry(int key0, int key1, long i) {
    long counter = i / 2;
    int[] x = threefryBlock(key0, key1, (int) counter, (int) (counter >>> 32));
    return x[(int) (i % 2)];
  }

  /** One block of Threefry-2x32 with 20 rounds. */
  public static int[] threefryBlock(int key0, int key1, int counter0, int counter1) {
    int[] rotations = {13, 15, 26, 6, 17, 29, 16, 24};
    int[] keys = {key0, key1, 0x1BD11BDA ^ key0 ^ key1};
    int a = counter0 + keys[0];
    int b = counter1 + keys[1];
    for (int r = 0; r < 20; r++) {
      a += b;
      b = Integer.rotateLeft(b, rotations[r % 8]) ^ a;
      if (r % 4 == 3) {
        int s = r / 4 + 1;
        a += keys[s % 3];
        b += keys[(s + 1) % 3] + s;
      }
    }
    return new int[] {a, b};
  }

  /** 2/√π Σ (−1)ⁿ x²ⁿ⁺¹/(n! (2n+1)), whose terms cancel, in 34 digits. */
  private static double series(double x) {
    MathContext digits = MathContext.DECIMAL128;
    BigDecimal square = new BigDecimal(x).pow(2, digits).negate();
    BigDecimal term = new BigDecimal(x, digits);
    BigDecimal sum = term;
    for (int n = 1; n < 80 && term.signum() != 0; n++) {
      term = term.multiply(square, digits).divide(BigDecimal.valueOf(n), digits);
      sum = sum.add(term.divide(BigDecimal.valueOf(2L * n + 1), digits), digits);
    }
    return sum.multiply(TWO_BY_ROOT_PI, digits).doubleValue();
  }
}
