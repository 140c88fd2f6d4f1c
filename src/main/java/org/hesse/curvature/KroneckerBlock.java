package org.hesse.curvature;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.Matrices;
import org.hesse.Tensor;

/**
 * X ↦ G X A for X [q, p], which is G ⊗ A on the rows of X one after the other: of a layer's weight
 * [out, in] and its bias as the last column, with p = in + 1; of a convolution's kernels [out,
 * in·kh·kw]; of an embedding, transposed.
 *
 * <pre>{@code
 * var block = new KroneckerBlock(
 *     List.of(ParameterPart.matrix("0.weight", w.shape()), ParameterPart.column("0.bias", b.shape())),
 *     g, a);                                                     // [out, out], [in + 1, in + 1]
 * Tensor step = block.inverse(Damping.pi(1e-3)).apply(gradient); // [out, in + 1]
 * }</pre>
 *
 * <p>Inverses with {@link Damping.Scheme#EXACT} are {@link EigenBlock}s, others are again of this
 * kind.
 *
 * @param output G, symmetric and positive semidefinite, [q, q], or [q] for a diagonal one
 * @param input A, likewise, [p, p], or [p] for a diagonal one, as embeddings have
 */
public record KroneckerBlock(List<ParameterPart> parts, Tensor output, Tensor input)
    implements CurvatureBlock {
  /**
   * A block.
   *
   * @throws IllegalArgumentException if factors and parts do not fit, or the dtypes differ
   */
  public KroneckerBlock {
    parts = Blocks.requireParts(parts);
    Blocks.requireSymmetric(parts, "output", output, parts.getFirst().rows());
    Blocks.requireSymmetric(
        parts, "input", input, parts.stream().mapToInt(ParameterPart::columns).sum());
    Blocks.requireSame(parts, "input", input, "output", output);
  }

  @Override
  public Map<String, Tensor> statistics() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    all.put("output", output);
    all.put("input", input);
    return all;
  }

  @Override
  public KroneckerBlock withStatistics(Map<String, Tensor> s) {
    return new KroneckerBlock(parts, Blocks.get(this, s, "output"), Blocks.get(this, s, "input"));
  }

  @Override
  public Tensor apply(Tensor x) {
    return Blocks.left(output, Blocks.right(x, input));
  }

  /** tr G · tr A. */
  @Override
  public double trace() {
    return Blocks.trace(output) * Blocks.trace(input);
  }

  /** ‖G‖ ‖A‖. */
  @Override
  public double frobeniusNorm() {
    return Blocks.frobeniusNorm(output) * Blocks.frobeniusNorm(input);
  }

  @Override
  public double logDeterminant(Damping damping) {
    Spectra s = spectra(Matrices::eigh);
    if (damping.value() > 0 && damping.scheme() == Damping.Scheme.EXACT) {
      double[] a = s.input.values();
      return Arrays.stream(s.output.values())
          .flatMap(g -> Arrays.stream(a).map(x -> Math.log(g * x + damping.value())))
          .sum();
    }
    Shifts by = s.shifts(damping);
    if (by.replaced) {
      return size() * Math.log(damping.value());
    }
    return columns() * s.output.logDeterminant(by.output)
        + rows() * s.input.logDeterminant(by.input);
  }

  @Override
  public CurvatureBlock power(Damping damping, double exponent) {
    return power(damping, exponent, Matrices::eigh);
  }

  CurvatureBlock power(Damping damping, double exponent, Spectrum.Solver solver) {
    Spectra s = spectra(solver);
    if (damping.value() > 0 && damping.scheme() == Damping.Scheme.EXACT) {
      return s.eigen().power(damping, exponent);
    }
    Shifts by = s.shifts(damping);
    if (by.replaced) {
      double[] g = new double[rows()];
      double[] a = new double[columns()];
      Arrays.fill(g, Math.pow(by.output, exponent));
      Arrays.fill(a, Math.pow(by.input, exponent));
      return new KroneckerBlock(parts, Blocks.vector(g, output), Blocks.vector(a, input));
    }
    return new KroneckerBlock(
        parts, s.output.power(by.output, exponent), s.input.power(by.input, exponent));
  }

  @Override
  public EigenBlock eigen() {
    return spectra(Matrices::eigh).eigen();
  }

  private Spectra spectra(Spectrum.Solver solver) {
    return new Spectra(
        parts,
        Spectrum.of(output, "the output factor G of the " + name(), solver),
        Spectrum.of(input, "the input factor A of the " + name(), solver));
  }

  /**
   * What is added to the factors.
   *
   * @param replaced whether the factors are to be taken as zero
   */
  private record Shifts(double output, double input, boolean replaced) {}

  /** Of both factors. */
  private record Spectra(List<ParameterPart> parts, Spectrum output, Spectrum input) {
    EigenBlock eigen() {
      return new EigenBlock(
          parts, output.basis(), input.basis(), output.tensor().insertAxis(1).mul(input.tensor()));
    }

    Shifts shifts(Damping damping) {
      double root = Math.sqrt(damping.value());
      double g = Math.sqrt(output.mean());
      double a = Math.sqrt(input.mean());
      if (root == 0 || damping.scheme() == Damping.Scheme.EQUAL) {
        return new Shifts(root, root, false);
      }
      return g == 0 || a == 0
          ? new Shifts(root, root, true)
          : new Shifts(root * g / a, root * a / g, false);
    }
  }
}
