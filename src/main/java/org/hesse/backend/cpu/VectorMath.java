package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors of doubles, to a few units in the last place, from arithmetic
 * alone. The Vector API has such functions of its own, but they give other bits before the JIT
 * compiler has seen a loop than after, and others again on other processors; these never do.
 */
final class VectorMath {
  static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;

  /** Added to a number below 2⁵¹, rounds it and leaves the integer in the low bits. */
  private static final double ROUND = 0x1.8p52;

  private static final double LOG2_E = 0x1.71547652b82fep0;
  private static final double LN2 = 0x1.62e42fefa39efp-1;
  private static final double LN2_REST = 0x1.abc9e3b39803fp-56;
  private static final long SIGN_BIT = 1L << 63;
  private static final long ROOT_HALF = 0x3fe6a09e667f3bcdL;
  private static final long ONE = 0x3ff0000000000000L;

  private VectorMath() {}

  private static DoubleVector c(double value) {
    return DoubleVector.broadcast(SPECIES, value);
  }

  private static DoubleVector withSign(DoubleVector magnitude, DoubleVector sign) {
    LongVector s = sign.reinterpretAsLongs().and(SIGN_BIT);
    return magnitude.reinterpretAsLongs().or(s).reinterpretAsDoubles();
  }

  /** 2ᵏ from k + ROUND, for whole k from −1022 to 1023. */
  private static DoubleVector power(DoubleVector rounded) {
    return rounded.reinterpretAsLongs().add(1023).lanewise(LSHL, 52).reinterpretAsDoubles();
  }

  static DoubleVector exp(DoubleVector x) {
    DoubleVector v = x.max(-746).min(710);
    DoubleVector k = v.fma(LOG2_E, ROUND).sub(ROUND);
    DoubleVector r = k.fma(c(-LN2_REST), k.fma(c(-LN2), v));
    DoubleVector p = expTail(r).fma(r.mul(r), r).add(1);
    // In two factors, of which the second may round a subnormal result, and only that one.
    DoubleVector half = k.fma(0.5, ROUND);
    return p.mul(power(k.sub(half.sub(ROUND)).add(ROUND))).mul(power(half));
  }

  /** (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, by Taylor's series. */
  private static DoubleVector expTail(DoubleVector r) {
    return c(1.0 / 6227020800L)
        .fma(r, c(1.0 / 479001600))
        .fma(r, c(1.0 / 39916800))
        .fma(r, c(1.0 / 3628800))
        .fma(r, c(1.0 / 362880))
        .fma(r, c(1.0 / 40320))
        .fma(r, c(1.0 / 5040))
        .fma(r, c(1.0 / 720))
        .fma(r, c(1.0 / 120))
        .fma(r, c(1.0 / 24))
        .fma(r, c(1.0 / 6))
        .fma(r, c(0.5));
  }

  static DoubleVector expm1(DoubleVector x) {
    DoubleVector v = x.max(-50).min(710);
    DoubleVector k = v.fma(LOG2_E, ROUND).sub(ROUND);
    DoubleVector r = k.fma(c(-LN2_REST), k.fma(c(-LN2), v));
    DoubleVector p = expTail(r).fma(r.mul(r), r);
    DoubleVector half = k.fma(0.5, ROUND);
    DoubleVector k2 = half.sub(ROUND);
    DoubleVector s1 = power(k.sub(k2).add(ROUND));
    // 2ᵏ·(1 + p) − 1 = (p·2^k₁ + (2^k₁ − 2^−k₂))·2^k₂, whose inner difference is exact near 0.
    DoubleVector y = p.fma(s1, s1.sub(power(c(ROUND).sub(k2)))).mul(power(half));
    return y.blend(x, x.compare(EQ, 0));
  }

  static DoubleVector log(DoubleVector x) {
    VectorMask<Double> subnormal = x.compare(LT, Double.MIN_NORMAL);
    DoubleVector v = x.blend(x.mul(0x1p54), subnormal);
    LongVector t = v.reinterpretAsLongs().add(ONE - ROOT_HALF);
    DoubleVector k = exponent(t).sub(c(0).blend(54, subnormal));
    DoubleVector f = fraction(t);
    return logSpecials(x, k.fma(c(LN2), logTail(f, k.mul(LN2_REST))));
  }

  /** The exponent k of 2ᵏ·m with √½ ≤ m &lt; √2, from the bits of the number plus 1 − √½. */
  private static DoubleVector exponent(LongVector t) {
    LongVector biased = t.lanewise(LSHR, 52).or(0x4330000000000000L);
    return biased.reinterpretAsDoubles().sub(0x1p52 + 1023);
  }

  /** m − 1. */
  private static DoubleVector fraction(LongVector t) {
    return t.and(0xfffffffffffffL).add(ROOT_HALF).reinterpretAsDoubles().sub(1);
  }

