// twin: lane
package org.hesse.backend.cpu;

import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors of doubles, to four units in the last place, from arithmetic
 * alone. The Vector API has such functions of its own, but they give other bits before the JIT
 * compiler has seen a loop than after, and others again on other processors; these never do.
 *
 * <p>The polynomials interpolate at Chebyshev nodes; the relative error of the result stands beside
 * each. {@link FloatMath} says why bodies are written in one run.
 */
final class DoubleMath {
  static final VectorSpecies<Double> SPECIES = DoubleVector.SPECIES_PREFERRED;

  /** Added to a number below 2⁵¹, rounds it and leaves the integer in the low bits. */
  private static final double ROUND = 0x1.8p52;

  private static final double ROUND_54 = 0x1.8p52 + 54;
  private static final long ROUND_BITS = 0x4338000000000000L;
  private static final double ZERO = 0;
  private static final double MINUS_ZERO = -0.0;
  private static final double HALF = 0.5;
  private static final double MINUS_HALF = -0.5;
  private static final double ONE = 1;
  private static final double MINUS_ONE = -1;
  private static final double TWO = 2;
  private static final double MINUS_TWO = -2;
  private static final double TWO_54 = 0x1p54;
  private static final double MIN_NORMAL = Double.MIN_NORMAL;
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final double MINUS_INFINITY = Double.NEGATIVE_INFINITY;
  private static final double NAN = Double.NaN;
  private static final long ONE_BITS = 0x3ff0000000000000L;
  private static final long HALF_BITS = 0x3fe0000000000000L;
  private static final long ROOT_HALF_BITS = 0x3fe6a09e667f3bcdL;
  private static final long FRACTION_BITS = 0xfffffffffffffL;
  private static final long SIGN_BIT = Long.MIN_VALUE;

  private static final double EXP_LOW = -746;

  /** From here on the exponential is a normal number. */
  private static final double EXP_NORMAL = -708;

  private static final double EXPM1_LOW = -50;
  private static final double EXP_HIGH = 710;
  private static final double LOG2_E = 0x1.71547652b82fep0;
  private static final double LN2 = 0x1.62e42fefa39efp-1;
  private static final double MINUS_LN2 = -0x1.62e42fefa39efp-1;
  private static final double LN2_REST = 0x1.abc9e3b39803fp-56;
  private static final double MINUS_LN2_REST = -0x1.abc9e3b39803fp-56;

  // (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, degree 10: 2^−61.
  private static final double E10 = 2.09147553258932e-09;
  private static final double E9 = 2.5105312729622103e-08;
  private static final double E8 = 2.755727347871858e-07;
  private static final double E7 = 2.755725517000089e-06;
  private static final double E6 = 2.480158732567746e-05;
  private static final double E5 = 0.0001984126987500228;
  private static final double E4 = 0.0013888888888883711;
  private static final double E3 = 0.008333333333326084;
  private static final double E2 = 0.04166666666666667;
  private static final double E1 = 0.1666666666666667;
  private static final double E0 = 0.5;

  // (log(1 + f)/s − 2)/s² in s² with s = f/(2 + f) for √½ ≤ 1 + f ≤ √2, degree 6: 2^−58.
  private static final double L6 = 0.14617807153417325;
  private static final double L5 = 0.15331611722055008;
  private static final double L4 = 0.1818289243253687;
  private static final double L3 = 0.22222211089379496;
  private static final double L2 = 0.28571428626253836;
  private static final double L1 = 0.3999999999989889;
  private static final double L0 = 0.666666666666667;

  /** From here on the sum 1 + x, rounded, does for x + 1. */
  private static final double LOG1P_LARGE = 0x1p60;

  // (log(1 + e)/(2 s) − 1)/s² in s² with s = e/(2 + e) for 0 ≤ e ≤ 1, degree 10: 2^−59.
  private static final double D10 = 0.07815288900461426;
  private static final double D9 = 0.03746071897775383;
  private static final double D8 = 0.05422589197440007;
  private static final double D7 = 0.05867139530651599;
  private static final double D6 = 0.06667589315724629;
  private static final double D5 = 0.07692271982430275;
  private static final double D4 = 0.09090909948981357;
  private static final double D3 = 0.11111111099118386;
  private static final double D2 = 0.1428571428580005;
  private static final double D1 = 0.19999999999999762;
  private static final double D0 = 0.3333333333333333;

