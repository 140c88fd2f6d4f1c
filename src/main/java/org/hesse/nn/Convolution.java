package org.hesse.nn;

import java.util.Arrays;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;

/**
 * A convolution over one or more spatial axes, with a bias for each output channel.
 *
 * @param weight [outputs, inputs / groups, window…], as PyTorch lays it out
 * @param bias [outputs]
 * @param sliding stride, padding and dilation
 * @param groups parts that the channels fall into, each seen by its part of the outputs only
 */
public record Convolution(Tensor weight, Tensor bias, Sliding sliding, int groups)
    implements Layer {
  /**
   * A layer with weights and biases uniform in ±1/√n, n being the inputs of one output element, as
   * PyTorch initialises it.
   *
   * @param window extents of the window, one for each spatial axis
   * @param dtype F32 or F64
   * @throws IllegalArgumentException if the groups do not divide inputs and outputs
   */
  public static Convolution init(
      RngKey key, int inputs, int outputs, int[] window, Sliding sliding, int groups, DType dtype) {
    if (groups < 1 || inputs % groups != 0 || outputs % groups != 0) {
      throw new IllegalArgumentException(
          "groups: "
              + groups
              + "; expected a divisor of "
              + inputs
              + " inputs and "
              + outputs
              + " outputs");
    }
    RngKey[] keys = key.split(2);
    int[] dims = new int[2 + window.length];
    dims[0] = outputs;
    dims[1] = inputs / groups;
    System.arraycopy(window, 0, dims, 2, window.length);
    double count = Arrays.stream(dims).skip(1).asDoubleStream().reduce(1, (a, b) -> a * b);
    double bound = 1 / Math.sqrt(Math.max(1, count));
    return new Convolution(
        Linear.symmetric(keys[0].uniform(dtype, dims), bound),
        Linear.symmetric(keys[1].uniform(dtype, outputs), bound),
        sliding,
        groups);
  }

  /**
   * Applies the layer.
   *
   * @param x [batch, inputs, spatial…]
   * @return [batch, outputs, positions…]
   */
  @Override
  public Tensor apply(Tensor x) {
    Tensor y = x.convolve(weight, sliding, groups);
    int[] dims = new int[y.rank() - 1];
    Arrays.fill(dims, 1);
    dims[0] = bias.dim(0);
    return y.add(bias.reshape(dims));
  }
}
