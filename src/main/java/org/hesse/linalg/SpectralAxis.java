package org.hesse.linalg;

/**
 * What a density is drawn over: the eigenvalue, or a logarithm of it that has both signs.
 *
 * <p>The signed logarithmic axis is x = asinh(λ/2f)/ln 10 for a floor f. Where |λ| is far above f
 * that is ± log₁₀(|λ|/f), the decades above the floor; where it is far below, it is proportional to
 * λ. So a bulk at zero, outliers over many orders of magnitude and negative eigenvalues are in one
 * picture, without a cut at zero.
 *
 * @param floor f; 0 for the linear axis
 */
public record SpectralAxis(double floor) {
  /** The eigenvalue itself. */
  public static final SpectralAxis LINEAR = new SpectralAxis(0);

  /** Checks the floor. */
  public SpectralAxis {
    if (!(floor >= 0) || Double.isInfinite(floor)) {
      throw new IllegalArgumentException(
          "floor: "
              + floor
              + "; expected a positive number, such as 1e-6 of the largest magnitude, or 0 for a "
              + "linear axis");
    }
  }

  /**
   * The signed logarithmic axis.
   *
   * @param floor magnitudes far below count as zero, such as 10⁻⁶ times the largest
   */
  public static SpectralAxis signedLog(double floor) {
    if (floor == 0) {
      throw new IllegalArgumentException(
          "floor: 0; expected a positive number, such as 1e-6 of the largest magnitude");
    }
    return new SpectralAxis(floor);
  }

  /** Where an eigenvalue is on the axis. */
  public double position(double eigenvalue) {
    if (floor == 0) {
      return eigenvalue;
    }
    double x = Math.abs(eigenvalue) / (2 * floor);
    double asinh = Math.log1p(x + x * (x / (1 + Math.hypot(1, x))));
    return Math.copySign(asinh, eigenvalue) / Math.log(10);
  }

  /** The eigenvalue at a position. */
  public double eigenvalue(double position) {
    return floor == 0 ? position : 2 * floor * Math.sinh(position * Math.log(10));
  }
}
