package org.hesse.nn;

import org.hesse.Autodiff;
import org.hesse.Tensor;

/**
 * How far a model's outputs are from the targets: the mean over a batch's terms, a scalar.
 *
 * <pre>{@code
 * LossFunction huber = (outputs, targets) -> {
 *   Tensor d = outputs.sub(targets).abs();
 *   return d.lt(1).select(d.square().mul(0.5), d.sub(0.5)).mean();
 * };
 * }</pre>
 *
 * <p>A term is what the loss is a mean of, and depends on its own outputs alone: a whole example as
 * a rule, one position of a sequence for {@link Loss}. Batches of data count by their terms, so
 * that the loss of the data is the mean, or sum, over all terms however the data is cut.
 */
@FunctionalInterface
public interface LossFunction {
  /**
   * The loss of a batch.
   *
   * @param outputs of the model, [batch, …]
   * @param targets [batch, …]
   * @return the mean over the batch's terms, []
   */
  Tensor apply(Tensor outputs, Tensor targets);

  /**
   * How many leading axes, of outputs and of targets alike, number the terms: 1 if a term is an
   * example, more if it is a position in one.
   */
  default int termAxes(Tensor targets) {
    return 1;
  }

  /** Number of terms that the loss of a batch with these targets is the mean of. */
  default long terms(Tensor targets) {
    long count = 1;
    for (int axis = 0; axis < termAxes(targets); axis++) {
      count *= targets.dim(axis);
    }
    return count;
  }

  /**
   * The product of the Hessian of {@link #apply} in the outputs with a vector; by automatic
   * differentiation, forward over reverse, unless a closed form is known.
   *
   * @param u of the outputs' shape
   * @return the same shape
   */
  default Tensor hessianProduct(Tensor outputs, Tensor targets, Tensor u) {
    return Autodiff.hvp((Tensor o) -> apply(o, targets), outputs, u);
  }
}