  /** Beyond this the three parts of π/2 do not suffice. */
  private static final double SINE_LIMIT = 0x1p20;

  private static final double TWO_OVER_PI = 0x1.45f306dc9c883p-1;
  private static final double MINUS_HALF_PI = -0x1.921fb54442d18p0;
  private static final double HALF_PI_2 = 0x1.1a62633145c07p-54;
  private static final double HALF_PI_3 = -0x1.f1976b7ed8fbcp-110;

  // (sin(x)/x − 1)/x² in x² for |x| ≤ π/4, degree 5: 2^−56.
  private static final double S5 = 1.5917848524808262e-10;
  private static final double S4 = -2.5051127944014188e-08;
  private static final double S3 = 2.755731608381636e-06;
  private static final double S2 = -0.00019841269836722418;
  private static final double S1 = 0.008333333333330925;
  private static final double S0 = -0.16666666666666666;

  // (cos(x) − 1 + x²/2)/x⁴ in x² for |x| ≤ π/4, degree 5: 2^−60.
  private static final double C5 = -1.1382456778061306e-11;
  private static final double C4 = 2.0876143827993133e-09;
  private static final double C3 = -2.7557317260008837e-07;
  private static final double C2 = 2.480158729874307e-05;
  private static final double C1 = -0.0013888888888887382;
  private static final double C0 = 0.041666666666666664;

  // erf(x)/x − 1 in x² for |x| ≤ 1, degree 12: 2^−55.
  private static final double P12 = 5.957176147748911e-11;
  private static final double P11 = -1.1372848856791674e-09;
  private static final double P10 = 1.4659775274047436e-08;
  private static final double P9 = -1.6350312701054695e-07;
  private static final double P8 = 1.6461000484121368e-06;
  private static final double P7 = -1.4925595266831182e-05;
  private static final double P6 = 0.0001205533111164271;
  private static final double P5 = -0.000854832698083379;
  private static final double P4 = 0.0052239776248180145;
  private static final double P3 = -0.026866170645076792;
  private static final double P2 = 0.11283791670954879;
  private static final double P1 = -0.3761263890318375;
  private static final double P0 = 0.1283791670955126;

  // (x + 3.5)·e^(x²)·erfc(x) in (x − 3.5)/(x + 3.5) for x ≥ 0.5, degree 21: 2^−55.
  private static final double MIDDLE = 3.5;
  private static final double Q21 = 3.2895955234250755e-09;
  private static final double Q20 = 9.015300575703472e-09;
  private static final double Q19 = -2.178473266091442e-08;
  private static final double Q18 = -8.346247660207666e-08;
  private static final double Q17 = 1.162585813936494e-07;
  private static final double Q16 = 5.505078509919124e-07;
  private static final double Q15 = -7.965337728503656e-07;
  private static final double Q14 = -3.3920403208787654e-06;
  private static final double Q13 = 7.2442542522068276e-06;
  private static final double Q12 = 1.8647207423905484e-05;
  private static final double Q11 = -7.477711648027305e-05;
  private static final double Q10 = -4.206217182845896e-05;
  private static final double Q9 = 0.0007145316892872057;
  private static final double Q8 = -0.0013053546903382392;
  private static final double Q7 = -0.0031770503427936917;
  private static final double Q6 = 0.02651861988150118;
  private static final double Q5 = -0.09231870663850064;
  private static final double Q4 = 0.2257386216474199;
  private static final double Q3 = -0.4352560267168875;
  private static final double Q2 = 0.6941136466346443;
  private static final double Q1 = -0.937799724567112;
  private static final double Q0 = 1.08705558926226;

  /** From here on erf rounds to 1 and erfc to 0. */
  private static final double ERF_LIMIT = 28;

  private static final double GELU_LIMIT = 39.75;

  private static final double ROOT_HALF = 0.7071067811865476;

  /** −1/√(2π). */
  private static final double MINUS_DENSITY = -0.3989422804014327;

  /** From here on all numbers are whole. */
  private static final double WHOLE = 0x1p52;

