package org.hesse.curvature.landscape;

import java.util.Arrays;
import java.util.List;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;

/**
 * The loss over all data along a line or a plane through the parameters.
 *
 * <pre>{@code
 * Tensor v = Lanczos.of(Hessian.of(f)).largest(2).vectors(true).run().vectors();   // [2, n]
 * LossSlice plane = LossSlice.along(f, v).radius(0.5).points(41).run();
 * plane.values();                            // [41, 41]: loss(θ + xᵢ v₀ + yⱼ v₁) at i, j
 * Tensor random = Directions.filterNormalized(f, Directions.random(f, 1, 0), Vectors.IGNORED);
 * LossSlice line = LossSlice.along(f, random).run();
 * }</pre>
 *
 * <p>A slice shows one or two of n dimensions: along random directions, which are nearly orthogonal
 * to the few directions of large curvature, a loss looks flatter than it is.
 *
 * @param axes one or two, F64 [p] each: ascending coordinates with an exact 0 in the middle
 * @param values F64 [p], or [p, q] with the first direction along the rows; infinite or NaN where
 *     the loss is
 * @param centre the loss at the parameters themselves, which is the value in the middle
 */
public record LossSlice(List<Tensor> axes, Tensor values, double centre) {
  /** Copies the list. */
  public LossSlice {
    axes = List.copyOf(axes);
  }

  /**
   * Asks for a slice.
   *
   * @param f the loss, at whose parameters the slice has its centre
   * @param directions [1, n] for a line or [2, n] for a plane, not zero; they need not be unit
   *     vectors nor orthogonal
   * @throws IllegalArgumentException if they are something else
   */
  public static <M> LossSlicer<M> along(Objective<M> f, Tensor directions) {
    return new LossSlicer<>(f, directions);
  }

  /** How many values are infinite or NaN. */
  public int notFinite() {
    return (int) Arrays.stream(values.toDoubleArray()).filter(v -> !Double.isFinite(v)).count();
  }

  @Override
  public String toString() {
    return "loss "
        + centre
        + " at the centre of a slice of "
        + values.shape()
        + (notFinite() > 0 ? ", " + notFinite() + " of them not finite" : "");
  }
}
