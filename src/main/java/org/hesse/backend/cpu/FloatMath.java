// twin: lane
package org.hesse.backend.cpu;

import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors of floats, to two units in the last place (gelu and its slope to
 * six), from float arithmetic alone; {@link DoubleMath} says why not the Vector API's own.
 *
 * <p>The polynomials are minimax fits by Remez exchange, of the function and to the relative error
 * of the result that stand beside each; the second error is that with coefficients rounded to
 * floats. What a float cannot hold of a value that matters is carried along in a second.
 *
 * <p>How the JIT compiler takes it decides the speed. It inlines a method of up to 325 bytes, and
 * goes on inlining the Vector API's operations, but nothing else, when a compilation has become
 * large: so bodies are short, call methods of their own only within their first thirty operations,
 * and are one run of operations from there. Vectors that pass through a call would be objects on
 * the heap. Constants are broadcast where they stand, for the compiler keeps these in registers;
 * vectors in static fields it loads again and again, since the loop's stores might change them. And
 * polynomials are summed in pairs, so that there is something to do while a product is on its way.
 */
final class FloatMath {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Added to a number below 2²², rounds it and leaves the integer in the low bits. */
  private static final float ROUND = 0x1.8p23f;

  private static final float ROUND_24 = 0x1.8p23f + 24;
  private static final int ROUND_BITS = 0x4b400000;
  static final float ZERO = 0;
  static final float MINUS_ZERO = -0f;
  private static final float HALF = 0.5f;
  private static final float MINUS_HALF = -0.5f;
  static final float ONE = 1;
  private static final float MINUS_ONE = -1;
  private static final float TWO = 2;
  private static final float TWO_24 = 0x1p24f;
  private static final float MIN_NORMAL = Float.MIN_NORMAL;
  private static final float INFINITY = Float.POSITIVE_INFINITY;
  private static final float MINUS_INFINITY = Float.NEGATIVE_INFINITY;
  private static final float NAN = Float.NaN;
  private static final int TWO_64_BITS = 0x5f800000;
  static final float TWO_MINUS_64 = 0x1p-64f;
  private static final int ONE_BITS = 0x3f800000;
  private static final int HALF_BITS = 0x3f000000;
  private static final int ROOT_HALF_BITS = 0x3f3504f3;
  private static final int FRACTION_BITS = 0x7fffff;
  private static final int SIGN_BIT = Integer.MIN_VALUE;

  private static final float EXP_LOW = -104;

  /** From here on the exponential is a normal number. */
  private static final float EXP_NORMAL = -87;

  private static final float EXPM1_LOW = -20;
  private static final float EXP_HIGH = 89;
  private static final float LOG2_E = (float) 0x1.71547652b82fep0;
  private static final float MINUS_HALF_LOG2_E = (float) -0x1.71547652b82fep-1;

  /** ln 2 in two parts; the first is so short that its multiples by exponents are exact. */
  private static final float MINUS_LN2 = -0x1.62e4p-1f;

  private static final float MINUS_LN2_REST = (float) (0x1.62e4p-1 - 0x1.62e42fefa39efp-1);
  private static final float LN2 = 0x1.62e4p-1f;
  private static final float LN2_REST = (float) (0x1.62e42fefa39efp-1 - 0x1.62e4p-1);

  // (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, degree 4: 2^−28.3, 2^−27.8.
  private static final float E4 = 0.00138144707f;
  private static final float E3 = 0.00836878084f;
  private static final float E2 = 0.0416683927f;
  private static final float E1 = 0.166665196f;
  private static final float E0 = 0.49999994f;

  // (tanh(x)/x − 1)/x² in x² for |x| ≤ 0.625, degree 4: 2^−27.8, 2^−26.8.
  private static final float TANH_SMALL = 0.625f;
  private static final float T4 = -0.00570498453f;
  private static final float T3 = 0.0206390843f;
  private static final float T2 = -0.0537397154f;
  private static final float T1 = 0.133314416f;
  private static final float T0 = -0.333332807f;

  /** Above half this rounds to 1. */
  private static final float TANH_LIMIT = 20;

