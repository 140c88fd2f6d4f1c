package org.hesse.nn;

import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * The affine map x Wᵀ + b.
 *
 * @param weight W, [outputs, inputs], as PyTorch lays it out
 * @param bias b, [outputs]
 */
public record Linear(Tensor weight, Tensor bias) implements Layer {
  /**
   * A layer with weights and biases uniform in ±1/√inputs, as PyTorch initialises it.
   *
   * @param dtype F32 or F64
   */
  public static Linear init(RngKey key, int inputs, int outputs, DType dtype) {
    RngKey[] keys = key.split(2);
    double bound = 1 / Math.sqrt(Math.max(1, inputs));
    return new Linear(
        symmetric(keys[0].uniform(dtype, outputs, inputs), bound),
        symmetric(keys[1].uniform(dtype, outputs), bound));
  }

  static Tensor symmetric(Tensor uniform, double bound) {
    return uniform.mul(2 * bound).sub(bound);
  }

  @Override
  public Tensor apply(Tensor x) {
    return x.matmul(weight.transpose()).add(bias);
  }
}