  /** log(1+f) + rest, by the series of 2·artanh(f/(2+f)). */
  private static DoubleVector logTail(DoubleVector f, DoubleVector rest) {
    DoubleVector s = f.div(f.add(2));
    DoubleVector z = s.mul(s);
    DoubleVector series =
        c(2.0 / 21)
            .fma(z, c(2.0 / 19))
            .fma(z, c(2.0 / 17))
            .fma(z, c(2.0 / 15))
            .fma(z, c(2.0 / 13))
            .fma(z, c(2.0 / 11))
            .fma(z, c(2.0 / 9))
            .fma(z, c(2.0 / 7))
            .fma(z, c(2.0 / 5))
            .fma(z, c(2.0 / 3))
            .mul(z);
    DoubleVector halfSquare = f.mul(f).mul(0.5);
    return f.sub(halfSquare.sub(s.fma(halfSquare.add(series), rest)));
  }

  /** Puts right what the series makes of zero, negative numbers, infinity and NaN. */
  private static DoubleVector logSpecials(DoubleVector x, DoubleVector y) {
    return y.blend(x, x.compare(LT, Double.POSITIVE_INFINITY).not())
        .blend(Double.NEGATIVE_INFINITY, x.compare(EQ, 0))
        .blend(Double.NaN, x.compare(LT, 0));
  }

  static DoubleVector log1p(DoubleVector x) {
    DoubleVector u = x.add(1);
    // What the addition has rounded away, relative to u.
    DoubleVector lost = x.sub(u.sub(1)).blend(c(1).sub(u.sub(x)), x.compare(GT, 1)).div(u);
    LongVector t = u.reinterpretAsLongs().add(ONE - ROOT_HALF);
    DoubleVector k = exponent(t);
    VectorMask<Double> near = k.compare(EQ, 0);
    DoubleVector f = fraction(t).blend(x, near);
    DoubleVector tail = logTail(f, k.fma(c(LN2_REST), lost.blend(0, near)));
    return logSpecials(u, k.fma(c(LN2), tail).blend(tail, near));
  }

  static DoubleVector tanh(DoubleVector x) {
    DoubleVector t = expm1(x.abs().mul(-2));
    return withSign(t.neg().div(t.add(2)), x);
  }

  /** From e^−|x|, which cannot overflow and keeps its relative accuracy on both sides. */
  static DoubleVector sigmoid(DoubleVector x) {
    DoubleVector e = exp(x.abs().neg());
    return c(1).blend(e, x.compare(LT, 0)).div(e.add(1));
  }

  static DoubleVector softplus(DoubleVector x) {
    return log1p(exp(x.abs().neg())).add(x.max(0));
  }

  static DoubleVector erf(DoubleVector x) {
    DoubleVector a = x.abs().min(Erf.LIMIT);
    DoubleVector small = x.fma(erfSmall(x.mul(x)), x);
    DoubleVector tail = exp(a.mul(a).neg()).mul(erfLarge(a.sub(3).div(a.add(3))));
    return withSign(c(1).sub(tail), x).blend(small, a.compare(LT, 1));
  }

  private static DoubleVector erfSmall(DoubleVector z) {
    double[] s = Erf.SMALL;
    return c(s[12])
        .fma(z, c(s[11]))
        .fma(z, c(s[10]))
        .fma(z, c(s[9]))
        .fma(z, c(s[8]))
        .fma(z, c(s[7]))
        .fma(z, c(s[6]))
        .fma(z, c(s[5]))
        .fma(z, c(s[4]))
        .fma(z, c(s[3]))
        .fma(z, c(s[2]))
        .fma(z, c(s[1]))
        .fma(z, c(s[0]));
  }

  private static DoubleVector erfLarge(DoubleVector u) {
    double[] q = Erf.LARGE;
    return c(q[15])
        .fma(u, c(q[14]))
        .fma(u, c(q[13]))
        .fma(u, c(q[12]))
        .fma(u, c(q[11]))
        .fma(u, c(q[10]))
        .fma(u, c(q[9]))
        .fma(u, c(q[8]))
        .fma(u, c(q[7]))
        .fma(u, c(q[6]))
        .fma(u, c(q[5]))
        .fma(u, c(q[4]))
        .fma(u, c(q[3]))
        .fma(u, c(q[2]))
        .fma(u, c(q[1]))
        .fma(u, c(q[0]));
  }

  /** Beyond this the three parts of π/2 do not suffice. */
  private static final double SINE_LIMIT = 0x1p20;

  private static final double HALF_PI = 0x1.921fb54442d18p0;
  private static final double HALF_PI_2 = 0x1.1a62633145c07p-54;
  private static final double HALF_PI_3 = -0x1.f1976b7ed8fbcp-110;
  private static final double TWO_OVER_PI = 0x1.45f306dc9c883p-1;

