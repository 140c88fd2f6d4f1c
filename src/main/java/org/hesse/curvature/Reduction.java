package org.hesse.curvature;

/** How the losses of all terms become one number. */
public enum Reduction {
  /** Their mean over all of the data. */
  MEAN,
  /** Their sum: of a likelihood the negative logarithm of that of all of the data. */
  SUM
}