  // (log(1 + x) − x + x²/2)/x³ for √½ − 1 ≤ x ≤ √2 − 1, degree 7: 2^−27.4, 2^−27.2.
  private static final float L7 = -0.0763365626f;
  private static final float L6 = 0.127611607f;
  private static final float L5 = -0.131603092f;
  private static final float L4 = 0.142018303f;
  private static final float L3 = -0.166233525f;
  private static final float L2 = 0.200012237f;
  private static final float L1 = -0.250008196f;
  private static final float L0 = 0.333333313f;

  /** From here on the sum 1 + x, rounded, does for x + 1. */
  private static final float LOG1P_LARGE = 0x1p30f;

  // (log(1 + e) − e)/e² for 0 ≤ e ≤ 1, degree 8: 2^−27.7, 2^−26.7.
  private static final float D9 = -0.00324396743f;
  private static final float D8 = 0.0198512003f;
  private static final float D7 = -0.0569590442f;
  private static final float D6 = 0.106036037f;
  private static final float D5 = -0.153055549f;
  private static final float D4 = 0.196759239f;
  private static final float D3 = -0.249541357f;
  private static final float D2 = 0.333299667f;
  private static final float D1 = -0.499999046f;

  /** Beyond this the three parts of π/2 do not suffice. */
  private static final float SINE_LIMIT = 0x1p16f;

  private static final float TWO_OVER_PI = (float) 0x1.45f306dc9c883p-1;
  private static final float MINUS_HALF_PI = -0x1.921fb4p0f;
  private static final float MINUS_HALF_PI_2 = -0x1.4442dp-24f;
  private static final float MINUS_HALF_PI_3 = -0x1.84698ap-48f;

  // (sin(x)/x − 1)/x² in x² for |x| ≤ 0.8, degree 2: 2^−27.7, 2^−26.7.
  private static final float S2 = -0.000195021436f;
  private static final float S1 = 0.00833206438f;
  private static final float S0 = -0.166666538f;

  // (cos(x) − 1 + x²/2)/x⁴ in x² for |x| ≤ 0.8, degree 2: 2^−32.7, 2^−30.4.
  private static final float C2 = 2.44181319e-05f;
  private static final float C1 = -0.00138871849f;
  private static final float C0 = 0.0416666418f;

  // erf(x)/x − 1 in x² for |x| ≤ 0.875, degree 5: 2^−26.8, 2^−25.3.
  private static final float ERF_SMALL = 0.875f;
  private static final float P5 = -0.000620325503f;
  private static final float P4 = 0.00503218127f;
  private static final float P3 = -0.0267914627f;
  private static final float P2 = 0.112824552f;
  private static final float P1 = -0.376125515f;
  private static final float P0 = 0.128379151f;

  // log erfc(x) for 0.875 ≤ x ≤ 4, where erf rounds to 1, degree 6: 2^−29.0, 2^−26.6 of erf(x).
  private static final float ERF_LIMIT = 4;
  private static final float G6 = 0.00020099571f;
  private static final float G5 = -0.00309228757f;
  private static final float G4 = 0.0224202015f;
  private static final float G3 = -0.10432747f;
  private static final float G2 = -0.636737287f;
  private static final float G1 = -1.12793612f;
  private static final float G0 = -0.000133578753f;

  // (x + 1)·e^(x²)·erfc(x) in 1/(x + 1) − 0.375 for 0.5 ≤ x ≤ 10.1, degree 10: 2^−29.2, 2^−27.0.
  // All coefficients but the first may be rounded, and of that Q_REST is the rest.
  private static final float ERFC_LIMIT = 10.5f;
  private static final float MIDDLE = 0.375f;
  private static final float Q10 = 1.85763121f;
  private static final float Q9 = -1.79460442f;
  private static final float Q8 = 0.00981568266f;
  private static final float Q7 = 0.997392297f;
  private static final float Q6 = -0.754670203f;
  private static final float Q5 = -0.0255681425f;
  private static final float Q4 = 0.536274552f;
  private static final float Q3 = -0.35402143f;
  private static final float Q2 = -0.29709515f;
  private static final float Q1 = 0.562184334f;
  private static final float Q0 = 0.790099919f;
  private static final float Q_REST = 2.21095337e-08f;

