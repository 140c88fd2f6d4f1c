package org.hesse.curvature;

import java.util.Objects;
import java.util.function.Function;
import org.hesse.Hesse;

/**
 * Estimates Kronecker factors over an objective's data; made by {@link Kfac#of} and {@link
 * Ekfac#of}. It does not change: what looks like a setter returns a copy.
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(256));
 * Kfac kfac = Kfac.of(f).run();
 * Ekfac ekfac = Ekfac.of(f).fisher(FisherType.MONTE_CARLO).sharing(Sharing.REDUCE).seed(1).run();
 * Tensor step = kfac.inverse(Damping.pi(1e-3)).apply(f.lossAndGradient().gradient());
 * }</pre>
 *
 * <h2>Layers</h2>
 *
 * They are found in the traced network, whatever code it is made of, and behind checkpoints and
 * compiled functions:
 *
 * <ul>
 *   <li>A weight is what the data is multiplied with, x Wᵀ: of dense layers and of projections of
 *       attention, of convolutions, of embeddings, whose rows are picked by indices. It may be
 *       stored as [outputs, inputs] or [inputs, outputs], each in any number of axes. Its block is
 *       a {@link KroneckerBlock}; a convolution with groups has one for each.
 *   <li>A bias that is added to all products with one weight, and to nothing else, is the last
 *       column of that weight's block.
 *   <li>What else is added to the data or multiplied with it element by element, as scale and shift
 *       of a norm, a bias alone or learned positions, has an exact {@link DenseBlock}, scale and
 *       shift of a norm together; above {@link #dense} numbers its diagonal.
 *   <li>The uses of a weight that is used several times count as places of one layer; see {@link
 *       Sharing}. Where some are of its transpose, as of an embedding that makes the logits too, F
 *       is about G ⊗ A + A' ⊗ G' with the factors of both kinds of uses. Each factor of the block
 *       is then a mean, (G/tr G) and (A'/tr A') weighted by the traces of the two products, which
 *       keeps the trace of the sum.
 * </ul>
 *
 * <p>A use that is none of these, such as one inside of a loop or of a part or a multiple of a
 * weight, is an error with the parameter's path and the operation; {@link Objective#parameters}
 * leaves parameters out.
 *
 * <h2>Factors</h2>
 *
 * A layer's block is G ⊗ A (Martens and Grosse, 2015; Grosse and Martens, 2016, for convolutions):
 * A the mean of a aᵀ over the layer's inputs a, with a 1 for the bias; G the sum of g gᵀ over what
 * the columns of {@link FisherType} become at the layer's outputs, in the mean over the loss's
 * terms, or in the sum for {@link Reduction#SUM}. So K-FAC has the scale of {@link GaussNewton} and
 * {@link Fisher}. Sums are formed in F64 over batches, and all batches count by their sizes.
 *
 * <p>The network is traced for one example and mapped over a batch, so each example must be mapped
 * by itself. That is checked on the first batch.
 *
 * @param <M> the model
 * @param <K> the curvature that comes out
 */
public final class KroneckerEstimator<M, K extends BlockCurvature> {
  private final Objective<M> f;
  private final Settings settings;
  private final Function<KroneckerRun<M>, K> result;

  /** What can be chosen. */
  record Settings(
      FisherType fisher, Sharing sharing, int samples, long seed, int dense, int columns) {}

  private KroneckerEstimator(
      Objective<M> f, Settings settings, Function<KroneckerRun<M>, K> result) {
    this.f = f;
    this.settings = settings;
    this.result = result;
  }

  static <M> KroneckerEstimator<M, Kfac> kfac(Objective<M> f) {
    return of(f, KroneckerRun::factors);
  }

  static <M> KroneckerEstimator<M, Ekfac> ekfac(Objective<M> f) {
    return of(f, KroneckerRun::corrected);
  }

  private static <M, K extends BlockCurvature> KroneckerEstimator<M, K> of(
      Objective<M> f, Function<KroneckerRun<M>, K> result) {
    Objects.requireNonNull(f, "f");
    f.lossFunction();
    Settings s = new Settings(FisherType.TYPE2, Sharing.EXPAND, 1, 0, 1024, 0);
    return new KroneckerEstimator<>(f, s, result);
  }

  private KroneckerEstimator<M, K> with(Settings other) {
    return new KroneckerEstimator<>(f, other, result);
  }

  /**
   * What gradients are made of; {@link FisherType#TYPE2} unless said otherwise. For each example
   * that sends as many cotangents back as it has outputs, terms times classes: {@link
   * FisherType#MONTE_CARLO} is for where these are many.
   */
  public KroneckerEstimator<M, K> fisher(FisherType type) {
    Settings s = settings;
    return with(new Settings(type, s.sharing, s.samples, s.seed, s.dense, s.columns));
  }

  /** How places share a weight; {@link Sharing#EXPAND} unless said otherwise. */
  public KroneckerEstimator<M, K> sharing(Sharing sharing) {
    Settings s = settings;
    return with(new Settings(s.fisher, sharing, s.samples, s.seed, s.dense, s.columns));
  }

  /**
   * Draws for each example, of {@link FisherType#MONTE_CARLO}; 1 unless said otherwise.
   *
   * @throws IllegalArgumentException if there are none
   */
  public KroneckerEstimator<M, K> samples(int samples) {
    Settings s = settings;
    requirePositive("samples", samples);
    return with(new Settings(s.fisher, s.sharing, samples, s.seed, s.dense, s.columns));
  }

  /** Seed of the draws, 0 unless said otherwise: as {@link Fisher#monteCarlo} draws them. */
  public KroneckerEstimator<M, K> seed(long seed) {
    Settings s = settings;
    return with(new Settings(s.fisher, s.sharing, s.samples, seed, s.dense, s.columns));
  }

  /**
   * Up to how many numbers parameters that belong to no weight (scale and shift of a norm together,
   * a bias alone) have an exact block; above, its diagonal. 1,024 unless said otherwise.
   *
   * @throws IllegalArgumentException if negative
   */
  public KroneckerEstimator<M, K> dense(int numbers) {
    Settings s = settings;
    if (numbers < 0) {
      throw new IllegalArgumentException("dense: " + numbers + "; expected 0 or more");
    }
    return with(new Settings(s.fisher, s.sharing, s.samples, s.seed, numbers, s.columns));
  }

  /**
   * How many cotangents of each example go back through the network at once. Less take less memory,
   * and as many more passes. Unless said otherwise so many that their gradients at all layers are
   * 64 million numbers for a batch.
   *
   * @throws IllegalArgumentException if not positive
   */
  public KroneckerEstimator<M, K> columns(int columns) {
    Settings s = settings;
    requirePositive("columns", columns);
    return with(new Settings(s.fisher, s.sharing, s.samples, s.seed, s.dense, columns));
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + "; 1 is the least");
    }
  }

  /**
   * Goes over the data.
   *
   * @throws IllegalArgumentException if a use of a parameter is not covered, or the outputs of an
   *     example depend on the others of its batch; or, unless {@link FisherType#EMPIRICAL}, the
   *     loss is no {@link org.hesse.nn.Likelihood}
   */
  public K run() {
    if (settings.fisher != FisherType.EMPIRICAL) {
      f.likelihood();
    }
    return Hesse.on(f.device(), () -> result.apply(new KroneckerRun<>(f, settings)));
  }
}
