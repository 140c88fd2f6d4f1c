package org.hesse.testing;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import org.hesse.ir.UnaryKind;

/** Elementary functions of a finite number to 40 digits or more, from their series. */
public final class Exact {
  private static final MathContext DIGITS = new MathContext(80);
  private static final BigDecimal ONE = BigDecimal.ONE;
  private static final BigDecimal TWO = BigDecimal.TWO;
  private static final BigDecimal HALF = new BigDecimal("0.5");

  /** Enough digits for the largest doubles, reduced by quarters of the circle. */
  private static final MathContext REDUCTION = new MathContext(420);

  private static final BigDecimal PI = machin();
  private static final BigDecimal ROOT_PI = PI.sqrt(DIGITS);
  private static final BigDecimal ROOT_TWO = TWO.sqrt(DIGITS);

  private Exact() {}

  /** The value of a function that is finite there. */
  public static BigDecimal of(UnaryKind kind, double argument) {
    BigDecimal x = new BigDecimal(argument);
    return switch (kind) {
      case NEG -> x.negate();
      case ABS -> x.abs();
      case SIGN -> BigDecimal.valueOf(x.signum());
      case FLOOR -> x.setScale(0, RoundingMode.FLOOR);
      case SQRT -> x.sqrt(DIGITS);
      case RSQRT -> ONE.divide(x.sqrt(DIGITS), DIGITS);
      case EXP -> exp(x);
      case EXPM1 -> expm1(x);
      case LOG -> log(x, StrictMath.log(argument));
      case LOG1P -> log1p(x);
      case SIN -> sine(x, 0);
      case COS -> sine(x, 1);
      case TANH -> {
        BigDecimal t = expm1(x.multiply(TWO));
        yield t.divide(t.add(TWO), DIGITS);
      }
      case SIGMOID -> {
        BigDecimal e = exp(x.abs().negate());
        yield (x.signum() < 0 ? e : ONE).divide(ONE.add(e), DIGITS);
      }
      case SOFTPLUS -> log1p(exp(x.abs().negate())).add(x.max(BigDecimal.ZERO));
      case ERF ->
          x.signum() == 0
              ? x
              : ONE.subtract(erfc(x.abs())).multiply(BigDecimal.valueOf(x.signum()));
      case ERFC -> erfc(x);
      case GELU -> x.multiply(normal(x));
      case GELU_SLOPE -> normal(x).add(x.multiply(density(x)));
      case NOT -> throw new IllegalArgumentException("NOT of a number");
    };
  }

  /** 16 artan(1/5) − 4 artan(1/239). */
  private static BigDecimal machin() {
    return arcTangentOfInverse(5)
        .multiply(BigDecimal.valueOf(16))
        .subtract(arcTangentOfInverse(239).multiply(BigDecimal.valueOf(4)));
  }

  private static BigDecimal arcTangentOfInverse(int n) {
    BigDecimal square = BigDecimal.valueOf(-(long) n * n);
    BigDecimal power = ONE.divide(BigDecimal.valueOf(n), REDUCTION);
    BigDecimal sum = power;
    for (int k = 3; power.abs().compareTo(BigDecimal.ONE.movePointLeft(425)) > 0; k += 2) {
      power = power.divide(square, REDUCTION);
      sum = sum.add(power.divide(BigDecimal.valueOf(k), REDUCTION), REDUCTION);
    }
    return sum;
  }

  private static BigDecimal exp(BigDecimal x) {
    if (x.signum() == 0) {
      return ONE;
    }
    if (x.signum() < 0) {
      return ONE.divide(exp(x.negate()), DIGITS);
    }
    BigDecimal small = x.divide(BigDecimal.valueOf(1L << 16), DIGITS);
    BigDecimal power = expm1Series(small);
    for (int i = 0; i < 16; i++) {
      power = power.multiply(power.add(TWO), DIGITS);
    }
    return power.add(ONE, DIGITS);
  }

  private static BigDecimal expm1(BigDecimal x) {
    return x.abs().compareTo(HALF) < 0 ? expm1Series(x) : exp(x).subtract(ONE);
  }