  private static final long WHOLE_BITS = 0x4330000000000000L;

  private DoubleMath() {}

  static DoubleVector exp(DoubleVector x) {
    DoubleVector rounded = x.fma(LOG2_E, ROUND);
    DoubleVector k = rounded.sub(ROUND);
    DoubleVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    DoubleVector r2 = r.mul(r);
    DoubleVector high = broadcast(SPECIES, E10).fma(r2, r.fma(E9, E8)).fma(r2, r.fma(E7, E6));
    DoubleVector low = r.fma(E5, E4).fma(r2, r.fma(E3, E2));
    DoubleVector tail = high.fma(r2.mul(r2), low).fma(r2, r.fma(E1, E0));
    // 2ᵏ in two factors, of which the second may round a subnormal result, and only that one.
    LongVector n = rounded.reinterpretAsLongs();
    LongVector half = n.lanewise(ASHR, 1).lanewise(LSHL, 52);
    LongVector rest = n.lanewise(LSHL, 52).sub(half);
    DoubleVector s1 = half.add(ONE_BITS).reinterpretAsDoubles();
    DoubleVector s2 = rest.add(ONE_BITS).reinterpretAsDoubles();
    DoubleVector y = tail.fma(r2, r).fma(s1, s1).mul(s2);
    return y.blend(ZERO, x.compare(LT, EXP_LOW)).blend(INFINITY, x.compare(GT, EXP_HIGH));
  }

  /** As {@link FloatMath#expBelowZero}. */
  static DoubleVector expBelowZero(DoubleVector x) {
    DoubleVector rounded = x.fma(LOG2_E, ROUND);
    DoubleVector k = rounded.sub(ROUND);
    DoubleVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    DoubleVector r2 = r.mul(r);
    DoubleVector high = broadcast(SPECIES, E10).fma(r2, r.fma(E9, E8)).fma(r2, r.fma(E7, E6));
    DoubleVector low = r.fma(E5, E4).fma(r2, r.fma(E3, E2));
    DoubleVector tail = high.fma(r2.mul(r2), low).fma(r2, r.fma(E1, E0));
    LongVector n = rounded.reinterpretAsLongs().lanewise(LSHL, 52);
    DoubleVector s = n.add(ONE_BITS).reinterpretAsDoubles();
    return tail.fma(r2, r).fma(s, s).blend(ZERO, x.compare(LT, EXP_NORMAL));
  }

  static DoubleVector expm1(DoubleVector x) {
    DoubleVector rounded = x.fma(LOG2_E, ROUND);
    DoubleVector k = rounded.sub(ROUND);
    DoubleVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    DoubleVector r2 = r.mul(r);
    DoubleVector high = broadcast(SPECIES, E10).fma(r2, r.fma(E9, E8)).fma(r2, r.fma(E7, E6));
    DoubleVector low = r.fma(E5, E4).fma(r2, r.fma(E3, E2));
    DoubleVector tail = high.fma(r2.mul(r2), low).fma(r2, r.fma(E1, E0));
    DoubleVector p = tail.fma(r2, r);
    // 2ᵏ·(1 + p) − 1 = 2·(p·2ᵏ⁻¹ + (2ᵏ⁻¹ − ½)), whose inner difference is exact near 0.
    LongVector n = rounded.reinterpretAsLongs().lanewise(LSHL, 52);
    DoubleVector s = n.add(HALF_BITS).reinterpretAsDoubles();
    DoubleVector y = p.fma(s, s.sub(HALF)).mul(TWO);
    return y.blend(x, x.compare(EQ, ZERO))
        .blend(MINUS_ONE, x.compare(LT, EXPM1_LOW))
        .blend(INFINITY, x.compare(GT, EXP_HIGH));
  }

