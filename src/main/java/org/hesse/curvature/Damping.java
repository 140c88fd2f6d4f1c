package org.hesse.curvature;

/**
 * What is added to a curvature K before it is inverted: λI, exactly or spread over Kronecker
 * factors.
 *
 * <pre>{@code
 * LinearOperator inverse = kfac.inverse(Damping.exact(1e-3));      // (G ⊗ A + λI)⁻¹
 * LinearOperator cheap = kfac.inverse(Damping.pi(1e-3));
 * }</pre>
 *
 * <p>A block without two factors, dense or diagonal, is damped by λI in any case.
 *
 * @param scheme how λ meets the factors
 * @param value λ, 0 or more
 */
public record Damping(Scheme scheme, double value) {
  /** None: K itself, which must be regular where it is inverted. */
  public static final Damping NONE = new Damping(Scheme.EXACT, 0);

  /** How λ meets G ⊗ A. */
  public enum Scheme {
    /** G ⊗ A + λI, by eigen-decompositions of both factors. */
    EXACT,

    /**
     * (G + √λ/π·I) ⊗ (A + π√λ·I) with π = √((tr A / p) / (tr G / q)), which is the same for A → cA,
     * G → G/c (Martens and Grosse, Optimizing neural networks with Kronecker-factored approximate
     * curvature, 2015, section 6.3). It has two terms more than {@link #EXACT}. If a factor is zero
     * it is λI, the limit.
     */
    PI,

    /** (G + √λ·I) ⊗ (A + √λ·I); depends on how the scale of G ⊗ A is spread over its factors. */
    EQUAL
  }

  /**
   * A damping.
   *
   * @throws IllegalArgumentException if λ is negative or not finite
   */
  public Damping {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(
          "damping: " + value + "; expected a finite number, 0 or more, such as 1e-3");
    }
  }

  /** {@link Scheme#EXACT}. */
  public static Damping exact(double value) {
    return new Damping(Scheme.EXACT, value);
  }

  /** {@link Scheme#PI}. */
  public static Damping pi(double value) {
    return new Damping(Scheme.PI, value);
  }

  /** {@link Scheme#EQUAL}. */
  public static Damping equal(double value) {
    return new Damping(Scheme.EQUAL, value);
  }
}
