package org.hesse.curvature;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.linalg.NumericalException;

/**
 * X ↦ Q (S ∘ (Qᵀ X R)) Rᵀ: eigenvalues S in the basis of the Kronecker products of the columns of
 * orthogonal Q and R. S is any, and not a product: with the mean squares of the gradients' entries
 * in the basis this is EKFAC (George, Laurent, Bouthillier, Ballas and Vincent, 2018).
 *
 * @param outputBasis Q, [q, q]; the identity if empty
 * @param inputBasis R, [p, p]; the identity if empty
 * @param eigenvalues S, none negative, [q, p]
 */
public record EigenBlock(
    List<ParameterPart> parts,
    Optional<Tensor> outputBasis,
    Optional<Tensor> inputBasis,
    Tensor eigenvalues)
    implements CurvatureBlock {
  /**
   * A block.
   *
   * @throws IllegalArgumentException if bases, eigenvalues and parts do not fit, or dtypes differ
   */
  public EigenBlock {
    parts = Blocks.requireParts(parts);
    int q = parts.getFirst().rows();
    int p = parts.stream().mapToInt(ParameterPart::columns).sum();
    Blocks.requireShape(parts, "eigenvalues", eigenvalues, q, p);
    if (outputBasis.isPresent()) {
      Blocks.requireShape(parts, "outputBasis", outputBasis.get(), q, q);
      Blocks.requireSame(parts, "outputBasis", outputBasis.get(), "eigenvalues", eigenvalues);
    }
    if (inputBasis.isPresent()) {
      Blocks.requireShape(parts, "inputBasis", inputBasis.get(), p, p);
      Blocks.requireSame(parts, "inputBasis", inputBasis.get(), "eigenvalues", eigenvalues);
    }
  }

  @Override
  public Map<String, Tensor> statistics() {
    return Map.of("eigenvalues", eigenvalues);
  }

  @Override
  public EigenBlock withStatistics(Map<String, Tensor> s) {
    return withEigenvalues(Blocks.get(this, s, "eigenvalues"));
  }

  /** The block with other eigenvalues in the same basis, [q, p]. */
  public EigenBlock withEigenvalues(Tensor other) {
    return new EigenBlock(parts, outputBasis, inputBasis, other);
  }

  /**
   * Qᵀ X R, the coordinates in the basis.
   *
   * @param x [q, p], or [k, q, p]
   * @return the shape of x
   */
  public Tensor toBasis(Tensor x) {
    Tensor half = inputBasis.isPresent() ? x.matmul(inputBasis.get()) : x;
    return outputBasis.isPresent() ? half.transpose().matmul(outputBasis.get()).transpose() : half;
  }

  /** Q X Rᵀ, the inverse of {@link #toBasis}. */
  public Tensor fromBasis(Tensor x) {
    Tensor half = inputBasis.isPresent() ? x.matmul(inputBasis.get().transpose()) : x;
    return outputBasis.isPresent()
        ? half.transpose().matmul(outputBasis.get().transpose()).transpose()
        : half;
  }

  @Override
  public Tensor apply(Tensor x) {
    return fromBasis(toBasis(x).mul(eigenvalues));
  }

  @Override
  public double trace() {
    return Blocks.trace(eigenvalues.reshape(-1));
  }

  @Override
  public double frobeniusNorm() {
    return Blocks.frobeniusNorm(eigenvalues);
  }

  @Override
  public double logDeterminant(Damping damping) {
    requireExact(damping);
    requireNotNegative();
    if (damping.value() == 0 && singular()) {
      return Double.NEGATIVE_INFINITY;
    }
    Tensor values = eigenvalues.cast(DType.F64);
    return values.add(Blocks.scalar(damping.value(), values)).log().sum().item();
  }

  @Override
  public EigenBlock power(Damping damping, double exponent) {
    requireExact(damping);
    requireNotNegative();
    if (damping.value() == 0 && exponent < 0 && singular()) {
      throw new NumericalException(
          name()
              + " is singular: its smallest eigenvalue is "
              + smallest()
              + ", the largest "
              + largest()
              + "; add damping, such as Damping.exact(1e-3)");
    }
    Tensor damped = eigenvalues.add(Blocks.scalar(damping.value(), eigenvalues));
    return withEigenvalues(damped.pow(Blocks.scalar(exponent, damped)));
  }

  @Override
  public EigenBlock eigen() {
    return this;
  }

  private void requireExact(Damping damping) {
    if (damping.scheme() != Damping.Scheme.EXACT && damping.value() > 0) {
      throw new IllegalArgumentException(
          "damping: "
              + damping
              + " for the "
              + name()
              + ", which has no factors to spread it over; use Damping.exact");
    }
  }

  private void requireNotNegative() {
    double smallest = smallest();
    double largest = largest();
    if (!(smallest >= 0) || Double.isInfinite(largest)) {
      Spectrum.requireFinite(eigenvalues, "the eigenvalues of the " + name());
      throw new NumericalException(
          name() + " has the eigenvalue " + smallest + "; expected none below 0");
    }
  }

  private boolean singular() {
    return smallest() <= 10 * dtype().epsilon() * largest();
  }

  private double smallest() {
    return -eigenvalues.neg().max().item();
  }

  private double largest() {
    return eigenvalues.max().item();
  }
}