  static DoubleVector log(DoubleVector x) {
    VectorMask<Double> subnormal = x.compare(LT, MIN_NORMAL);
    DoubleVector v = x.blend(x.mul(TWO_54), subnormal);
    // v = 2ᵏ·m with √½ ≤ m < √2, from the bits of the number less those of √½.
    LongVector bits = v.reinterpretAsLongs().sub(ROOT_HALF_BITS);
    DoubleVector k =
        bits.lanewise(ASHR, 52)
            .add(ROUND_BITS)
            .reinterpretAsDoubles()
            .sub(broadcast(SPECIES, ROUND).blend(ROUND_54, subnormal));
    DoubleVector f = bits.and(FRACTION_BITS).add(ROOT_HALF_BITS).reinterpretAsDoubles().sub(ONE);
    DoubleVector y = logarithm(k, f);
    return y.blend(x, x.compare(LT, INFINITY).not())
        .blend(MINUS_INFINITY, x.compare(EQ, ZERO))
        .blend(NAN, x.compare(LT, ZERO));
  }

  static DoubleVector log1p(DoubleVector x) {
    DoubleVector u = x.add(ONE);
    LongVector bits = u.reinterpretAsLongs().sub(ROOT_HALF_BITS);
    LongVector exponent = bits.lanewise(ASHR, 52);
    DoubleVector k = exponent.add(ROUND_BITS).reinterpretAsDoubles().sub(ROUND);
    // (1 + x)/2ᵏ − 1, of 1 + x as it is, not as it is rounded; of large x of the rounded one.
    DoubleVector s = exponent.lanewise(LSHL, 52).neg().add(ONE_BITS).reinterpretAsDoubles();
    DoubleVector m = bits.and(FRACTION_BITS).add(ROOT_HALF_BITS).reinterpretAsDoubles();
    DoubleVector f = x.fma(s, s.sub(ONE)).blend(m.sub(ONE), x.compare(GT, LOG1P_LARGE));
    DoubleVector y = logarithm(k, f);
    return y.blend(u, u.compare(LT, INFINITY).not())
        .blend(x, x.compare(EQ, ZERO))
        .blend(MINUS_INFINITY, u.compare(EQ, ZERO))
        .blend(NAN, u.compare(LT, ZERO));
  }

  /** k·log(2) + log(1+f) = k·log(2) + f − (f²/2 − s·(f²/2 + s²·p(s²))) with s = f/(2 + f). */
  private static DoubleVector logarithm(DoubleVector k, DoubleVector f) {
    DoubleVector s = f.div(f.add(TWO));
    DoubleVector z = s.mul(s);
    DoubleVector z2 = z.mul(z);
    DoubleVector p4 = broadcast(SPECIES, L6).fma(z2, z.fma(L5, L4));
    DoubleVector p = p4.fma(z2, z.fma(L3, L2)).fma(z2, z.fma(L1, L0));
    DoubleVector square = f.mul(f).mul(HALF);
    DoubleVector tail = s.fma(p.fma(z, square), k.mul(LN2_REST)).sub(square);
    return k.fma(broadcast(SPECIES, LN2), f.add(tail));
  }

  static DoubleVector sin(DoubleVector x) {
    DoubleVector y = sine(x, 0);
    VectorMask<Double> far = x.abs().compare(GE, SINE_LIMIT);
    return (far.anyTrue() ? farSine(x, y, far, false) : y).blend(x, x.compare(EQ, ZERO));
  }

  static DoubleVector cos(DoubleVector x) {
    DoubleVector y = sine(x, 1);
    VectorMask<Double> far = x.abs().compare(GE, SINE_LIMIT);
    return far.anyTrue() ? farSine(x, y, far, true) : y;
  }

  /** Sine of x and a number of quarters of the circle. */
  private static DoubleVector sine(DoubleVector x, long quarters) {
    DoubleVector rounded = x.fma(TWO_OVER_PI, ROUND);
    DoubleVector n = rounded.sub(ROUND);
    // x − n·π/2 as the sum of two numbers: the first difference and both errors are exact.
    DoubleVector t = n.fma(broadcast(SPECIES, MINUS_HALF_PI), x);
    DoubleVector w = n.mul(HALF_PI_2);
    DoubleVector r = t.sub(w);
    DoubleVector back = t.sub(r);
    DoubleVector error = back.sub(w).add(t.sub(r.add(back)));
    DoubleVector low =
        error.sub(n.fma(broadcast(SPECIES, HALF_PI_2), w.neg())).sub(n.mul(HALF_PI_3));
    DoubleVector z = r.mul(r);
    DoubleVector sine = sineSeries(r, low, z);
    DoubleVector cosine = cosineSeries(r, low, z);
    LongVector q = rounded.reinterpretAsLongs().add(quarters);
    VectorMask<Double> odd = q.and(1).reinterpretAsDoubles().compare(NE, ZERO);
    LongVector sign = q.and(2).lanewise(LSHL, 62);
    return sine.blend(cosine, odd).reinterpretAsLongs().lanewise(XOR, sign).reinterpretAsDoubles();
  }

