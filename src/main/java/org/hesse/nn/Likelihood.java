package org.hesse.nn;

import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * A loss that is −log p(target | outputs) of some distribution p, up to a constant, in the mean
 * over terms. It is this distribution that a Fisher matrix takes the expectation over.
 *
 * <p>Scale: of one term, the Fisher matrix in the outputs is F = E[s sᵀ], where s = ∇ log p and the
 * target has the distribution p. {@link #apply} is a mean over {@link #terms} of −log p, so F
 * divided by that count is what compares with its Hessian. The two are equal where the outputs are
 * natural parameters, as for both of {@link Loss}: then the exact Fisher matrix of a model is its
 * Gauss–Newton matrix (Martens, 2020, section 9.2), with no factor between them.
 */
public interface Likelihood extends LossFunction {
  /** Which distribution of a target given the outputs this is, in words and a formula. */
  String distribution();

  /**
   * A root S of each term's Fisher matrix in its outputs: S Sᵀ = F. Its columns are the vectors
   * that type-2 Kronecker factors are made of.
   *
   * @param outputs [terms…, k]
   * @return [terms…, k, r]
   */
  Tensor root(Tensor outputs);

  /**
   * The product of each term's Fisher matrix in its outputs with a vector, not divided by the
   * number of terms: F u.
   *
   * @param outputs [terms…, k]
   * @param u of the same shape
   * @return the same shape
   */
  default Tensor fisherProduct(Tensor outputs, Tensor u) {
    Tensor root = root(outputs);
    Tensor along = root.transpose().matmul(u.insertAxis(-1));
    return root.matmul(along).reshape(u.shape().dims());
  }

  /**
   * Targets drawn from the distribution.
   *
   * @param outputs [terms…, k]
   * @return like the targets that {@link #apply} takes
   */
  Tensor sample(Tensor outputs, RngKey key);
}
