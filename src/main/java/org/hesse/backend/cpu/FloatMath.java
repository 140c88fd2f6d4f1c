package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors of floats, to one unit in the last place, from float arithmetic
 * alone; {@link VectorMath} says why not the Vector API's own.
 *
 * <p>The polynomials are minimax fits by Remez exchange in 40 digits, of the function and to the
 * relative error of the result that stand beside each; the second error is that with coefficients
 * rounded to floats. What a float cannot hold of a value that matters is carried along in a second.
 */
final class FloatMath {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  // Every constant is a vector of its own, as in VectorMath.

  /** Added to a number below 2²², rounds it and leaves the integer in the low bits. */
  private static final FloatVector ROUND = c(0x1.8p23f);

  private static final FloatVector ZERO = c(0);
  private static final FloatVector HALF = c(0.5f);
  private static final FloatVector ONE = c(1);
  private static final FloatVector TWO = c(2);
  private static final FloatVector EXP_LOW = c(-104);
  private static final FloatVector EXP_HIGH = c(89);
  private static final FloatVector LOG2_E = c((float) 0x1.71547652b82fep0);

  /** ln 2 in two parts; the first is so short that its multiples by exponents are exact. */
  private static final FloatVector MINUS_LN2 = c(-0x1.62e4p-1f);

  private static final FloatVector MINUS_LN2_REST = c((float) (0x1.62e4p-1 - 0x1.62e42fefa39efp-1));

  // (eʳ − 1 − r)/r² for |r| ≤ ln(2)/2, degree 4: 2^−28.3, 2^−27.8.
  private static final FloatVector E4 = c(0.00138144707f);
  private static final FloatVector E3 = c(0.00836878084f);
  private static final FloatVector E2 = c(0.0416683927f);
  private static final FloatVector E1 = c(0.166665196f);
  private static final FloatVector E0 = c(0.49999994f);

  // (tanh(x)/x − 1)/x² in x² for |x| ≤ 0.625, degree 4: 2^−27.8, 2^−26.8.
  private static final FloatVector TANH_SMALL = c(0.625f);
  private static final FloatVector T4 = c(-0.00570498453f);
  private static final FloatVector T3 = c(0.0206390843f);
  private static final FloatVector T2 = c(-0.0537397154f);
  private static final FloatVector T1 = c(0.133314416f);
  private static final FloatVector T0 = c(-0.333332807f);

  // erf(x)/x − 1 in x² for |x| ≤ 0.875, degree 5: 2^−26.8, 2^−25.3.
  private static final FloatVector ERF_SMALL = c(0.875f);
  private static final FloatVector P5 = c(-0.000620325503f);
  private static final FloatVector P4 = c(0.00503218127f);
  private static final FloatVector P3 = c(-0.0267914627f);
  private static final FloatVector P2 = c(0.112824552f);
  private static final FloatVector P1 = c(-0.376125515f);
  private static final FloatVector P0 = c(0.128379151f);

  // log erfc(x) for 0.875 ≤ x ≤ 4, where erf rounds to 1, degree 6: 2^−29.0, 2^−26.6 of erf(x).
  private static final FloatVector ERF_LIMIT = c(4);
  private static final FloatVector G6 = c(0.00020099571f);
  private static final FloatVector G5 = c(-0.00309228757f);
  private static final FloatVector G4 = c(0.0224202015f);
  private static final FloatVector G3 = c(-0.10432747f);
  private static final FloatVector G2 = c(-0.636737287f);
  private static final FloatVector G1 = c(-1.12793612f);
  private static final FloatVector G0 = c(-0.000133578753f);

