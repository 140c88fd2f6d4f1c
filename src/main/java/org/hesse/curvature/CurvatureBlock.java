package org.hesse.curvature;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.linalg.NumericalException;

/**
 * The curvature K of one group of parameters, symmetric and positive semidefinite: a linear map of
 * matrices X [q, p], whose columns are the group's {@link #parts()}. As a matrix K is over the
 * numbers of X in row-major order.
 *
 * <p>Roots, inverses and determinants are of K with {@link Damping}. Eigenvalues that rounding has
 * made negative count as 0; it may have moved those of a matrix M by 10 √n ε ‖M‖, where ε is the
 * dtype's. Up to there an eigenvalue counts as 0 without damping, so K is singular.
 *
 * <h2>Errors</h2>
 *
 * Statistics that are NaN or infinite, a matrix that has negative eigenvalues beyond what rounding
 * explains, and the inverse of a singular K are a {@link NumericalException} with the paths of the
 * parameters. Where an eigen-decomposition in F32 fails it is repeated in F64, with a warning on
 * the logger {@code org.hesse}.
 */
public sealed interface CurvatureBlock
    permits KroneckerBlock, EigenBlock, DenseBlock, DiagonalBlock {

  /** The largest n of {@link #toDense}. */
  int DENSE_LIMIT = 16_384;

  /** The parameters, or parts of them, that are the columns of X from left to right. */
  List<ParameterPart> parts();

  /**
   * The tensors that describe K by name, all of one dtype and device. K is linear in each of them.
   */
  Map<String, Tensor> statistics();

  /** A block of the same kind and parameters with other statistics, of the same names. */
  CurvatureBlock withStatistics(Map<String, Tensor> statistics);

  /**
   * The product with each of some matrices.
   *
   * @param x [q, p], or [k, q, p]
   * @return the shape of x
   */
  Tensor apply(Tensor x);

  /** The sum of the eigenvalues. */
  double trace();

  /** The root of the sum of the squares of K's elements. */
  double frobeniusNorm();

  /** log det of the damped K; −∞ if K is singular and there is no damping. */
  double logDeterminant(Damping damping);

  /**
   * A power of the damped K, such as −1, −½, or −¼.
   *
   * @throws NumericalException if the exponent is negative and the damped K is singular
   * @throws IllegalArgumentException if the damping needs factors and there are none any more, in
   *     an {@link EigenBlock}
   */
  CurvatureBlock power(Damping damping, double exponent);

  /** K in a basis of eigenvectors: then inverses for any λ cost no further decomposition. */
  EigenBlock eigen();

  /** (K + damping)⁻¹; see {@link #power}. */
  default CurvatureBlock inverse(Damping damping) {
    return power(damping, -1);
  }

  /** (K + damping)^−½; see {@link #power}. */
  default CurvatureBlock inverseRoot(Damping damping) {
    return power(damping, -0.5);
  }

  /** log det K; −∞ if K is singular. */
  default double logDeterminant() {
    return logDeterminant(Damping.NONE);
  }

  /** q, how many rows X has. */
  default int rows() {
    return parts().getFirst().rows();
  }

  /** p, how many columns X has. */
  default int columns() {
    return parts().stream().mapToInt(ParameterPart::columns).sum();
  }

  /** q·p, how many numbers X has. */
  default int size() {
    return rows() * columns();
  }

  /** The element type, F32 or F64. */
  default DType dtype() {
    return statistics().values().iterator().next().dtype();
  }

  /** Where the statistics are. */
  default Device device() {
    return statistics().values().iterator().next().device();
  }

  /**
   * K as a matrix, [q·p, q·p].
   *
   * @throws IllegalArgumentException if q·p exceeds {@value #DENSE_LIMIT}
   */
  default Tensor toDense() {
    int n = size();
    if (n > DENSE_LIMIT) {
      throw new IllegalArgumentException(
          "toDense: "
              + name()
              + " has "
              + n
              + " rows; at most "
              + DENSE_LIMIT
              + " are written out; use products");
    }
    Tensor units = Hesse.on(device(), () -> Tensor.eye(dtype(), n));
    return apply(units.reshape(n, rows(), columns())).reshape(n, n).transpose();
  }

  /** The kind and the parameters, for messages. */
  default String name() {
    return getClass().getSimpleName()
        + " of "
        + parts().stream().map(ParameterPart::path).distinct().collect(Collectors.joining(", "));
  }
}
