package org.hesse.curvature;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hesse.Matrices;
import org.hesse.Tensor;

/**
 * A symmetric matrix over few parameters, such as scale and shift of a normalisation: x ↦ x M for X
 * = x [1, d].
 *
 * @param parts made by {@link ParameterPart#entries}
 * @param matrix M, positive semidefinite, [d, d]
 */
public record DenseBlock(List<ParameterPart> parts, Tensor matrix) implements CurvatureBlock {
  /**
   * A block.
   *
   * @throws IllegalArgumentException if matrix and parts do not fit
   */
  public DenseBlock {
    parts = Blocks.requireParts(parts);
    Blocks.requireOneRow(parts);
    int d = parts.stream().mapToInt(ParameterPart::columns).sum();
    Blocks.requireShape(parts, "matrix", matrix, d, d);
  }

  @Override
  public Map<String, Tensor> statistics() {
    return Map.of("matrix", matrix);
  }

  @Override
  public DenseBlock withStatistics(Map<String, Tensor> s) {
    return new DenseBlock(parts, Blocks.get(this, s, "matrix"));
  }

  @Override
  public Tensor apply(Tensor x) {
    return x.matmul(matrix);
  }

  @Override
  public double trace() {
    return Blocks.trace(matrix);
  }

  @Override
  public double frobeniusNorm() {
    return Blocks.frobeniusNorm(matrix);
  }

  @Override
  public double logDeterminant(Damping damping) {
    return spectrum().logDeterminant(damping.value());
  }

  @Override
  public DenseBlock power(Damping damping, double exponent) {
    return new DenseBlock(parts, spectrum().power(damping.value(), exponent));
  }

  @Override
  public EigenBlock eigen() {
    Spectrum s = spectrum();
    return new EigenBlock(parts, Optional.empty(), s.basis(), s.tensor().insertAxis(0));
  }

  private Spectrum spectrum() {
    return Spectrum.of(matrix, "the matrix of the " + name(), Matrices::eigh);
  }
}