  private static DoubleVector sineSeries(DoubleVector r, DoubleVector low, DoubleVector z) {
    DoubleVector z2 = z.mul(z);
    DoubleVector p = z.fma(S5, S4).fma(z2, z.fma(S3, S2)).fma(z2, z.fma(S1, S0));
    return p.fma(z.mul(r), low.mul(z.fma(MINUS_HALF, ONE))).add(r);
  }

  private static DoubleVector cosineSeries(DoubleVector r, DoubleVector low, DoubleVector z) {
    DoubleVector z2 = z.mul(z);
    DoubleVector p = z.fma(C5, C4).fma(z2, z.fma(C3, C2)).fma(z2, z.fma(C1, C0));
    DoubleVector half = z.mul(HALF);
    DoubleVector whole = broadcast(SPECIES, ONE).sub(half);
    DoubleVector rest = broadcast(SPECIES, ONE).sub(whole).sub(half);
    return p.fma(z2, rest.sub(r.mul(low))).add(whole);
  }

  /** Puts in sines of arguments for which the parts of π/2 do not suffice. */
  private static DoubleVector farSine(
      DoubleVector x, DoubleVector y, VectorMask<Double> far, boolean cosine) {
    double[] xs = x.toArray();
    double[] ys = y.toArray();
    for (int i = 0; i < xs.length; i++) {
      if (far.laneIsSet(i)) {
        ys[i] = cosine ? StrictMath.cos(xs[i]) : StrictMath.sin(xs[i]);
      }
    }
    return DoubleVector.fromArray(SPECIES, ys, 0);
  }

  /** 1/(1+e⁻ˣ) from e^−|x|, which cannot overflow and keeps its accuracy on both sides. */
  static DoubleVector sigmoid(DoubleVector x) {
    DoubleVector e = exp(x.abs().neg());
    return broadcast(SPECIES, ONE).blend(e, x.compare(LT, ZERO)).div(e.add(ONE));
  }

  /** log(1+eˣ) = max(x, 0) + log(1 + e^−|x|). */
  static DoubleVector softplus(DoubleVector x) {
    DoubleVector e = exp(x.abs().neg());
    DoubleVector s = e.div(e.add(TWO));
    DoubleVector z = s.mul(s);
    DoubleVector z2 = z.mul(z);
    DoubleVector p6 = broadcast(SPECIES, D10).fma(z2, z.fma(D9, D8)).fma(z2, z.fma(D7, D6));
    DoubleVector p2 = z.fma(D5, D4).fma(z2, z.fma(D3, D2));
    DoubleVector p = p6.fma(z2.mul(z2), p2).fma(z2, z.fma(D1, D0));
    DoubleVector log = s.fma(p.mul(z), s).mul(TWO);
    return log.add(x.blend(ZERO, x.compare(LT, ZERO)));
  }