  // (x + 1)·e^(x²)·erfc(x) in 1/(x + 1) − 0.375 for 0.5 ≤ x ≤ 10.1, degree 10: 2^−29.2, 2^−27.0.
  // All
  // coefficients but the first may be rounded, and of that Q_REST is the rest.
  private static final FloatVector ERFC_LIMIT = c(10.5f);
  private static final FloatVector MIDDLE = c(0.375f);
  private static final FloatVector Q10 = c(1.85763121f);
  private static final FloatVector Q9 = c(-1.79460442f);
  private static final FloatVector Q8 = c(0.00981568266f);
  private static final FloatVector Q7 = c(0.997392297f);
  private static final FloatVector Q6 = c(-0.754670203f);
  private static final FloatVector Q5 = c(-0.0255681425f);
  private static final FloatVector Q4 = c(0.536274552f);
  private static final FloatVector Q3 = c(-0.35402143f);
  private static final FloatVector Q2 = c(-0.29709515f);
  private static final FloatVector Q1 = c(0.562184334f);
  private static final FloatVector Q0 = c(0.790099919f);
  private static final FloatVector Q_REST = c(2.21095337e-08f);

  /** d log(e^(x²)·erfc(x))/d log(1/(x + 1)), which is between 1.08 and 1.29, near enough. */
  private static final FloatVector SLOPE = c(1.25f);

  private FloatMath() {}

