package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;

/** Loop of one stage of a function. */
final class SimdPass implements VectorPass {
  private static final Choice CHOICE = Specialized.constant(MethodHandles.lookup(), Choice.class);
  private static final Stage STAGE = CHOICE.stage();
  private static final boolean SINGLE = CHOICE.single();

  SimdPass() {}

  // The choice stands in the loop, and not in a method of its own, so that this method is too long
  // to be inlined: the JIT compiler stops inlining when a compilation has become large, and vectors
  // that pass through a call are objects on the heap.
  @Override
  public void run(double[] x, double[] s, int n) {
    for (int i = 0; i < n; i += VectorMath.SPECIES.length()) {
      DoubleVector v = DoubleVector.fromArray(VectorMath.SPECIES, x, i);
      DoubleVector t = DoubleVector.fromArray(VectorMath.SPECIES, s, i);
      DoubleVector z;
      if (STAGE == Stage.EXP) {
        z = VectorMath.exp(v, SINGLE);
      } else if (STAGE == Stage.EXP_OF_S) {
        z = VectorMath.exp(t, SINGLE);
      } else if (STAGE == Stage.EXP_OF_MINUS_ABS) {
        z = VectorMath.exp(v.abs().neg(), SINGLE);
      } else if (STAGE == Stage.EXPM1) {
        z = VectorMath.expm1(v, SINGLE);
      } else if (STAGE == Stage.EXPM1_FOR_TANH) {
        z = VectorMath.expm1(VectorMath.minusTwiceAbs(v), SINGLE);
      } else if (STAGE == Stage.LOG) {
        z = VectorMath.log(v, SINGLE);
      } else if (STAGE == Stage.LOG1P) {
        z = VectorMath.log1p(v, SINGLE);
      } else if (STAGE == Stage.LOG1P_END) {
        z = VectorMath.log1pEnd(v, t);
      } else if (STAGE == Stage.SIN) {
        z = VectorMath.sine(v, 0, SINGLE);
      } else if (STAGE == Stage.COS) {
        z = VectorMath.sine(v, 1, SINGLE);
      } else if (STAGE == Stage.TANH_END) {
        z = VectorMath.tanhEnd(v, t);
      } else if (STAGE == Stage.SIGMOID_END) {
        z = VectorMath.sigmoidEnd(v, t);
      } else if (STAGE == Stage.SOFTPLUS_END) {
        z = VectorMath.softplusEnd(v, t, SINGLE);
      } else if (STAGE == Stage.ERF_EXPONENT) {
        z = VectorMath.erfExponent(v);
      } else if (STAGE == Stage.ERFC_TAIL) {
        z = VectorMath.erfcTail(v, t);
      } else if (STAGE == Stage.ERF_END) {
        z = VectorMath.erfEnd(v, t);
      } else if (STAGE == Stage.ERFC_END) {
        z = VectorMath.erfcEnd(v, t);
      } else if (STAGE == Stage.SIGN) {
        z = VectorMath.sign(v);
      } else {
        z = VectorMath.floor(v);
      }
      z.intoArray(s, i);
    }
  }
}
