package org.hesse.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code spectrum} has measured; written as it is to JSON.
 *
 * @param parameters how many the model has
 * @param samples how many the mean is over
 * @param loss mean over the samples
 * @param accuracy share of samples labelled right; null for regression
 * @param gradientNorm Euclidean norm of the mean loss's gradient
 * @param operator what the eigenvalues are of
 * @param device where it was measured
 * @param dtype in which precision
 * @param size how many rows the operator has
 * @param eigenvalues of largest magnitude, the largest first
 * @param trace with its standard error
 * @param density of all eigenvalues; null if not asked for
 * @param layers the same of each layer's diagonal block; null if not asked for
 * @param matvecs products of the operator with a vector
 * @param seconds from the first product to the last
 * @param seed of every random choice
 * @param model the architecture
 * @param data the data set
 * @param lossName the loss function
 */
record SpectrumResult(
    long parameters,
    long samples,
    double loss,
    @Nullable Double accuracy,
    double gradientNorm,
    String operator,
    String device,
    String dtype,
    long size,
    List<Eigenvalue> eigenvalues,
    Trace trace,
    @Nullable Density density,
    @Nullable List<Block> layers,
    long matvecs,
    double seconds,
    long seed,
    String model,
    String data,
    String lossName) {
  /**
   * A Ritz value.
   *
   * @param value of it
   * @param residual bound on its distance from the nearest eigenvalue
   * @param converged whether the residual is as small as was asked for
   */
  record Eigenvalue(double value, double residual, boolean converged) {}

  /**
   * An estimate of the trace.
   *
   * @param value of it
   * @param standardError of it
   * @param probes products that it was made from; of Hutchinson's, the random vectors
   * @param method hutchinson, hutch-plus-plus, xtrace or exact
   * @param accuracy relative standard error that was asked for; null if none was
   * @param reached whether it was reached; true if none was asked for
   */
  record Trace(
      double value,
      double standardError,
      int probes,
      String method,
      @Nullable Double accuracy,
      boolean reached) {}

  /**
   * What one layer's parameters see of the operator.
   *
   * @param path of the layer, as the weights are named
   * @param parameters how many it has
   * @param eigenvalues of largest magnitude of the diagonal block, the largest first
   * @param trace of the block
   */
  record Block(String path, long parameters, List<Eigenvalue> eigenvalues, Trace trace) {}

  /**
   * A smoothed spectrum that integrates to 1.
   *
   * @param grid eigenvalues, ascending
   * @param value density at each
   * @param low lower end of the 95% interval
   * @param high upper end of the 95% interval
   * @param nodes Ritz values of all probes, ascending
   * @param weights mass at each; they sum to 1
   * @param probes number of random start vectors
   * @param steps Lanczos steps from each
   * @param width standard deviation of the Gaussian that smooths it
   */
  @SuppressWarnings("ArrayRecordComponent") // plain data on its way to JSON
  record Density(
      double[] grid,
      double[] value,
      double[] low,
      double[] high,
      double[] nodes,
      double[] weights,
      int probes,
      int steps,
      double width) {}
}
