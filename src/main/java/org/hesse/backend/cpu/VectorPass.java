package org.hesse.backend.cpu;

/** A loop over a block of doubles; a function is one of these or two, one after the other. */
interface VectorPass {
  /** What a pass makes of the argument x and of the outcome s of the pass before. */
  enum Stage {
    EXP,
    EXP_OF_S,
    EXP_OF_MINUS_ABS,
    EXPM1,
    EXPM1_FOR_TANH,
    LOG,
    LOG1P,
    LOG1P_END,
    SIN,
    COS,
    TANH_END,
    SIGMOID_END,
    SOFTPLUS_END,
    ERF_EXPONENT,
    ERFC_TAIL,
    ERF_END,
    ERFC_END,
    SIGN,
    FLOOR
  }

  /**
   * Which of the stages to compute.
   *
   * @param single whether the accuracy of a float suffices
   */
  record Choice(Stage stage, boolean single) {}

  /** Replaces s by the stage's outcome, for n numbers rounded up to whole vectors. */
  void run(double[] x, double[] s, int n);
}