  /** d log(e^(x²)·erfc(x))/d log(1/(x + 1)), which is between 1.08 and 1.29, near enough. */
  private static final float SLOPE = 1.25f;

  // e^(x²/2)·Φ(−x) for 0 ≤ x ≤ 15 as a quotient, degrees 4 and 5: 2^−27.2, 2^−26.2. All
  // coefficients are positive, so nothing cancels.
  private static final float GELU_LIMIT = 15;
  private static final float N4 = 0.00415314548f;
  private static final float N3 = 0.0408805944f;
  private static final float N2 = 0.183967605f;
  private static final float N1 = 0.439281434f;
  private static final float N0 = 0.5f;
  private static final float M5 = 0.0104102809f;
  private static final float M4 = 0.102478556f;
  private static final float M3 = 0.471404701f;
  private static final float M2 = 1.20554197f;
  private static final float M1 = 1.67644787f;

  /** −1/√(2π). */
  static final float MINUS_DENSITY = (float) -0.3989422804014327;

  /** From here on all numbers are whole. */
  private static final float WHOLE = 0x1p23f;

  private static final int WHOLE_BITS = 0x4b000000;

  private FloatMath() {}

  static FloatVector exp(FloatVector x) {
    FloatVector rounded = x.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    // 2ᵏ in two factors, of which the second may round a subnormal result, and only that one.
    IntVector n = rounded.reinterpretAsInts();
    IntVector half = n.lanewise(ASHR, 1).lanewise(LSHL, 23);
    IntVector rest = n.lanewise(LSHL, 23).sub(half);
    FloatVector s1 = half.add(ONE_BITS).reinterpretAsFloats();
    FloatVector s2 = rest.add(ONE_BITS).reinterpretAsFloats();
    FloatVector y = tail.fma(r2, r).fma(s1, s1).mul(s2);
    return y.blend(ZERO, x.compare(LT, EXP_LOW)).blend(INFINITY, x.compare(GT, EXP_HIGH));
  }

