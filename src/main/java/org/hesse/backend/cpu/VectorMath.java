package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.XOR;

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

  // Every constant is a vector of its own: broadcasting one in place costs the JIT compiler so many
  // nodes that it would stop inlining in the middle of a longer function.

  /** Added to a number below 2⁵¹, rounds it and leaves the integer in the low bits. */
  private static final DoubleVector ROUND = c(0x1.8p52);

  private static final DoubleVector ZERO = c(0);
  private static final DoubleVector HALF = c(0.5);
  private static final DoubleVector MINUS_HALF = c(-0.5);
  private static final DoubleVector ONE = c(1);
  private static final DoubleVector TWO = c(2);
  private static final DoubleVector MINUS_TWO = c(-2);
  private static final DoubleVector EXP_LOW = c(-746);
  private static final DoubleVector EXPM1_LOW = c(-50);
  private static final DoubleVector EXP_HIGH = c(710);
  private static final DoubleVector ERF_LIMIT = c(Erf.LIMIT);
  private static final DoubleVector ERF_MIDDLE = c(Erf.MIDDLE);
  private static final DoubleVector LOG2_E = c(0x1.71547652b82fep0);
  private static final DoubleVector LN2 = c(0x1.62e42fefa39efp-1);
  private static final DoubleVector MINUS_LN2 = c(-0x1.62e42fefa39efp-1);
  private static final DoubleVector LN2_REST = c(0x1.abc9e3b39803fp-56);
  private static final DoubleVector MINUS_LN2_REST = c(-0x1.abc9e3b39803fp-56);
  private static final long SIGN_BIT = 1L << 63;
  private static final long ROOT_HALF = 0x3fe6a09e667f3bcdL;
  private static final long ONE_BITS = 0x3ff0000000000000L;

  // Coefficients of the polynomials below, each named after its power.
  private static final DoubleVector E13 = c(1.0 / 6227020800L);
  private static final DoubleVector E12 = c(1.0 / 479001600);
  private static final DoubleVector E11 = c(1.0 / 39916800);
  private static final DoubleVector E10 = c(1.0 / 3628800);
  private static final DoubleVector E9 = c(1.0 / 362880);
  private static final DoubleVector E8 = c(1.0 / 40320);
  private static final DoubleVector E7 = c(1.0 / 5040);
  private static final DoubleVector E6 = c(1.0 / 720);
  private static final DoubleVector E5 = c(1.0 / 120);
  private static final DoubleVector E4 = c(1.0 / 24);
  private static final DoubleVector E3 = c(1.0 / 6);
  private static final DoubleVector E2 = c(0.5);

  private static final DoubleVector L21 = c(2.0 / 21);
  private static final DoubleVector L19 = c(2.0 / 19);
  private static final DoubleVector L17 = c(2.0 / 17);
  private static final DoubleVector L15 = c(2.0 / 15);
  private static final DoubleVector L13 = c(2.0 / 13);
  private static final DoubleVector L11 = c(2.0 / 11);
  private static final DoubleVector L9 = c(2.0 / 9);
  private static final DoubleVector L7 = c(2.0 / 7);
  private static final DoubleVector L5 = c(2.0 / 5);
  private static final DoubleVector L3 = c(2.0 / 3);

  private static final DoubleVector P12 = c(Erf.SMALL[12]);
  private static final DoubleVector P11 = c(Erf.SMALL[11]);
  private static final DoubleVector P10 = c(Erf.SMALL[10]);
  private static final DoubleVector P9 = c(Erf.SMALL[9]);
  private static final DoubleVector P8 = c(Erf.SMALL[8]);
  private static final DoubleVector P7 = c(Erf.SMALL[7]);
  private static final DoubleVector P6 = c(Erf.SMALL[6]);
  private static final DoubleVector P5 = c(Erf.SMALL[5]);
  private static final DoubleVector P4 = c(Erf.SMALL[4]);
  private static final DoubleVector P3 = c(Erf.SMALL[3]);
  private static final DoubleVector P2 = c(Erf.SMALL[2]);
  private static final DoubleVector P1 = c(Erf.SMALL[1]);
  private static final DoubleVector P0 = c(Erf.SMALL[0]);

  private static final DoubleVector Q21 = c(Erf.TAIL[21]);
  private static final DoubleVector Q20 = c(Erf.TAIL[20]);
  private static final DoubleVector Q19 = c(Erf.TAIL[19]);
  private static final DoubleVector Q18 = c(Erf.TAIL[18]);
  private static final DoubleVector Q17 = c(Erf.TAIL[17]);
  private static final DoubleVector Q16 = c(Erf.TAIL[16]);
  private static final DoubleVector Q15 = c(Erf.TAIL[15]);
  private static final DoubleVector Q14 = c(Erf.TAIL[14]);
  private static final DoubleVector Q13 = c(Erf.TAIL[13]);
  private static final DoubleVector Q12 = c(Erf.TAIL[12]);
  private static final DoubleVector Q11 = c(Erf.TAIL[11]);
  private static final DoubleVector Q10 = c(Erf.TAIL[10]);
  private static final DoubleVector Q9 = c(Erf.TAIL[9]);
  private static final DoubleVector Q8 = c(Erf.TAIL[8]);
  private static final DoubleVector Q7 = c(Erf.TAIL[7]);
  private static final DoubleVector Q6 = c(Erf.TAIL[6]);
  private static final DoubleVector Q5 = c(Erf.TAIL[5]);
  private static final DoubleVector Q4 = c(Erf.TAIL[4]);
  private static final DoubleVector Q3 = c(Erf.TAIL[3]);
  private static final DoubleVector Q2 = c(Erf.TAIL[2]);
  private static final DoubleVector Q1 = c(Erf.TAIL[1]);
  private static final DoubleVector Q0 = c(Erf.TAIL[0]);

  private static final DoubleVector S17 = c(1.0 / 355687428096000L);
  private static final DoubleVector S15 = c(-1.0 / 1307674368000L);
  private static final DoubleVector S13 = c(1.0 / 6227020800L);
  private static final DoubleVector S11 = c(-1.0 / 39916800);
  private static final DoubleVector S9 = c(1.0 / 362880);
  private static final DoubleVector S7 = c(-1.0 / 5040);
  private static final DoubleVector S5 = c(1.0 / 120);
  private static final DoubleVector S3 = c(-1.0 / 6);

  private static final DoubleVector C16 = c(1.0 / 20922789888000L);
  private static final DoubleVector C14 = c(-1.0 / 87178291200L);
  private static final DoubleVector C12 = c(1.0 / 479001600);
  private static final DoubleVector C10 = c(-1.0 / 3628800);
  private static final DoubleVector C8 = c(1.0 / 40320);
  private static final DoubleVector C6 = c(-1.0 / 720);
  private static final DoubleVector C4 = c(1.0 / 24);

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

  /**
   * eˣ.
   *
   * @param single here and below whether the accuracy of a float suffices
   */
  static DoubleVector exp(DoubleVector x, boolean single) {
    DoubleVector v = x.max(EXP_LOW).min(EXP_HIGH);
    DoubleVector k = v.fma(LOG2_E, ROUND).sub(ROUND);
    DoubleVector r = k.fma(MINUS_LN2_REST, k.fma(MINUS_LN2, v));
    DoubleVector p = expTail(r, single).fma(r.mul(r), r).add(ONE);
    // In two factors, of which the second may round a subnormal result, and only that one.
    DoubleVector half = k.fma(HALF, ROUND);
    return p.mul(power(k.sub(half.sub(ROUND)).add(ROUND))).mul(power(half));
  }

  /** (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, by Taylor's series. */
  private static DoubleVector expTail(DoubleVector r, boolean single) {
    DoubleVector high = E8;
    if (!single) {
      high = E13.fma(r, E12).fma(r, E11).fma(r, E10).fma(r, E9).fma(r, E8);
    }
    return high.fma(r, E7).fma(r, E6).fma(r, E5).fma(r, E4).fma(r, E3).fma(r, E2);
  }

  static DoubleVector expm1(DoubleVector x, boolean single) {
    DoubleVector v = x.max(EXPM1_LOW).min(EXP_HIGH);
    DoubleVector k = v.fma(LOG2_E, ROUND).sub(ROUND);
    DoubleVector r = k.fma(MINUS_LN2_REST, k.fma(MINUS_LN2, v));
    DoubleVector p = expTail(r, single).fma(r.mul(r), r);
    DoubleVector half = k.fma(HALF, ROUND);
    DoubleVector k2 = half.sub(ROUND);
    DoubleVector s1 = power(k.sub(k2).add(ROUND));
    // 2ᵏ·(1 + p) − 1 = (p·2^k₁ + (2^k₁ − 2^−k₂))·2^k₂, whose inner difference is exact near 0.
    DoubleVector y = p.fma(s1, s1.sub(power(ROUND.sub(k2)))).mul(power(half));
    return y.blend(x, x.compare(EQ, ZERO));
  }

  static DoubleVector log(DoubleVector x, boolean single) {
    VectorMask<Double> subnormal = x.compare(LT, Double.MIN_NORMAL);
    DoubleVector v = x.blend(x.mul(0x1p54), subnormal);
    LongVector t = v.reinterpretAsLongs().add(ONE_BITS - ROOT_HALF);
    DoubleVector k = exponent(t).sub(ZERO.blend(54, subnormal));
    DoubleVector f = fraction(t);
    return logSpecials(x, k.fma(LN2, logTail(f, k.mul(LN2_REST), single)));
  }

  /** The exponent k of 2ᵏ·m with √½ ≤ m &lt; √2, from the bits of the number plus 1 − √½. */
  private static DoubleVector exponent(LongVector t) {
    LongVector biased = t.lanewise(LSHR, 52).or(0x4330000000000000L);
    return biased.reinterpretAsDoubles().sub(0x1p52 + 1023);
  }

  /** m − 1. */
  private static DoubleVector fraction(LongVector t) {
    return t.and(0xfffffffffffffL).add(ROOT_HALF).reinterpretAsDoubles().sub(ONE);
  }

  /** log(1+f) + rest, by the series of 2·artanh(f/(2+f)). */
  private static DoubleVector logTail(DoubleVector f, DoubleVector rest, boolean single) {
    DoubleVector s = f.div(f.add(TWO));
    DoubleVector z = s.mul(s);
    DoubleVector high = L11;
    if (!single) {
      high = L21.fma(z, L19).fma(z, L17).fma(z, L15).fma(z, L13).fma(z, L11);
    }
    DoubleVector series = high.fma(z, L9).fma(z, L7).fma(z, L5).fma(z, L3).mul(z);
    DoubleVector halfSquare = f.mul(f).mul(HALF);
    return f.sub(halfSquare.sub(s.fma(halfSquare.add(series), rest)));
  }

  /** Puts right what the series makes of zero, negative numbers, infinity and NaN. */
  private static DoubleVector logSpecials(DoubleVector x, DoubleVector y) {
    return y.blend(x, x.compare(LT, Double.POSITIVE_INFINITY).not())
        .blend(Double.NEGATIVE_INFINITY, x.compare(EQ, ZERO))
        .blend(Double.NaN, x.compare(LT, ZERO));
  }

  /** log(1+x) but for the special cases, which {@link #log1pEnd} sees to. */
  static DoubleVector log1p(DoubleVector x, boolean single) {
    DoubleVector u = x.add(ONE);
    // What the addition has rounded away, relative to u.
    DoubleVector lost = x.sub(u.sub(ONE)).blend(ONE.sub(u.sub(x)), x.compare(GT, ONE)).div(u);
    LongVector t = u.reinterpretAsLongs().add(ONE_BITS - ROOT_HALF);
    DoubleVector k = exponent(t);
    VectorMask<Double> near = k.compare(EQ, ZERO);
    DoubleVector f = fraction(t).blend(x, near);
    DoubleVector tail = logTail(f, k.fma(LN2_REST, lost.blend(ZERO, near)), single);
    return k.fma(LN2, tail).blend(tail, near);
  }

  static DoubleVector log1pEnd(DoubleVector x, DoubleVector y) {
    return logSpecials(x.add(ONE), y);
  }

  static DoubleVector minusTwiceAbs(DoubleVector x) {
    return x.abs().mul(MINUS_TWO);
  }

  /** tanh(x) from t = e^(−2|x|) − 1. */
  static DoubleVector tanhEnd(DoubleVector x, DoubleVector t) {
    return withSign(t.neg().div(t.add(TWO)), x);
  }

  /**
   * 1/(1+e⁻ˣ) from e = e^−|x|, which cannot overflow and keeps its relative accuracy on both sides.
   */
  static DoubleVector sigmoidEnd(DoubleVector x, DoubleVector e) {
    return ONE.blend(e, x.compare(LT, ZERO)).div(e.add(ONE));
  }

  /** log(1+eˣ) from e = e^−|x|. */
  static DoubleVector softplusEnd(DoubleVector x, DoubleVector e, boolean single) {
    return log1p(e, single).add(x.max(ZERO));
  }

  static DoubleVector erfExponent(DoubleVector x) {
    DoubleVector a = x.abs().min(ERF_LIMIT);
    return a.mul(a).neg();
  }

  /** erfc(|x|) from e = e^(−x²) of the rounded square, see {@link Erf}. */
  static DoubleVector erfcTail(DoubleVector x, DoubleVector e) {
    DoubleVector a = x.abs().min(ERF_LIMIT);
    DoubleVector lost = a.fma(a, a.mul(a).neg());
    DoubleVector far = a.add(ERF_MIDDLE);
    DoubleVector q = erfcPolynomial(a.sub(ERF_MIDDLE).div(far)).div(far);
    return e.neg().fma(lost, e).mul(q);
  }

  /** erf(x) from erfc(|x|). */
  static DoubleVector erfEnd(DoubleVector x, DoubleVector tail) {
    DoubleVector small = x.fma(erfSmall(x.mul(x)), x);
    return withSign(ONE.sub(tail), x).blend(small, x.abs().compare(LT, ONE));
  }

  /** erfc(x) from erfc(|x|). */
  static DoubleVector erfcEnd(DoubleVector x, DoubleVector tail) {
    DoubleVector small = ONE.sub(x.fma(erfSmall(x.mul(x)), x));
    return tail.blend(TWO.sub(tail), x.compare(LT, ZERO)).blend(small, x.abs().compare(LT, HALF));
  }

  private static DoubleVector erfSmall(DoubleVector z) {
    return P12.fma(z, P11)
        .fma(z, P10)
        .fma(z, P9)
        .fma(z, P8)
        .fma(z, P7)
        .fma(z, P6)
        .fma(z, P5)
        .fma(z, P4)
        .fma(z, P3)
        .fma(z, P2)
        .fma(z, P1)
        .fma(z, P0);
  }

  private static DoubleVector erfcPolynomial(DoubleVector u) {
    return Q21.fma(u, Q20)
        .fma(u, Q19)
        .fma(u, Q18)
        .fma(u, Q17)
        .fma(u, Q16)
        .fma(u, Q15)
        .fma(u, Q14)
        .fma(u, Q13)
        .fma(u, Q12)
        .fma(u, Q11)
        .fma(u, Q10)
        .fma(u, Q9)
        .fma(u, Q8)
        .fma(u, Q7)
        .fma(u, Q6)
        .fma(u, Q5)
        .fma(u, Q4)
        .fma(u, Q3)
        .fma(u, Q2)
        .fma(u, Q1)
        .fma(u, Q0);
  }

  /** Beyond this the three parts of π/2 do not suffice. */
  private static final double SINE_LIMIT = 0x1p20;

  private static final DoubleVector MINUS_HALF_PI = c(-0x1.921fb54442d18p0);
  private static final DoubleVector HALF_PI_2 = c(0x1.1a62633145c07p-54);
  private static final DoubleVector HALF_PI_3 = c(-0x1.f1976b7ed8fbcp-110);
  private static final DoubleVector TWO_OVER_PI = c(0x1.45f306dc9c883p-1);

  /** Sine (quarter 0) or cosine (quarter 1). */
  static DoubleVector sine(DoubleVector x, int quarter, boolean single) {
    DoubleVector rounded = x.fma(TWO_OVER_PI, ROUND);
    DoubleVector n = rounded.sub(ROUND);
    // x − n·π/2 as the sum of two numbers: the first difference and both errors are exact.
    DoubleVector t = n.fma(MINUS_HALF_PI, x);
    DoubleVector w = n.mul(HALF_PI_2);
    DoubleVector r = t.sub(w);
    DoubleVector back = t.sub(r);
    DoubleVector error = back.sub(w).add(t.sub(r.add(back)));
    DoubleVector low = error.sub(n.fma(HALF_PI_2, w.neg())).sub(n.mul(HALF_PI_3));
    LongVector q = rounded.reinterpretAsLongs().add(quarter);
    VectorMask<Double> odd = q.and(1).compare(EQ, 1).cast(SPECIES);
    DoubleVector y = sinePolynomial(r, low, single).blend(cosinePolynomial(r, low, single), odd);
    LongVector sign = q.and(2).lanewise(LSHL, 62);
    DoubleVector z = y.reinterpretAsLongs().lanewise(XOR, sign).reinterpretAsDoubles();
    if (quarter == 0) {
      z = z.blend(x, x.compare(EQ, ZERO));
    }
    VectorMask<Double> far = x.abs().compare(GE, SINE_LIMIT);
    return far.anyTrue() ? farSine(x, quarter, z, far) : z;
  }

  private static DoubleVector sinePolynomial(DoubleVector r, DoubleVector low, boolean single) {
    DoubleVector z = r.mul(r);
    DoubleVector high = single ? S11 : S17.fma(z, S15).fma(z, S13).fma(z, S11);
    DoubleVector p = high.fma(z, S9).fma(z, S7).fma(z, S5).fma(z, S3);
    DoubleVector slope = z.fma(MINUS_HALF, ONE);
    return r.add(p.fma(z.mul(r), low.mul(slope)));
  }

  private static DoubleVector cosinePolynomial(DoubleVector r, DoubleVector low, boolean single) {
    DoubleVector z = r.mul(r);
    DoubleVector high = single ? C12 : C16.fma(z, C14).fma(z, C12);
    DoubleVector p = high.fma(z, C10).fma(z, C8).fma(z, C6).fma(z, C4);
    DoubleVector half = z.mul(HALF);
    DoubleVector w = ONE.sub(half);
    DoubleVector rest = ONE.sub(w).sub(half);
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
    DoubleVector down = rounded.sub(ZERO.blend(1, rounded.compare(GT, x)));
    return x.blend(withSign(down.abs(), x), x.abs().compare(LT, 0x1p52));
  }

  static DoubleVector sign(DoubleVector x) {
    return x.blend(1, x.compare(GT, ZERO)).blend(-1, x.compare(LT, ZERO));
  }
}
