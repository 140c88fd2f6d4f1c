package org.hesse.optim;

import java.util.List;
import org.hesse.Tensor;

/**
 * A first-order method: how one tensor of parameters moves, given its gradient. It keeps a fixed
 * number of tensors ("slots") for each tensor of parameters, of the same shape, zero at first.
 */
public interface Optimizer {
  /** Learning rate to start with; the one in force is in {@link TrainState}. */
  double learningRate();

  /** How many slots it keeps for each tensor of parameters. */
  int slots();

  /**
   * One step.
   *
   * @param parameter of any shape
   * @param gradient of the same shape and dtype
   * @param slots as many as {@link #slots}
   * @param step number of this step, counted from 1, a scalar of the parameter's dtype
   * @param learningRate a scalar of the parameter's dtype
   * @return the new parameter, then the new slots
   */
  List<Tensor> update(
      Tensor parameter, Tensor gradient, List<Tensor> slots, Tensor step, Tensor learningRate);
}