  private static FloatVector c(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  private static FloatVector withSign(FloatVector magnitude, FloatVector sign) {
    IntVector s = sign.reinterpretAsInts().and(Integer.MIN_VALUE);
    return magnitude.reinterpretAsInts().or(s).reinterpretAsFloats();
  }

  /** The minimum, NaN of NaN; quicker than {@code min}, which tells the zeros apart. */
  private static FloatVector atMost(FloatVector x, FloatVector limit) {
    return x.blend(limit, x.compare(GT, limit));
  }

  /** 2ᵏ from k + ROUND, for whole k from −126 to 127. */
  private static FloatVector power(FloatVector rounded) {
    return rounded.reinterpretAsInts().add(127).lanewise(LSHL, 23).reinterpretAsFloats();
  }

  /** y·2ᵏ, in two factors, of which the second may round a subnormal result, and only that one. */
  private static FloatVector scale(FloatVector y, FloatVector k) {
    FloatVector half = k.fma(HALF, ROUND);
    return y.mul(power(k.sub(half.sub(ROUND)).add(ROUND))).mul(power(half));
  }

  /** (eʳ − 1 − r)/r². */
  private static FloatVector expTail(FloatVector r) {
    return E4.fma(r, E3).fma(r, E2).fma(r, E1).fma(r, E0);
  }

  static FloatVector exp(FloatVector x) {
    FloatVector v = atMost(x.blend(EXP_LOW, x.compare(LT, EXP_LOW)), EXP_HIGH);
    FloatVector k = v.fma(LOG2_E, ROUND).sub(ROUND);
    FloatVector r = k.fma(MINUS_LN2_REST, k.fma(MINUS_LN2, v));
    return scale(expTail(r).fma(r.mul(r), r).add(ONE), k);
  }

  /**
   * 1/(1+e⁻ˣ) from e = e^−|x|, which cannot overflow and keeps its accuracy on both sides. The
   * quotient is put right by its remainder and by what rounding takes from 1 + e.
   */
  static FloatVector sigmoid(FloatVector x) {
    FloatVector e = exp(x.abs().neg());
    FloatVector above = ONE.blend(e, x.compare(LT, ZERO));
    FloatVector below = e.add(ONE);
    FloatVector lost = e.sub(below.sub(ONE));
    FloatVector inverse = ONE.div(below);
    FloatVector q = above.mul(inverse);
    FloatVector minus = q.neg();
    return minus.fma(lost, minus.fma(below, above)).fma(inverse, q);
  }

  /** tanh(|x|) far from 0. */
  static FloatVector tanhFar(FloatVector x) {
    FloatVector a = x.abs();
    return ONE.sub(TWO.div(exp(a.add(a)).add(ONE)));
  }

  /** tanh(x) from {@link #tanhFar}. */
  static FloatVector tanhEnd(FloatVector x, FloatVector far) {
    FloatVector a = x.abs();
    FloatVector z = a.mul(a);
    FloatVector p = T4.fma(z, T3).fma(z, T2).fma(z, T1).fma(z, T0);
    FloatVector small = a.fma(z.mul(p), a);
    return withSign(far.blend(small, a.compare(LT, TANH_SMALL)), x);
  }

  private static FloatVector erfSmall(FloatVector z) {
    return P5.fma(z, P4).fma(z, P3).fma(z, P2).fma(z, P1).fma(z, P0);
  }

  /** erf(|x|) where that is at least {@link #ERF_SMALL}. */
  static FloatVector erfFar(FloatVector x) {
    FloatVector v = atMost(x.abs(), ERF_LIMIT);
    return ONE.sub(exp(G6.fma(v, G5).fma(v, G4).fma(v, G3).fma(v, G2).fma(v, G1).fma(v, G0)));
  }

  /** erf(x) from {@link #erfFar}. */
  static FloatVector erfEnd(FloatVector x, FloatVector far) {
    FloatVector a = x.abs();
    FloatVector small = a.fma(erfSmall(a.mul(a)), a);
    return withSign(far.blend(small, a.compare(LT, ERF_SMALL)), x);
  }

  // erfc(a) = e^(−a²)·w·q with w = 1/(a + 1) and q = Q0 + Q_REST + t·p(t), t = w − 0.375, in turn.

  /** p. */
  static FloatVector erfcPolynomial(FloatVector x) {
    FloatVector t = ONE.div(erfcArgument(x).add(ONE)).sub(MIDDLE);
    return Q10.fma(t, Q9)
        .fma(t, Q8)
        .fma(t, Q7)
        .fma(t, Q6)
        .fma(t, Q5)
        .fma(t, Q4)
        .fma(t, Q3)
        .fma(t, Q2)
        .fma(t, Q1);
  }

  private static FloatVector erfcArgument(FloatVector x) {
    return atMost(x.abs(), ERFC_LIMIT);
  }

  /** w·q. */
  static FloatVector erfcFactor(FloatVector x, FloatVector p) {
    FloatVector w = ONE.div(erfcArgument(x).add(ONE));
    return w.mul(w.sub(MIDDLE).fma(p, Q0));
  }

  /** What rounding takes from w·q = h, that of 1/(a + 1) included. */
  static FloatVector erfcFactorLost(FloatVector x, FloatVector p, FloatVector h) {
    FloatVector a = erfcArgument(x);
    FloatVector far = a.add(ONE);
    FloatVector w = ONE.div(far);
    FloatVector farLost = a.sub(far.sub(ONE));
    FloatVector wLost = w.fma(farLost.neg(), w.neg().fma(far, ONE)).mul(SLOPE);
    FloatVector t = w.sub(MIDDLE);
    FloatVector q = t.fma(p, Q0);
    FloatVector qLost = t.fma(p, Q0.sub(q)).add(Q_REST);
    return w.fma(q, h.neg()).add(w.fma(qLost, h.mul(wLost)));
  }

  /** erfc(|x|) where that is at most erfc(0.5), with e^(−a²) of the whole square as 2ᵏ·(1 + s). */
  static FloatVector erfcTail(FloatVector x, FloatVector h, FloatVector lost) {
    FloatVector a = erfcArgument(x);
    FloatVector square = a.mul(a).neg();
    FloatVector squareLost = a.neg().fma(a, square.neg());
    FloatVector k = square.fma(LOG2_E, ROUND).sub(ROUND);
    FloatVector r = k.fma(MINUS_LN2_REST, squareLost).add(k.fma(MINUS_LN2, square));
    FloatVector s = expTail(r).fma(r.mul(r), r);
    return scale(h.add(s.fma(h, s.fma(lost, lost))), k);
  }

  /** erfc(x) from {@link #erfcTail}. */
  static FloatVector erfcEnd(FloatVector x, FloatVector tail) {
    FloatVector far = tail.blend(TWO.sub(tail), x.compare(LT, ZERO));
    // 1 − x with what rounding takes from it, then less the rest of erf(x).
    FloatVector difference = ONE.sub(x);
    FloatVector lost = ONE.sub(difference).sub(x);
    FloatVector small = difference.add(x.neg().fma(erfSmall(x.mul(x)), lost));
    return far.blend(small, x.abs().compare(LT, HALF));
  }
}
