package org.hesse.testing;

import java.math.BigDecimal;
import java.math.MathContext;

/** Scalar functions that Java lacks, written independently of the engine. */
public final class Scalars {
  private static final BigDecimal TWO_BY_ROOT_PI =
      new BigDecimal("1.128379167095512573896158903121545172");

  private Scalars() {}

  /** Error function: series near 0, 1 − erfc far away. */
  public static double erf(double x) {
    if (Double.isNaN(x)) {
      return x;
    }
    double a = Math.abs(x);
    return a < 2.5 ? series(x).doubleValue() : Math.signum(x) * (1 - (a > 6.5 ? 0 : tail(a)));
  }

  /** 1 − erf(x): series near 0, continued fraction far away. */
  public static double erfc(double x) {
    if (Double.isNaN(x)) {
      return x;
    }
    if (Math.abs(x) < 2.5) {
      return BigDecimal.ONE.subtract(series(x)).doubleValue();
    }
    return x < 0 ? 2 - (x < -6.5 ? 0 : tail(-x)) : x > 28 ? 0 : tail(x);
  }

  /** e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 1½/(x + …)))) in 34 digits or more. */
  private static double tail(double x) {
    MathContext digits = new MathContext(45);
    BigDecimal a = new BigDecimal(x);
    BigDecimal f = BigDecimal.ZERO;
    for (int k = 250; k >= 1; k--) {
      f = BigDecimal.valueOf(k * 0.5).divide(a.add(f), digits);
    }
    BigDecimal scale = TWO_BY_ROOT_PI.divide(BigDecimal.TWO, digits);
    return scale.multiply(expOfMinus(a.multiply(a), digits)).divide(a.add(f), digits).doubleValue();
  }

  /** e⁻ˣ as the 1,024th power of the series for e^(−x/1024). */
  private static BigDecimal expOfMinus(BigDecimal x, MathContext digits) {
    BigDecimal small = x.negate().divide(BigDecimal.valueOf(1024), digits);
    BigDecimal term = BigDecimal.ONE;
    BigDecimal sum = term;
    for (int n = 1; n < 60; n++) {
      term = term.multiply(small, digits).divide(BigDecimal.valueOf(n), digits);
      sum = sum.add(term, digits);
    }
    return sum.pow(1024, digits);
  }

  /** x Φ(x). */
  public static double gelu(double x) {
    return Math.abs(x) < 40
        ? 0.5 * x * erfc(-x * Math.sqrt(0.5))
        : Double.isNaN(x) ? x : Math.max(x, 0);
  }

  /** Φ(x) + x φ(x). */
  public static double geluSlope(double x) {
    double normal = 0.5 * erfc(-x * Math.sqrt(0.5));
    return Math.abs(x) < 40
        ? normal + x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
        : Double.isNaN(x) ? x : x > 0 ? 1 : 0;
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
  private static BigDecimal series(double x) {
    MathContext digits = MathContext.DECIMAL128;
    BigDecimal square = new BigDecimal(x).pow(2, digits).negate();
    BigDecimal term = new BigDecimal(x, digits);
    BigDecimal sum = term;
    for (int n = 1; n < 80 && term.signum() != 0; n++) {
      term = term.multiply(square, digits).divide(BigDecimal.valueOf(n), digits);
      sum = sum.add(term.divide(BigDecimal.valueOf(2L * n + 1), digits), digits);
    }
    return sum.multiply(TWO_BY_ROOT_PI, digits);
  }
}
