package org.hesse.curvature;

/** Which vectors, sent back through a network from its outputs, Kronecker factors are made of. */
public enum FisherType {
  /**
   * The columns of a root of the loss's Hessian in the outputs ({@link
   * org.hesse.nn.Likelihood#root}): the Gauss–Newton matrix, or exact Fisher matrix, without noise.
   * So many passes back as an example has outputs (Botev, Ritter and Barber, 2017).
   */
  TYPE2,

  /**
   * Gradients at targets drawn from the model's distribution, an unbiased estimate of the exact
   * Fisher matrix with one pass back for each draw; the targets of all terms of an example are
   * drawn independently and sent back together, so that products between terms vanish in the mean
   * (Martens and Grosse, 2015).
   */
  MONTE_CARLO,

  /** Gradients at the data's targets, term by term: the empirical Fisher matrix. */
  EMPIRICAL
}
