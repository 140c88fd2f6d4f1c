package org.hesse.backend.cpu;

/** A loop over a block of floats; a function is one of these or several, one after the other. */
interface FloatPass {
  /** What a pass makes of the argument x and of the outcomes s and t of passes before. */
  enum Stage {
    EXP,
    TANH_FAR,
    TANH_END,
    SIGMOID,
    ERF_FAR,
    ERF_END,
    ERFC_POLYNOMIAL,
    /** Also leaves in t what rounding takes from the outcome. */
    ERFC_FACTOR,
    ERFC_TAIL,
    ERFC_END
  }

  /**
   * Stores the stage's outcome from {@code z[zo]} on, where z may be s or, at the same place, x.
   *
   * @param n a multiple of the vectors' length
   */
  void run(float[] x, int xo, float[] s, float[] t, float[] z, int zo, int n);
}
