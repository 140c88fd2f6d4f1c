package org.hesse.curvature;

import java.util.List;

/** Kronecker-factored curvature: the statistics of each layer, as one operator. */
public final class Kfac extends BlockCurvature {
  /**
   * The curvature with some blocks.
   *
   * @param layout the parameters of the vector, in its order
   * @param blocks of one dtype and device, such that each number of each parameter is in one
   * @throws IllegalArgumentException if a number is in no block or in several, naming the
   *     parameter, or dtypes or devices differ
   * @throws org.hesse.linalg.NumericalException if statistics are NaN or infinite, naming the
   *     parameters
   */
  public Kfac(ParameterLayout layout, List<? extends CurvatureBlock> blocks) {
    super(layout, blocks);
    requireFinite();
  }

  /** The same in bases of eigenvectors, whose eigenvalues can be corrected. */
  public Ekfac eigen() {
    return new Ekfac(layout(), blocks().stream().map(CurvatureBlock::eigen).toList());
  }
}
