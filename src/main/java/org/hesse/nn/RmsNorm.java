package org.hesse.nn;

import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Tensor;

/**
 * Division by the root mean square over the last axis, see {@link Functions#rmsNorm}.
 *
 * @param weight scale, [features]
 * @param epsilon added to the mean square
 */
public record RmsNorm(Tensor weight, double epsilon) implements Layer {
  /** A layer that at first does not scale, with ε = 10⁻⁵. */
  public static RmsNorm init(int features, DType dtype) {
    return new RmsNorm(Tensor.ones(dtype, features), 1e-5);
  }

  @Override
  public Tensor apply(Tensor x) {
    return Functions.rmsNorm(x, weight, epsilon);
  }
}