  /** Sine (quarter 0) or cosine (quarter 1). */
  static DoubleVector sine(DoubleVector x, int quarter) {
    DoubleVector rounded = x.fma(TWO_OVER_PI, ROUND);
    DoubleVector n = rounded.sub(ROUND);
    // x − n·π/2 as the sum of two numbers: the first difference and both errors are exact.
    DoubleVector t = n.fma(c(-HALF_PI), x);
    DoubleVector w = n.mul(HALF_PI_2);
    DoubleVector r = t.sub(w);
    DoubleVector back = t.sub(r);
    DoubleVector error = back.sub(w).add(t.sub(r.add(back)));
    DoubleVector low = error.sub(n.fma(c(HALF_PI_2), w.neg())).sub(n.mul(HALF_PI_3));
    LongVector q = rounded.reinterpretAsLongs().add(quarter);
    VectorMask<Double> odd = q.and(1).compare(EQ, 1).cast(SPECIES);
    DoubleVector y = sinePolynomial(r, low).blend(cosinePolynomial(r, low), odd);
    LongVector sign = q.and(2).lanewise(LSHL, 62);
    DoubleVector z = y.reinterpretAsLongs().lanewise(
        jdk.incubator.vector.VectorOperators.XOR, sign).reinterpretAsDoubles();
    if (quarter == 0) {
      z = z.blend(x, x.compare(EQ, 0));
    }
    VectorMask<Double> far = x.abs().compare(GE, SINE_LIMIT);
    return far.anyTrue() ? farSine(x, quarter, z, far) : z;
  }

  private static DoubleVector sinePolynomial(DoubleVector r, DoubleVector low) {
    DoubleVector z = r.mul(r);
    DoubleVector p =
        c(1.0 / 355687428096000L)
            .fma(z, c(-1.0 / 1307674368000L))
            .fma(z, c(1.0 / 6227020800L))
            .fma(z, c(-1.0 / 39916800))
            .fma(z, c(1.0 / 362880))
            .fma(z, c(-1.0 / 5040))
            .fma(z, c(1.0 / 120))
            .fma(z, c(-1.0 / 6));
    DoubleVector slope = z.fma(-0.5, 1);
    return r.add(p.fma(z.mul(r), low.mul(slope)));
  }

  private static DoubleVector cosinePolynomial(DoubleVector r, DoubleVector low) {
    DoubleVector z = r.mul(r);
    DoubleVector p =
        c(1.0 / 20922789888000L)
            .fma(z, c(-1.0 / 87178291200L))
            .fma(z, c(1.0 / 479001600))
            .fma(z, c(-1.0 / 3628800))
            .fma(z, c(1.0 / 40320))
            .fma(z, c(-1.0 / 720))
            .fma(z, c(1.0 / 24));
    DoubleVector half = z.mul(0.5);
    DoubleVector w = c(1).sub(half);
    DoubleVector rest = c(1).sub(w).sub(half);
    return w.add(p.fma(z.mul(z), rest.sub(r.mul(low))));
  }

  private static DoubleVector farSine(
      DoubleVector x, int quarter, DoubleVector y, VectorMask<Double> far) {
    double[] xs = x.toArray();
    double[] ys = y.toArray();
    for (int i = 0; i < xs.length; i++) {
      if (far.laneIsSet(i)) {
        ys[i] = quarter == 0 ? StrictMath.sin(xs[i]) : StrictMath.cos(xs[i]);
      }
    }
    return DoubleVector.fromArray(SPECIES, ys, 0);
  }

  static DoubleVector floor(DoubleVector x) {
    DoubleVector big = withSign(c(0x1p52), x);
    DoubleVector rounded = x.add(big).sub(big);
    DoubleVector down = rounded.sub(c(0).blend(1, rounded.compare(GT, x)));
    return x.blend(withSign(down.abs(), x), x.abs().compare(LT, 0x1p52));
  }

  static DoubleVector sign(DoubleVector x) {
    return x.blend(1, x.compare(GT, 0)).blend(-1, x.compare(LT, 0));
  }

  /**
   * xʸ for operands that were floats: the error of the logarithm times its size stays far below half
   * a unit in a float's last place. Negative and special operands take the scalar function.
   */
  static DoubleVector floatPower(DoubleVector x, DoubleVector y) {
    DoubleVector z = exp(log(x).mul(y));
    VectorMask<Double> plain =
        x.compare(GT, 0)
            .and(x.compare(LT, Double.POSITIVE_INFINITY))
            .and(y.abs().compare(LT, Double.POSITIVE_INFINITY));
    return plain.allTrue() ? z : specialPower(x, y, z, plain);
  }

  private static DoubleVector specialPower(
      DoubleVector x, DoubleVector y, DoubleVector z, VectorMask<Double> plain) {
    double[] xs = x.toArray();
    double[] ys = y.toArray();
    double[] zs = z.toArray();
    for (int i = 0; i < xs.length; i++) {
      if (!plain.laneIsSet(i)) {
        zs[i] = StrictMath.pow(xs[i], ys[i]);
      }
    }
    return DoubleVector.fromArray(SPECIES, zs, 0);
  }
}