  /** −t/(t + 2) with t = e^(−2|x|) − 1, and the sign. */
  static DoubleVector tanh(DoubleVector x) {
    DoubleVector twice = x.abs().mul(MINUS_TWO);
    DoubleVector v = twice.blend(EXPM1_LOW, twice.compare(LT, EXPM1_LOW));
    DoubleVector rounded = v.fma(LOG2_E, ROUND);
    DoubleVector k = rounded.sub(ROUND);
    DoubleVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), v));
    DoubleVector r2 = r.mul(r);
    DoubleVector high = broadcast(SPECIES, E10).fma(r2, r.fma(E9, E8)).fma(r2, r.fma(E7, E6));
    DoubleVector low = r.fma(E5, E4).fma(r2, r.fma(E3, E2));
    DoubleVector tail = high.fma(r2.mul(r2), low).fma(r2, r.fma(E1, E0));
    DoubleVector p = tail.fma(r2, r);
    LongVector n = rounded.reinterpretAsLongs().lanewise(LSHL, 52);
    DoubleVector s = n.add(ONE_BITS).reinterpretAsDoubles();
    DoubleVector t = p.fma(s, s.sub(ONE));
    DoubleVector y = t.div(t.add(TWO)).abs();
    LongVector sign = x.reinterpretAsLongs().and(SIGN_BIT);
    return y.reinterpretAsLongs().or(sign).reinterpretAsDoubles();
  }

  static DoubleVector erf(DoubleVector x) {
    DoubleVector b = x.abs();
    DoubleVector a = b.blend(ERF_LIMIT, b.compare(GT, ERF_LIMIT));
    DoubleVector square = a.mul(a);
    DoubleVector one = broadcast(SPECIES, ONE);
    DoubleVector zero = broadcast(SPECIES, ZERO);
    DoubleVector tail = tail(square.neg(), a.neg().fma(a, square), a, one, zero);
    DoubleVector z = b.mul(b);
    DoubleVector z2 = z.mul(z);
    DoubleVector p6 = broadcast(SPECIES, P12).fma(z2, z.fma(P11, P10)).fma(z2, z.fma(P9, P8));
    DoubleVector p4 = p6.fma(z2, z.fma(P7, P6)).fma(z2, z.fma(P5, P4));
    DoubleVector p = p4.fma(z2, z.fma(P3, P2)).fma(z2, z.fma(P1, P0));
    DoubleVector y = broadcast(SPECIES, ONE).sub(tail).blend(b.fma(p, b), b.compare(LT, ONE));
    LongVector sign = x.reinterpretAsLongs().and(SIGN_BIT);
    return y.reinterpretAsLongs().or(sign).reinterpretAsDoubles();
  }

  static DoubleVector erfc(DoubleVector x) {
    DoubleVector b = x.abs();
    DoubleVector a = b.blend(ERF_LIMIT, b.compare(GT, ERF_LIMIT));
    DoubleVector square = a.mul(a);
    DoubleVector one = broadcast(SPECIES, ONE);
    DoubleVector zero = broadcast(SPECIES, ZERO);
    DoubleVector tail = tail(square.neg(), a.neg().fma(a, square), a, one, zero);
    DoubleVector z = b.mul(b);
    DoubleVector z2 = z.mul(z);
    DoubleVector p6 = broadcast(SPECIES, P12).fma(z2, z.fma(P11, P10)).fma(z2, z.fma(P9, P8));
    DoubleVector p4 = p6.fma(z2, z.fma(P7, P6)).fma(z2, z.fma(P5, P4));
    DoubleVector p = p4.fma(z2, z.fma(P3, P2)).fma(z2, z.fma(P1, P0));
    DoubleVector small = broadcast(SPECIES, ONE).sub(x.fma(p, x));
    DoubleVector far = tail.blend(broadcast(SPECIES, TWO).sub(tail), x.compare(LT, ZERO));
    return far.blend(small, b.compare(LT, HALF));
  }

  /** e^(a²)·erfc(a) for a ≥ 0, as q/(a + 3.5). */
  private static DoubleVector erfcFactor(DoubleVector a) {
    DoubleVector far = a.add(MIDDLE);
    DoubleVector u = a.sub(MIDDLE).div(far);
    DoubleVector u2 = u.mul(u);
    DoubleVector u4 = u2.mul(u2);
    DoubleVector q18 = u.fma(Q21, Q20).fma(u2, u.fma(Q19, Q18));
    DoubleVector q14 = q18.fma(u4, u.fma(Q17, Q16).fma(u2, u.fma(Q15, Q14)));
    DoubleVector q10 = q14.fma(u4, u.fma(Q13, Q12).fma(u2, u.fma(Q11, Q10)));
    DoubleVector q6 = q10.fma(u4, u.fma(Q9, Q8).fma(u2, u.fma(Q7, Q6)));
    DoubleVector q2 = q6.fma(u4, u.fma(Q5, Q4).fma(u2, u.fma(Q3, Q2)));
    return q2.fma(u2, u.fma(Q1, Q0)).div(far);
  }

  /** e^(x + rest)/2ᵏ − 1, with the k that x is rounded to, for a rest far below x. */
  private static DoubleVector fraction(DoubleVector x, DoubleVector rest) {
    DoubleVector k = x.fma(LOG2_E, ROUND).sub(ROUND);
    DoubleVector r1 = k.fma(broadcast(SPECIES, MINUS_LN2), x);
    DoubleVector r = k.fma(broadcast(SPECIES, MINUS_LN2_REST), r1).add(rest);
    DoubleVector r2 = r.mul(r);
    DoubleVector high = broadcast(SPECIES, E10).fma(r2, r.fma(E9, E8)).fma(r2, r.fma(E7, E6));
    DoubleVector low = r.fma(E5, E4).fma(r2, r.fma(E3, E2));
    return high.fma(r2.mul(r2), low).fma(r2, r.fma(E1, E0)).fma(r2, r);
  }

  /** e^(x + rest)·(b·e^(a²)·erfc(a) + c) for x ≤ 0 and a rest far below it. */
  private static DoubleVector tail(
      DoubleVector x, DoubleVector rest, DoubleVector a, DoubleVector b, DoubleVector c) {
    DoubleVector p = fraction(x, rest);
    DoubleVector factor = erfcFactor(a).fma(b, c);
    LongVector n = x.fma(LOG2_E, ROUND).reinterpretAsLongs();
    LongVector half = n.lanewise(ASHR, 1).lanewise(LSHL, 52);
    LongVector remaining = n.lanewise(LSHL, 52).sub(half);
    return p.fma(factor, factor)
        .mul(half.add(ONE_BITS).reinterpretAsDoubles())
        .mul(remaining.add(ONE_BITS).reinterpretAsDoubles());
  }

  /**
   * x Φ(x) = max(x, 0) − a Φ(−a) with a = |x|, where Φ(−a) = ½ erfc(a/√2) keeps its digits to where
   * it vanishes.
   */
  static DoubleVector gelu(DoubleVector x) {
    DoubleVector b = x.abs();
    DoubleVector a = b.blend(GELU_LIMIT, b.compare(GT, GELU_LIMIT));
    DoubleVector t = a.mul(MINUS_HALF);
    DoubleVector x2 = t.mul(a);
    DoubleVector lost = t.fma(a, x2.neg());
    DoubleVector h = tail(x2, lost, a.mul(ROOT_HALF), t.neg(), broadcast(SPECIES, ZERO));
    return x.blend(MINUS_ZERO, x.compare(LT, ZERO)).sub(h);
  }

  /**
   * Φ(x) + x φ(x): for x < 0 it is Φ(−a) − a·e^(−a²/2)/√(2π), see {@link #gelu}, else 1 less it.
   */
  static DoubleVector geluSlope(DoubleVector x) {
    DoubleVector b = x.abs();
    DoubleVector a = b.blend(GELU_LIMIT, b.compare(GT, GELU_LIMIT));
    DoubleVector t = a.mul(MINUS_HALF);
    DoubleVector x2 = t.mul(a);
    DoubleVector lost = t.fma(a, x2.neg());
    DoubleVector half = broadcast(SPECIES, HALF);
    DoubleVector h = tail(x2, lost, a.mul(ROOT_HALF), half, a.mul(MINUS_DENSITY));
    return h.blend(broadcast(SPECIES, ONE).sub(h), x.compare(GT, ZERO));
  }

  static DoubleVector sign(DoubleVector x) {
    return x.blend(ONE, x.compare(GT, ZERO)).blend(MINUS_ONE, x.compare(LT, ZERO));
  }

  static DoubleVector floor(DoubleVector x) {
    LongVector sign = x.reinterpretAsLongs().and(SIGN_BIT);
    DoubleVector a = x.abs();
    DoubleVector big = sign.or(WHOLE_BITS).reinterpretAsDoubles();
    DoubleVector rounded = x.add(big).sub(big);
    DoubleVector down = rounded.sub(broadcast(SPECIES, ZERO).blend(ONE, rounded.compare(GT, x)));
    LongVector y = down.abs().reinterpretAsLongs().or(sign);
    return x.blend(y.reinterpretAsDoubles(), a.compare(LT, WHOLE));
  }

  static DoubleVector rsqrt(DoubleVector x) {
    return broadcast(SPECIES, ONE).div(x.sqrt());
  }
}
