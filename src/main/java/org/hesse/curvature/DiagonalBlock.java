package org.hesse.curvature;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hesse.Matrices;
import org.hesse.Tensor;

/**
 * A diagonal over parameters: x ↦ x · d for X = x [1, d].
 *
 * @param parts made by {@link ParameterPart#entries}
 * @param diagonal none negative, [d]
 */
public record DiagonalBlock(List<ParameterPart> parts, Tensor diagonal) implements CurvatureBlock {
  /**
   * A block.
   *
   * @throws IllegalArgumentException if diagonal and parts do not fit
   */
  public DiagonalBlock {
    parts = Blocks.requireParts(parts);
    Blocks.requireOneRow(parts);
    int d = parts.stream().mapToInt(ParameterPart::columns).sum();
    Blocks.requireShape(parts, "diagonal", diagonal, d);
  }

  @Override
  public Map<String, Tensor> statistics() {
    return Map.of("diagonal", diagonal);
  }

  @Override
  public DiagonalBlock withStatistics(Map<String, Tensor> s) {
    return new DiagonalBlock(parts, Blocks.get(this, s, "diagonal"));
  }

  @Override
  public Tensor apply(Tensor x) {
    return x.mul(diagonal);
  }

  @Override
  public double trace() {
    return Blocks.trace(diagonal);
  }

  @Override
  public double frobeniusNorm() {
    return Blocks.frobeniusNorm(diagonal);
  }

  @Override
  public double logDeterminant(Damping damping) {
    return spectrum().logDeterminant(damping.value());
  }

  @Override
  public DiagonalBlock power(Damping damping, double exponent) {
    return new DiagonalBlock(parts, spectrum().power(damping.value(), exponent));
  }

  @Override
  public EigenBlock eigen() {
    Tensor values = spectrum().tensor().insertAxis(0);
    return new EigenBlock(parts, Optional.empty(), Optional.empty(), values);
  }

  private Spectrum spectrum() {
    return Spectrum.of(diagonal, "the diagonal of the " + name(), Matrices::eigh);
  }
}
