package org.hesse.curvature;

import java.nio.file.Path;
import java.util.List;
import org.hesse.io.DataException;

/**
 * Eigenvalue-corrected Kronecker-factored curvature: bases of eigenvectors from {@link Kfac}, and
 * eigenvalues in them that need not be products (George, Laurent, Bouthillier, Ballas and Vincent,
 * Fast approximate natural gradient descent in a Kronecker-factored eigenbasis, 2018). Only {@link
 * Damping#exact} is for it.
 */
public final class Ekfac extends BlockCurvature {
  /**
   * The curvature with some blocks; see {@link Kfac#Kfac}.
   *
   * @param blocks such as those of {@link Kfac#eigen}, or {@link EigenBlock#withEigenvalues} of
   *     them
   */
  public Ekfac(ParameterLayout layout, List<? extends CurvatureBlock> blocks) {
    super(layout, blocks, new BlockPrograms());
    requireSound();
  }

  Ekfac(ParameterLayout layout, List<? extends CurvatureBlock> blocks, BlockPrograms programs) {
    super(layout, blocks, programs);
  }

  /**
   * Estimates factors of an objective's parameters over its data, and in a second pass the
   * eigenvalues in their bases: the diagonal of Qᵀ F Q of the curvature F that {@link
   * KroneckerEstimator#fisher} names, exactly, whatever the weights share. {@link
   * KroneckerEstimator#run} does it.
   */
  public static <M> KroneckerEstimator<M, Ekfac> of(Objective<M> f) {
    return KroneckerEstimator.ekfac(f);
  }

  /**
   * The weighted mean of eigenvalues; see {@link Kfac#average}.
   *
   * @throws IllegalArgumentException also if bases differ
   */
  public static Ekfac average(List<Ekfac> parts, double... weights) {
    return averaged(parts, weights);
  }

  /** The exponential moving average of eigenvalues in the same bases; see {@link Kfac#ema}. */
  public static Ekfac ema(Ekfac old, Ekfac latest, double decay) {
    return averaged(List.of(old, latest), Averages.decay(decay));
  }

  private static Ekfac averaged(List<Ekfac> parts, double[] weights) {
    List<CurvatureBlock> means = Averages.of(parts, weights);
    return new Ekfac(parts.getFirst().layout(), means, parts.getFirst().programs());
  }

  /** Writes bases and eigenvalues; see {@link Kfac#save}. */
  public void save(Path file) throws DataException {
    CurvatureFile.write(file, "ekfac", this);
  }

  /** Reads what {@link #save} has written; see {@link Kfac#load(Path, Objective)}. */
  public static Ekfac load(Path file, Objective<?> objective) throws DataException {
    return CurvatureFile.read(file, "ekfac", objective, Ekfac::new);
  }

  /** Reads what {@link #save} has written; see {@link Kfac#load(Path, ParameterLayout)}. */
  public static Ekfac load(Path file, ParameterLayout parameters) throws DataException {
    return CurvatureFile.read(file, "ekfac", parameters, Ekfac::new);
  }
}
