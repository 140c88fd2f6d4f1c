package org.hesse.curvature;

/**
 * What becomes of the R places at which one example meets a weight: positions of a sequence, of a
 * convolution, or several layers that have one weight. After Eschenhagen, Immer, Turner, Schneider
 * and Hennig, Kronecker-factored approximate curvature for modern neural network architectures
 * (2023), section 3. Where R = 1 they are the same.
 */
public enum Sharing {
  /**
   * Each place counts as an example: A is the mean of a aᵀ over examples and places, G the sum of g
   * gᵀ over places, in the mean over examples. Exact for deep linear networks whose loss has a term
   * for each place.
   */
  EXPAND,

  /**
   * Places are added up first: A is the mean of ā āᵀ with the mean ā of a over places, G that of ḡ
   * ḡᵀ with the sum ḡ of g. Exact for deep linear networks whose outputs are means, or weighted
   * sums with equal weights, over places.
   */
  REDUCE
}