  private static BigDecimal expm1Series(BigDecimal x) {
    BigDecimal term = x;
    BigDecimal sum = x;
    for (int n = 2; n < 60 && term.signum() != 0; n++) {
      term = term.multiply(x, DIGITS).divide(BigDecimal.valueOf(n), DIGITS);
      sum = sum.add(term, DIGITS);
    }
    return sum;
  }

  /** By two of Halley's steps, each of which triples the digits. */
  private static BigDecimal log(BigDecimal x, double guess) {
    BigDecimal y = new BigDecimal(guess);
    for (int i = 0; i < 2; i++) {
      BigDecimal e = exp(y);
      BigDecimal step = x.subtract(e).divide(x.add(e), DIGITS).multiply(TWO);
      y = y.add(step, DIGITS);
    }
    return y;
  }

  private static BigDecimal log1p(BigDecimal x) {
    if (x.abs().compareTo(new BigDecimal("1e-25")) < 0) {
      BigDecimal square = x.multiply(x, DIGITS);
      return x.subtract(square.multiply(HALF), DIGITS)
          .add(square.multiply(x, DIGITS).divide(BigDecimal.valueOf(3), DIGITS), DIGITS);
    }
    return log(x.add(ONE), StrictMath.log1p(x.doubleValue()));
  }

  private static BigDecimal sine(BigDecimal x, int quarters) {
    BigDecimal quarter = PI.multiply(HALF);
    BigDecimal n = x.divide(quarter, REDUCTION).setScale(0, RoundingMode.HALF_EVEN);
    BigDecimal r = x.subtract(n.multiply(quarter)).round(DIGITS);
    int q = n.toBigInteger().and(java.math.BigInteger.valueOf(3)).intValue() + quarters;
    BigDecimal term = q % 2 == 0 ? r : ONE;
    BigDecimal sum = term;
    BigDecimal square = r.multiply(r, DIGITS).negate();
    for (int k = q % 2 == 0 ? 2 : 1; k < 80 && term.signum() != 0; k += 2) {
      term = term.multiply(square, DIGITS).divide(BigDecimal.valueOf((long) k * (k + 1)), DIGITS);
      sum = sum.add(term, DIGITS);
    }
    return q % 4 >= 2 ? sum.negate() : sum;
  }

  /** 1 − 2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹/(2n+1)‼, far from 0 by the continued fraction. */
  private static BigDecimal erfc(BigDecimal x) {
    BigDecimal a = x.abs();
    BigDecimal bell = exp(a.multiply(a).negate());
    if (a.doubleValue() < 5) {
      BigDecimal square = a.multiply(a, DIGITS).multiply(TWO);
      BigDecimal term = x;
      BigDecimal sum = x;
      BigDecimal end = a.movePointLeft(75);
      for (int n = 1; term.abs().compareTo(end) > 0; n++) {
        term = term.multiply(square, DIGITS).divide(BigDecimal.valueOf(2L * n + 1), DIGITS);
        sum = sum.add(term, DIGITS);
      }
      BigDecimal erf = sum.multiply(bell, DIGITS).multiply(TWO).divide(ROOT_PI, DIGITS);
      return ONE.subtract(erf);
    }
    BigDecimal f = BigDecimal.ZERO;
    for (int k = 200; k >= 1; k--) {
      f = BigDecimal.valueOf(k).multiply(HALF).divide(a.add(f), DIGITS);
    }
    BigDecimal tail = bell.divide(a.add(f).multiply(ROOT_PI), DIGITS);
    return x.signum() < 0 ? TWO.subtract(tail) : tail;
  }

  private static BigDecimal normal(BigDecimal x) {
    return erfc(x.negate().divide(ROOT_TWO, DIGITS)).multiply(HALF);
  }

  private static BigDecimal density(BigDecimal x) {
    BigDecimal bell = exp(x.multiply(x).multiply(HALF).negate());
    return bell.divide(ROOT_TWO.multiply(ROOT_PI), DIGITS);
  }
}