  /**
   * The exponential of what is not above 0, as behind the subtraction of a row's largest element:
   * less work, since one factor makes up 2ᵏ, and 0 where the result would be subnormal.
   */
  static FloatVector expBelowZero(FloatVector x) {
    FloatVector rounded = x.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23);
    FloatVector s = n.add(ONE_BITS).reinterpretAsFloats();
    return tail.fma(r2, r).fma(s, s).blend(ZERO, x.compare(LT, EXP_NORMAL));
  }

  static FloatVector expm1(FloatVector x) {
    FloatVector rounded = x.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), x));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    // 2ᵏ·(1 + p) − 1 = 2·(p·2ᵏ⁻¹ + (2ᵏ⁻¹ − ½)), whose inner difference is exact near 0.
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23);
    FloatVector s = n.add(HALF_BITS).reinterpretAsFloats();
    FloatVector y = tail.fma(r2, r).fma(s, s.sub(HALF)).mul(TWO);
    return y.blend(x, x.compare(EQ, ZERO))
        .blend(MINUS_ONE, x.compare(LT, EXPM1_LOW))
        .blend(INFINITY, x.compare(GT, EXP_HIGH));
  }

  static FloatVector log(FloatVector x) {
    VectorMask<Float> subnormal = x.compare(LT, MIN_NORMAL);
    FloatVector v = x.blend(x.mul(TWO_24), subnormal);
    // v = 2ᵏ·m with √½ ≤ m < √2, from the bits of the number less those of √½.
    IntVector bits = v.reinterpretAsInts().sub(ROOT_HALF_BITS);
    FloatVector k =
        bits.lanewise(ASHR, 23)
            .add(ROUND_BITS)
            .reinterpretAsFloats()
            .sub(broadcast(SPECIES, ROUND).blend(ROUND_24, subnormal));
    FloatVector f = bits.and(FRACTION_BITS).add(ROOT_HALF_BITS).reinterpretAsFloats().sub(ONE);
    FloatVector y = logarithm(k, f);
    return y.blend(x, x.compare(LT, INFINITY).not())
        .blend(MINUS_INFINITY, x.compare(EQ, ZERO))
        .blend(NAN, x.compare(LT, ZERO));
  }

  static FloatVector log1p(FloatVector x) {
    FloatVector u = x.add(ONE);
    IntVector bits = u.reinterpretAsInts().sub(ROOT_HALF_BITS);
    IntVector exponent = bits.lanewise(ASHR, 23);
    FloatVector k = exponent.add(ROUND_BITS).reinterpretAsFloats().sub(ROUND);
    // (1 + x)/2ᵏ − 1, of 1 + x as it is, not as it is rounded; of large x of the rounded one.
    FloatVector s = exponent.lanewise(LSHL, 23).neg().add(ONE_BITS).reinterpretAsFloats();
    FloatVector m = bits.and(FRACTION_BITS).add(ROOT_HALF_BITS).reinterpretAsFloats();
    FloatVector f = x.fma(s, s.sub(ONE)).blend(m.sub(ONE), x.compare(GT, LOG1P_LARGE));
    FloatVector y = logarithm(k, f);
    return y.blend(u, u.compare(LT, INFINITY).not())
        .blend(x, x.compare(EQ, ZERO))
        .blend(MINUS_INFINITY, u.compare(EQ, ZERO))
        .blend(NAN, u.compare(LT, ZERO));
  }

  /** k·log(2) + log(1+f). */
  private static FloatVector logarithm(FloatVector k, FloatVector f) {
    FloatVector z = f.mul(f);
    FloatVector high = f.fma(L7, L6).fma(z, f.fma(L5, L4));
    FloatVector low = f.fma(L3, L2).fma(z, f.fma(L1, L0));
    FloatVector q = high.fma(z.mul(z), low).fma(f, broadcast(SPECIES, MINUS_HALF));
    return k.fma(broadcast(SPECIES, LN2), q.fma(z, k.mul(LN2_REST)).add(f));
  }

  static FloatVector sin(FloatVector x) {
    FloatVector y = sine(x, 0);
    VectorMask<Float> far = x.abs().compare(GE, SINE_LIMIT);
    return (far.anyTrue() ? farSine(x, y, far, false) : y).blend(x, x.compare(EQ, ZERO));
  }

  static FloatVector cos(FloatVector x) {
    FloatVector y = sine(x, 1);
    VectorMask<Float> far = x.abs().compare(GE, SINE_LIMIT);
    return far.anyTrue() ? farSine(x, y, far, true) : y;
  }

  /** Sine of x and a number of quarters of the circle. */
  private static FloatVector sine(FloatVector x, int quarters) {
    FloatVector rounded = x.fma(TWO_OVER_PI, ROUND);
    FloatVector n = rounded.sub(ROUND);
    FloatVector r =
        n.fma(
            broadcast(SPECIES, MINUS_HALF_PI_3),
            n.fma(
                broadcast(SPECIES, MINUS_HALF_PI_2), n.fma(broadcast(SPECIES, MINUS_HALF_PI), x)));
    FloatVector z = r.mul(r);
    FloatVector sine = z.fma(S2, S1).fma(z, broadcast(SPECIES, S0)).fma(z.mul(r), r);
    FloatVector cosine =
        z.fma(C2, C1)
            .fma(z, broadcast(SPECIES, C0))
            .fma(z, broadcast(SPECIES, MINUS_HALF))
            .fma(z, broadcast(SPECIES, ONE));
    IntVector q = rounded.reinterpretAsInts().add(quarters);
    VectorMask<Float> odd = q.and(1).reinterpretAsFloats().compare(NE, ZERO);
    IntVector sign = q.and(2).lanewise(LSHL, 30);
    return sine.blend(cosine, odd).reinterpretAsInts().lanewise(XOR, sign).reinterpretAsFloats();
  }

  /** Puts in sines of arguments for which the parts of π/2 do not suffice. */
  private static FloatVector farSine(
      FloatVector x, FloatVector y, VectorMask<Float> far, boolean cosine) {
    float[] xs = x.toArray();
    float[] ys = y.toArray();
    for (int i = 0; i < xs.length; i++) {
      if (far.laneIsSet(i)) {
        ys[i] = (float) (cosine ? StrictMath.cos(xs[i]) : StrictMath.sin(xs[i]));
      }
    }
    return FloatVector.fromArray(SPECIES, ys, 0);
  }

  /**
   * 1/(1+e⁻ˣ) from e = e^−|x|, which cannot overflow and keeps its accuracy on both sides. The
   * quotient is put right by its remainder and by what rounding takes from 1 + e.
   */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector e = exp(x.abs().neg());
    FloatVector above = broadcast(SPECIES, ONE).blend(e, x.compare(LT, ZERO));
    FloatVector below = e.add(ONE);
    FloatVector lost = e.sub(below.sub(ONE));
    FloatVector inverse = broadcast(SPECIES, ONE).div(below);
    FloatVector q = above.mul(inverse);
    FloatVector minus = q.neg();
    return minus.fma(lost, minus.fma(below, above)).fma(inverse, q);
  }

  /** log(1+eˣ) = max(x, 0) + log(1 + e^−|x|). */
  static FloatVector softplus(FloatVector x) {
    FloatVector e = exp(x.abs().neg());
    FloatVector z = e.mul(e);
    FloatVector high = broadcast(SPECIES, D9).fma(z, e.fma(D8, D7)).fma(z, e.fma(D6, D5));
    FloatVector low = e.fma(D4, D3).fma(z, e.fma(D2, D1));
    FloatVector log = high.fma(z.mul(z), low).fma(z, e);
    return log.add(x.blend(ZERO, x.compare(LT, ZERO)));
  }

  static FloatVector tanh(FloatVector x) {
    FloatVector a = x.abs();
    FloatVector twice = a.add(a);
    FloatVector v = twice.blend(TANH_LIMIT, twice.compare(GT, TANH_LIMIT));
    FloatVector rounded = v.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), v));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23);
    FloatVector s = n.add(ONE_BITS).reinterpretAsFloats();
    FloatVector e = tail.fma(r2, r).fma(s, s);
    FloatVector far = broadcast(SPECIES, ONE).sub(broadcast(SPECIES, TWO).div(e.add(ONE)));
    FloatVector z = a.mul(a);
    FloatVector z2 = z.mul(z);
    FloatVector q = broadcast(SPECIES, T4).fma(z2, z.fma(T3, T2)).fma(z2, z.fma(T1, T0));
    FloatVector y = far.blend(a.fma(z.mul(q), a), a.compare(LT, TANH_SMALL));
    IntVector sign = x.reinterpretAsInts().and(SIGN_BIT);
    return y.reinterpretAsInts().or(sign).reinterpretAsFloats();
  }

  static FloatVector erf(FloatVector x) {
    FloatVector a = x.abs();
    FloatVector g = erfcLogarithm(a.blend(ERF_LIMIT, a.compare(GT, ERF_LIMIT)));
    FloatVector rounded = g.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r =
        k.fma(broadcast(SPECIES, MINUS_LN2_REST), k.fma(broadcast(SPECIES, MINUS_LN2), g));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23);
    FloatVector s = n.add(ONE_BITS).reinterpretAsFloats();
    FloatVector far = broadcast(SPECIES, ONE).sub(tail.fma(r2, r).fma(s, s));
    FloatVector z = a.mul(a);
    FloatVector z2 = z.mul(z);
    FloatVector q = z.fma(P5, P4).fma(z2, z.fma(P3, P2)).fma(z2, z.fma(P1, P0));
    FloatVector y = far.blend(a.fma(q, a), a.compare(LT, ERF_SMALL));
    IntVector sign = x.reinterpretAsInts().and(SIGN_BIT);
    return y.reinterpretAsInts().or(sign).reinterpretAsFloats();
  }

  private static FloatVector erfcLogarithm(FloatVector a) {
    FloatVector a2 = a.mul(a);
    FloatVector high = broadcast(SPECIES, G6).fma(a2, a.fma(G5, G4));
    return high.fma(a2, a.fma(G3, G2)).fma(a2, a.fma(G1, G0));
  }

  /**
   * Where |x| is at least ½, e^(−x²)·w·q with w = 1/(|x| + 1) and q = Q0 + Q_REST + t·p(t), t = w −
   * 0.375, each factor with what rounding takes from it.
   */
  static FloatVector erfc(FloatVector x) {
    FloatVector b = x.abs();
    FloatVector a = b.blend(ERFC_LIMIT, b.compare(GT, ERFC_LIMIT));
    FloatVector w = broadcast(SPECIES, ONE).div(a.add(ONE));
    FloatVector t = w.sub(MIDDLE);
    FloatVector p = erfcPolynomial(t);
    FloatVector q = t.fma(p, broadcast(SPECIES, Q0));
    FloatVector qLost = t.fma(p, broadcast(SPECIES, Q0).sub(q)).add(Q_REST);
    FloatVector tail = erfcTail(a, w, q, qLost);
    FloatVector y = tail.blend(broadcast(SPECIES, TWO).sub(tail), x.compare(LT, ZERO));
    // 1 − x with what rounding takes from it, then less the rest of erf(x).
    FloatVector difference = broadcast(SPECIES, ONE).sub(x);
    FloatVector lost = broadcast(SPECIES, ONE).sub(difference).sub(x);
    FloatVector z = x.mul(x);
    FloatVector z2 = z.mul(z);
    FloatVector small = z.fma(P5, P4).fma(z2, z.fma(P3, P2)).fma(z2, z.fma(P1, P0));
    return y.blend(difference.add(x.neg().fma(small, lost)), b.compare(LT, HALF));
  }

  private static FloatVector erfcPolynomial(FloatVector t) {
    FloatVector t2 = t.mul(t);
    FloatVector p5 = t.fma(Q10, Q9).fma(t2, t.fma(Q8, Q7)).fma(t2, t.fma(Q6, Q5));
    return p5.fma(t2, t.fma(Q4, Q3)).fma(t2, t.fma(Q2, Q1));
  }

  /** e^(−a²)·w·q, with what rounding takes from w, q, and their product. */
  private static FloatVector erfcTail(
      FloatVector a, FloatVector w, FloatVector q, FloatVector qLost) {
    FloatVector far = a.add(ONE);
    FloatVector farLost = a.sub(far.sub(ONE));
    FloatVector wLost = w.fma(farLost.neg(), w.neg().fma(far, broadcast(SPECIES, ONE))).mul(SLOPE);
    FloatVector h = w.mul(q);
    FloatVector hLost = w.fma(q, h.neg()).add(w.fma(qLost, h.mul(wLost)));
    FloatVector square = a.mul(a).neg();
    FloatVector squareLost = a.neg().fma(a, square.neg());
    FloatVector rounded = square.fma(LOG2_E, ROUND);
    FloatVector k = rounded.sub(ROUND);
    FloatVector r1 = k.fma(broadcast(SPECIES, MINUS_LN2), square);
    FloatVector r = k.fma(broadcast(SPECIES, MINUS_LN2_REST), squareLost).add(r1);
    FloatVector r2 = r.mul(r);
    FloatVector s3 = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    FloatVector s = s3.fma(r2, r);
    FloatVector e = h.add(s.fma(h, s.fma(hLost, hLost)));
    IntVector n = rounded.reinterpretAsInts();
    IntVector half = n.lanewise(ASHR, 1).lanewise(LSHL, 23);
    IntVector rest = n.lanewise(LSHL, 23).sub(half);
    return e.mul(half.add(ONE_BITS).reinterpretAsFloats())
        .mul(rest.add(ONE_BITS).reinterpretAsFloats());
  }

  /** factor·e^(−a²/2), of the whole square. */
  private static FloatVector bell(FloatVector a, FloatVector factor) {
    FloatVector scale = bellScale(a);
    FloatVector rest = bellRest(a);
    return rest.fma(factor, factor).mul(scale).mul(TWO_MINUS_64);
  }

  /** 2ᵏ⁺⁶⁴, where e^(−a²/2) is 2ᵏ (1 + {@link #bellRest}). */
  static FloatVector bellScale(FloatVector a) {
    // 2ᵏ is 2ᵏ⁺⁶⁴, exact as k lies between −163 and 0, and 2⁻⁶⁴, which may round a subnormal.
    FloatVector rounded = a.mul(a).fma(MINUS_HALF_LOG2_E, ROUND);
    IntVector n = rounded.reinterpretAsInts().lanewise(LSHL, 23);
    return n.add(TWO_64_BITS).reinterpretAsFloats();
  }

  static FloatVector bellRest(FloatVector a) {
    FloatVector square = a.mul(a);
    FloatVector lost = a.fma(a, square.neg());
    FloatVector k = square.fma(MINUS_HALF_LOG2_E, ROUND).sub(ROUND);
    FloatVector r1 = k.fma(broadcast(SPECIES, MINUS_LN2), square.mul(MINUS_HALF));
    FloatVector r =
        lost.fma(broadcast(SPECIES, MINUS_HALF), k.fma(broadcast(SPECIES, MINUS_LN2_REST), r1));
    FloatVector r2 = r.mul(r);
    FloatVector tail = broadcast(SPECIES, E4).fma(r2, r.fma(E3, E2)).fma(r2, r.fma(E1, E0));
    return tail.fma(r2, r);
  }

  /**
   * x Φ(x) = max(x, 0) − a Φ(−a) with a = |x|, where Φ(−a) = e^(−a²/2)·q with a quotient q of
   * polynomials keeps its digits to where it vanishes.
   */
  static FloatVector gelu(FloatVector x) {
    FloatVector a = geluDistance(x);
    FloatVector h = bell(a, geluQuotient(a).mul(a));
    return x.blend(MINUS_ZERO, x.compare(LT, ZERO)).sub(h);
  }

  /** |x|, or what is as far out as need be. */
  static FloatVector geluDistance(FloatVector x) {
    FloatVector b = x.abs();
    return b.blend(GELU_LIMIT, b.compare(GT, GELU_LIMIT));
  }

  /** The quotient q of {@link #gelu}. */
  static FloatVector geluQuotient(FloatVector a) {
    FloatVector a2 = a.mul(a);
    FloatVector above = broadcast(SPECIES, N4).fma(a2, a.fma(N3, N2)).fma(a2, a.fma(N1, N0));
    FloatVector below = a.fma(M5, M4).fma(a2, a.fma(M3, M2)).fma(a2, a.fma(M1, ONE));
    return above.div(below);
  }

  /**
   * Φ(x) + x φ(x): for x < 0 it is e^(−a²/2)·(q − a/√(2π)), see {@link #gelu}, else 1 less that.
   */
  static FloatVector geluSlope(FloatVector x) {
    FloatVector a = geluDistance(x);
    FloatVector q = geluQuotient(a);
    FloatVector h = bell(a, a.fma(broadcast(SPECIES, MINUS_DENSITY), q));
    return h.blend(broadcast(SPECIES, ONE).sub(h), x.compare(GT, ZERO));
  }

  static FloatVector sign(FloatVector x) {
    return x.blend(ONE, x.compare(GT, ZERO)).blend(MINUS_ONE, x.compare(LT, ZERO));
  }

  static FloatVector floor(FloatVector x) {
    IntVector sign = x.reinterpretAsInts().and(SIGN_BIT);
    FloatVector a = x.abs();
    FloatVector big = sign.or(WHOLE_BITS).reinterpretAsFloats();
    FloatVector rounded = x.add(big).sub(big);
    FloatVector down = rounded.sub(broadcast(SPECIES, ZERO).blend(ONE, rounded.compare(GT, x)));
    IntVector y = down.abs().reinterpretAsInts().or(sign);
    return x.blend(y.reinterpretAsFloats(), a.compare(LT, WHOLE));
  }

  static FloatVector rsqrt(FloatVector x) {
    return broadcast(SPECIES, ONE).div(x.sqrt());
  }
}
