package org.hesse.curvature;

import java.nio.file.Path;
import java.util.List;
import org.hesse.io.DataException;

/**
 * Kronecker-factored curvature: the statistics of each layer, as one operator on the vector of all
 * parameters (Martens and Grosse, 2015).
 *
 * <pre>{@code
 * BlockCurvature inverse = kfac.inverse(Damping.pi(1e-3));
 * Tensor step = inverse.apply(gradient);
 *
 * kfac.save(Path.of("kfac.safetensors"));
 * Kfac first = Kfac.load(Path.of("kfac.safetensors"), objective);
 * Kfac all = Kfac.average(List.of(first, second), 6000, 4000);     // by numbers of samples
 * Kfac moving = Kfac.ema(moving, batch, 0.95);
 * }</pre>
 *
 * <p>The mean of Kronecker products is not the product of mean factors. Averages are of the latter
 * kind, as is usual: each of a block's factors is averaged by itself.
 */
public final class Kfac extends BlockCurvature {
  /**
   * The curvature with some blocks.
   *
   * @param layout the parameters of the vector, in its order
   * @param blocks of one dtype and device, such that each number of each parameter is in one
   * @throws IllegalArgumentException if a number is in no block or in several, naming the
   *     parameter, or dtypes or devices differ
   * @throws org.hesse.linalg.NumericalException if statistics are NaN or infinite or a factor is
   *     not symmetric, naming the parameters
   */
  public Kfac(ParameterLayout layout, List<? extends CurvatureBlock> blocks) {
    super(layout, blocks, new BlockPrograms());
    requireSound();
  }

  private Kfac(
      ParameterLayout layout, List<? extends CurvatureBlock> blocks, BlockPrograms programs) {
    super(layout, blocks, programs);
  }

  /**
   * Estimates the factors of an objective's parameters over its data; {@link
   * KroneckerEstimator#run} does it.
   */
  public static <M> KroneckerEstimator<M, Kfac> of(Objective<M> f) {
    return KroneckerEstimator.kfac(f);
  }

  /**
   * The same in bases of eigenvectors: inverses with any exact damping then cost no further
   * decomposition, and eigenvalues can be corrected.
   */
  public Ekfac eigen() {
    return new Ekfac(layout(), blocks().stream().map(CurvatureBlock::eigen).toList(), programs());
  }

  /**
   * The weighted mean of statistics, as of several parts of the data.
   *
   * @param parts of the same parameters in blocks of the same kinds
   * @param weights one for each part, such as its number of samples: none negative, and not all 0;
   *     their sum does not matter
   * @throws IllegalArgumentException if weights or parts do not fit, naming the parameters
   */
  public static Kfac average(List<Kfac> parts, double... weights) {
    return averaged(parts, weights);
  }

  /**
   * The exponential moving average decay · old + (1 − decay) · new of statistics.
   *
   * @param decay in [0, 1], such as 0.95
   * @throws IllegalArgumentException as {@link #average}
   */
  public static Kfac ema(Kfac old, Kfac latest, double decay) {
    return averaged(List.of(old, latest), Averages.decay(decay));
  }

  private static Kfac averaged(List<Kfac> parts, double[] weights) {
    List<CurvatureBlock> means = Averages.of(parts, weights);
    return new Kfac(parts.getFirst().layout(), means, parts.getFirst().programs());
  }

  /**
   * Writes the statistics as a safetensors file, with the parameters' paths and shapes and the
   * kinds of blocks as metadata. No damping is in it.
   *
   * @throws DataException if the file cannot be written
   */
  public void save(Path file) throws DataException {
    CurvatureFile.write(file, "kfac", this);
  }

  /**
   * Reads what {@link #save} has written, to where an objective is and for its parameters.
   *
   * @throws DataException as the other {@code load}, or if the dtype is not the objective's
   */
  public static Kfac load(Path file, Objective<?> objective) throws DataException {
    return CurvatureFile.read(file, "kfac", objective, Kfac::new);
  }

  /**
   * Reads what {@link #save} has written, to the current device.
   *
   * @param parameters those that the file must be of, such as {@code ParameterLayout.of(model)}
   * @throws DataException if the file cannot be read, is no such file or of a version that this
   *     release does not know, or is of other parameters, naming each that does not fit
   */
  public static Kfac load(Path file, ParameterLayout parameters) throws DataException {
    return CurvatureFile.read(file, "kfac", parameters, Kfac::new);
  }
}
