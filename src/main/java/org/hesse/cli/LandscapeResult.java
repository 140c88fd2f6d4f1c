package org.hesse.cli;

import java.util.List;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.hesse.linalg.EigenvalueCount;
import org.jspecify.annotations.Nullable;

/**
 * What {@code landscape} has measured; written as it is to JSON.
 *
 * @param parameters how many the model has
 * @param samples how many the mean is over
 * @param loss mean over the samples
 * @param gradientNorm Euclidean norm of the mean loss's gradient
 * @param point what kind of point of the loss the model is at
 * @param sharpness how steep the loss gets around it
 * @param slice the loss along one or two directions
 * @param device where it was measured
 * @param dtype in which precision
 * @param matvecs products of the Hessian with a vector
 * @param seconds from the first product to the last
 * @param seed of every random choice
 * @param model the architecture
 * @param data the data set
 * @param lossName the loss function
 */
record LandscapeResult(
    long parameters,
    long samples,
    double loss,
    double gradientNorm,
    Point point,
    Sharpness sharpness,
    Slice slice,
    String device,
    String dtype,
    long matvecs,
    double seconds,
    long seed,
    String model,
    String data,
    String lossName) {
  /**
   * A point's classification.
   *
   * @param kind not-critical, minimum, maximum, saddle, degenerate or undecided
   * @param gradientTolerance norm up to which a gradient counts as zero
   * @param hessian positive-definite, negative-definite, indefinite, semidefinite or undecided
   * @param smallest eigenvalue, algebraically
   * @param largest eigenvalue, algebraically
   * @param zeroTolerance magnitude up to which an eigenvalue counts as zero
   * @param negative eigenvalues; at a critical point the Morse index
   * @param zero eigenvalues that count as zero
   * @param positive eigenvalues
   */
  record Point(
      String kind,
      double gradientTolerance,
      String hessian,
      Eigenvalue smallest,
      Eigenvalue largest,
      double zeroTolerance,
      EigenvalueCount negative,
      EigenvalueCount zero,
      EigenvalueCount positive) {}

  /**
   * Sharpness.
   *
   * @param value largest eigenvalue
   * @param residual a bound on its error
   * @param largestStableRate learning rate beyond which gradient descent is unstable, 2/value; null
   *     if no eigenvalue is positive
   * @param radius of a ball around the parameters
   * @param rise of the loss in that ball along the gradient
   */
  record Sharpness(
      double value,
      double residual,
      @Nullable Double largestStableRate,
      double radius,
      double rise) {}

  /**
   * Losses along directions.
   *
   * @param directions eigenvectors or random
   * @param filterNormalized whether they were scaled filter by filter
   * @param eigenvalues of the eigenvectors; null for random directions
   * @param x coordinates along the first direction
   * @param y coordinates along the second; null if there is none
   * @param loss at each x, and within these at each y
   * @param notFinite how many of them are infinite or NaN
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data on its way to JSON
  record Slice(
      String directions,
      boolean filterNormalized,
      @Nullable List<Eigenvalue> eigenvalues,
      double[] x,
      double @Nullable [] y,
      double[][] loss,
      int notFinite) {
    /** Losses along the first direction, through the centre. */
    double[] alongX() {
      double[] line = new double[x.length];
      for (int i = 0; i < line.length; i++) {
        line[i] = loss[i][loss[i].length / 2];
      }
      return line;
    }

    /** Losses along the second direction, through the centre. */
    double[] alongY() {
      return loss[x.length / 2];
    }

    /** The directions in words. */
    String names() {
      return directions.equals("random") ? "random directions" : directions;
    }

    /** The direction of a number, 0 or 1, in words. */
    String name(int direction) {
      return directions.equals("random")
          ? "random direction " + (direction + 1)
          : "eigenvector " + (direction + 1);
    }
  }
}
