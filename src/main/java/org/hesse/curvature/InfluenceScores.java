package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.Tensor;

/**
 * What {@link Influence} found: a score for each pair of a row, such as a test sample, and a
 * training sample. Positive scores help: without the sample the row's loss would be larger.
 */
public final class InfluenceScores {
  /**
   * A training sample and its score.
   *
   * @param sample its number in the training data's order
   */
  public record Ranked(int sample, double score) {}

  private final Tensor values;
  private final double divisor;
  private final double[] residuals;
  private final boolean converged;

  /**
   * Holds its arguments.
   *
   * @param divisor what turns a score into the change that leaving a sample out makes
   * @param residuals of the systems solved, empty where they are not known
   */
  InfluenceScores(Tensor values, double divisor, double[] residuals, boolean converged) {
    this.values = values;
    this.divisor = divisor;
    this.residuals = residuals;
    this.converged = converged;
  }

  /** g(row)ᵀ (C + λI)⁻¹ g(sample), [rows, training samples], where the model is. */
  public Tensor values() {
    return values;
  }

  /**
   * The predicted change of each row's loss when a training sample is left out and the model is
   * trained again: the score over the number of the loss's terms where the objective is a mean, the
   * score itself where it is a sum.
   *
   * @return [rows, training samples]
   */
  public Tensor leaveOneOut() {
    return values.div(divisor);
  }

  /** The k training samples that lower a row's loss most, the most helpful first. */
  public List<Ranked> helpful(int row, int k) {
    return ranked(row, k, Comparator.comparingDouble(Ranked::score).reversed());
  }

  /** The k training samples that raise a row's loss most, or lower it least, the worst first. */
  public List<Ranked> harmful(int row, int k) {
    return ranked(row, k, Comparator.comparingDouble(Ranked::score));
  }

  private List<Ranked> ranked(int row, int k, Comparator<Ranked> order) {
    if (row < 0 || row >= values.dim(0)) {
      throw new IndexOutOfBoundsException(
          "row: " + row + " of scores " + values.shape() + "; expected 0 to " + values.dim(0));
    }
    if (k < 1) {
      throw new IllegalArgumentException("k: " + k + "; expected 1 or more");
    }
    double[] scores = values.select(0, row).toDoubleArray();
    List<Ranked> all = new ArrayList<>();
    IntStream.range(0, scores.length).forEach(i -> all.add(new Ranked(i, scores[i])));
    all.sort(order);
    return List.copyOf(all.subList(0, Math.min(k, all.size())));
  }

  /**
   * ‖g − (C + λI) x‖ / ‖g‖ of each linear system that was solved: one for each row, or for {@link
   * Influence#self} for each training sample.
   *
   * @throws IllegalStateException if the inverse does not know them
   */
  public double[] relativeResiduals() {
    if (residuals.length == 0) {
      throw new IllegalStateException(
          "relativeResiduals: the inverse is an operator that does not say how good it is; name the"
              + " damped curvature with measuredBy, or use an org.hesse.linalg.Inverse");
    }
    return residuals.clone();
  }

  /**
   * Whether every system was solved to its solver's tolerance; true for an inverse that is no
   * {@link org.hesse.linalg.Inverse}, which has none.
   */
  public boolean converged() {
    return converged;
  }

  @Override
  public String toString() {
    return "influence scores "
        + values.shape()
        + (converged ? "" : ", not converged")
        + (residuals.length == 0
            ? ""
            : ", largest relative residual " + Arrays.stream(residuals).max().getAsDouble());
  }
}
