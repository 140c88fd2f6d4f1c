package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;

/** Loop of one stage of a function. The choice stands in it for the reason that SimdPass gives. */
final class SimdFloatPass implements FloatPass {
  private static final Stage STAGE = Specialized.constant(MethodHandles.lookup(), Stage.class);

  SimdFloatPass() {}

  @Override
  public void run(float[] x, int xo, float[] s, float[] t, float[] z, int zo, int n) {
    for (int i = 0; i < n; i += FloatMath.SPECIES.length()) {
      FloatVector v = FloatVector.fromArray(FloatMath.SPECIES, x, xo + i);
      FloatVector u = FloatVector.fromArray(FloatMath.SPECIES, s, i);
      FloatVector y;
      if (STAGE == Stage.EXP) {
        y = FloatMath.exp(v);
      } else if (STAGE == Stage.TANH_FAR) {
        y = FloatMath.tanhFar(v);
      } else if (STAGE == Stage.TANH_END) {
        y = FloatMath.tanhEnd(v, u);
      } else if (STAGE == Stage.SIGMOID) {
        y = FloatMath.sigmoid(v);
      } else if (STAGE == Stage.ERF_FAR) {
        y = FloatMath.erfFar(v);
      } else if (STAGE == Stage.ERF_END) {
        y = FloatMath.erfEnd(v, u);
      } else if (STAGE == Stage.ERFC_POLYNOMIAL) {
        y = FloatMath.erfcPolynomial(v);
      } else if (STAGE == Stage.ERFC_FACTOR) {
        y = FloatMath.erfcFactor(v, u);
        FloatMath.erfcFactorLost(v, u, y).intoArray(t, i);
      } else if (STAGE == Stage.ERFC_TAIL) {
        y = FloatMath.erfcTail(v, u, FloatVector.fromArray(FloatMath.SPECIES, t, i));
      } else {
        y = FloatMath.erfcEnd(v, u);
      }
      y.intoArray(z, zo + i);
    }
  }
}
