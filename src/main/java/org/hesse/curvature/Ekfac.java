package org.hesse.curvature;

import java.util.List;

/**
 * Eigenvalue-corrected Kronecker-factored curvature: bases of eigenvectors from {@link Kfac}, and
 * eigenvalues in them that need not be products (George, Laurent, Bouthillier, Ballas and Vincent,
 * 2018).
 */
public final class Ekfac extends BlockCurvature {
  /**
   * The curvature with some blocks, like {@link Kfac#Kfac}.
   *
   * @param blocks in bases, one for each group of parameters
   */
  public Ekfac(ParameterLayout layout, List<EigenBlock> blocks) {
    super(layout, blocks);
    requireFinite();
  }
}
