package org.hesse.nn;

import org.hesse.Tensor;

/** A function of a batch of examples; usually a record of its parameters and inner layers. */
public interface Layer {
  /**
   * Applies the layer.
   *
   * @param x [batch, features]
   * @return [batch, outputs]
   */
  Tensor apply(Tensor x);
}
