package org.hesse.curvature.landscape;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;

/**
 * Directions in the space of an objective's parameters, as rows of [d, n].
 *
 * <pre>{@code
 * Tensor random = Directions.filterNormalized(f, Directions.random(f, 2, 0), Vectors.IGNORED);
 * Tensor steepest = Lanczos.of(Hessian.of(f)).largest(2).vectors(true).run().vectors();
 * }</pre>
 */
public final class Directions {
  private Directions() {}

  /** What becomes of parameters that have no filters: biases, scales and shifts of norms. */
  public enum Vectors {
    /** They do not move. */
    IGNORED,
    /** Each such tensor counts as one filter. */
    SCALED
  }

  /**
   * Directions with independent standard normal components.
   *
   * @param count d, 1 or more
   * @return [d, n]
   */
  public static Tensor random(Objective<?> f, int count, long seed) {
    return Hesse.on(f.device(), () -> RngKey.of(seed).normal(f.dtype(), count, f.size()));
  }

  /**
   * Directions scaled filter by filter to the norms of the parameters themselves, so that slices of
   * different networks compare: a network whose weights are larger, and which needs larger steps to
   * change as much, does not look flatter (Li, Xu, Taylor, Studer and Goldstein 2018, Visualizing
   * the loss landscape of neural nets, section 4).
   *
   * <p>Filters are the slices of a tensor along its first axis: for a weight [out, in] what makes
   * one output, for a convolution's [out, in, …] the window of one output channel. A filter whose
   * parameters are all zero does not move.
   *
   * @param f the objective, at whose parameters norms are taken
   * @param directions [d, n]
   * @param vectors what becomes of tensors of rank 0 and 1
   * @return [d, n]
   */
  public static Tensor filterNormalized(Objective<?> f, Tensor directions, Vectors vectors) {
    require(f, directions);
    return Hesse.on(
        f.device(),
        () -> {
          Tensor[] rows = new Tensor[directions.dim(0)];
          for (int i = 0; i < rows.length; i++) {
            rows[i] = normalized(f, directions.select(0, i), vectors);
          }
          return Tensor.stack(0, rows);
        });
  }

  private static Tensor normalized(Objective<?> f, Tensor direction, Vectors vectors) {
    List<Tensor> parameters = f.leaves();
    List<Tensor> parts = f.unravel(direction);
    List<Tensor> scaled = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      Tensor part = parts.get(i);
      boolean vector = part.rank() < 2;
      scaled.add(
          vector && vectors == Vectors.IGNORED
              ? part.mul(0)
              : scaled(part, parameters.get(i), vector ? 1 : part.dim(0)));
    }
    return f.ravel(scaled);
  }

  /** A tensor whose filters get the norms of another one's. */
  private static Tensor scaled(Tensor direction, Tensor parameter, int filters) {
    Tensor d = direction.reshape(filters, -1).cast(DType.F64);
    Tensor p = parameter.reshape(filters, -1).cast(DType.F64);
    Tensor length = d.square().sum(1).sqrt();
    Tensor wanted = p.square().sum(1).sqrt();
    Tensor none = Tensor.zeros(DType.F64, filters);
    Tensor factor = length.gt(0).select(wanted.div(length), none);
    return d.mul(factor.insertAxis(1)).cast(direction.dtype()).reshape(direction.shape().dims());
  }

  static void require(Objective<?> f, Tensor directions) {
    Shape shape = directions.shape();
    if (shape.rank() != 2
        || shape.dim(0) < 1
        || shape.dim(1) != f.size()
        || directions.dtype() != f.dtype()) {
      throw new IllegalArgumentException(
          "directions: "
              + directions.dtype()
              + shape
              + "; expected "
              + f.dtype()
              + "[d, "
              + f.size()
              + "], a row for each of d directions");
    }
  }
}
