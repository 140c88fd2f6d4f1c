package org.hesse.nn;

import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Tensor;

/**
 * Layer normalisation over the last axis, see {@link Functions#layerNorm}; parameters are named as
 * PyTorch names them.
 *
 * @param weight scale, [features]
 * @param bias shift, [features]
 * @param epsilon added to the variance
 */
public record LayerNorm(Tensor weight, Tensor bias, double epsilon) implements Layer {
  /** A layer that at first neither scales nor shifts, with ε = 10⁻⁵. */
  public static LayerNorm init(int features, DType dtype) {
    return new LayerNorm(Tensor.ones(dtype, features), Tensor.zeros(dtype, features), 1e-5);
  }

  @Override
  public Tensor apply(Tensor x) {
    return Functions.layerNorm(x, weight, bias, epsilon);
  }
}
