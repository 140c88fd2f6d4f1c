package org.hesse.curvature;

import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * What {@link Laplace#predict} says of some samples: outputs that are jointly normal for each
 * sample.
 *
 * @param mean the network's outputs, [samples, …]
 * @param covariance of the outputs of a sample by what is not known of the parameters, J Σ Jᵀ,
 *     [samples, k, k] with k the number of a sample's outputs
 * @param noise the variance of a target about the true output, for a regression; else 0
 */
public record Prediction(Tensor mean, Tensor covariance, double noise) {
  /**
   * Probabilities from draws.
   *
   * @param mean [samples, …, classes]
   * @param standardError of the mean over the draws, of the same shape
   */
  public record Probabilities(Tensor mean, Tensor standardError) {}

  /** The variance of each output by what is not known of the parameters; of the shape of mean. */
  public Tensor variance() {
    return Matrices.diagonal(covariance).reshape(mean.shape().dims());
  }

  /** The variance of a target: {@link #variance} and the noise, of the shape of mean. */
  public Tensor targetVariance() {
    return variance().add(noise);
  }

  /**
   * Probabilities of classes from logits by the probit approximation softmax(f / √(1 + π v / 8)),
   * with v the variance of each logit (MacKay, The evidence framework applied to classification
   * networks, 1992, equation 11, for each class by itself). It needs no draws and has no stated
   * error; {@link #monteCarlo} has.
   *
   * @return [samples, …, classes]
   */
  public Tensor probit() {
    return mean.div(variance().mul(Math.PI / 8).add(1).sqrt()).softmax(-1);
  }

  /**
   * Probabilities of classes as the mean of the softmax of drawn logits.
   *
   * @param draws 2 or more; the standard error falls with their root
   * @throws IllegalArgumentException if there are fewer
   */
  public Probabilities monteCarlo(int draws, long seed) {
    if (draws < 2) {
      throw new IllegalArgumentException("draws: " + draws + "; a standard error needs 2 or more");
    }
    return Hesse.on(
        mean.device(),
        () -> {
          // F64 throughout: the spread of probabilities is a difference of nearly equal sums.
          Matrices.Eigh e = Matrices.eigh(covariance.cast(DType.F64));
          Tensor root =
              e.vectors().mul(e.values().maximum(e.values().mul(0)).sqrt().insertAxis(-2));
          int k = covariance.dim(-1);
          Tensor centre = mean.cast(DType.F64);
          Tensor sum = centre.mul(0);
          Tensor squares = sum;
          for (int d = 0; d < draws; d++) {
            Tensor z = RngKey.of(seed).fold(d).normal(DType.F64, mean.dim(0), k, 1);
            Tensor p = centre.add(root.matmul(z).reshape(mean.shape().dims())).softmax(-1);
            sum = sum.add(p);
            squares = squares.add(p.square());
          }
          Tensor average = sum.div(draws);
          Tensor spread = squares.div(draws).sub(average.square());
          Tensor error = spread.maximum(spread.mul(0)).div(draws - 1).sqrt();
          DType dtype = mean.dtype();
          return new Probabilities(average.cast(dtype), error.cast(dtype));
        });
  }
}
