package org.hesse.curvature;

import java.util.Objects;
import java.util.function.Function;
import org.hesse.Hesse;

/**
 * Estimates Kronecker factors over an objective's data; made by {@link Kfac#of} and {@link
 * Ekfac#of}.
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

  private KroneckerEstimator(Objective<M> f, Settings settings, Function<KroneckerRun<M>, K> result) {
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

  /** What gradients are made of; {@link FisherType#TYPE2} unless said otherwise. */
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
