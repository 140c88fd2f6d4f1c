package org.hesse.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code influence} has measured; written as it is to JSON.
 *
 * @param parameters how many the model has
 * @param samples training samples
 * @param tests test samples; null where each training sample was scored for itself
 * @param method cg, lissa, exact or ekfac
 * @param damping λ, added to the Gauss–Newton matrix
 * @param first samples of the largest scores, the largest first
 * @param last samples of the smallest scores, the smallest first; empty for self-influence
 * @param scores of all training samples, for the mean loss of the test samples or for themselves
 * @param largestResidual relative residual of the systems solved, the largest
 * @param converged whether all systems were solved to the solver's tolerance
 * @param device where it was measured
 * @param dtype in which precision
 * @param seconds it took
 * @param seed of every random choice
 * @param model the architecture
 * @param data the training data
 * @param testData the test data; null if there is none
 * @param lossName the loss function
 */
@SuppressWarnings("ArrayRecordComponent") // plain data on its way to JSON
record InfluenceResult(
    long parameters,
    long samples,
    @Nullable Long tests,
    String method,
    double damping,
    List<Scored> first,
    List<Scored> last,
    double[] scores,
    double largestResidual,
    boolean converged,
    String device,
    String dtype,
    double seconds,
    long seed,
    String model,
    String data,
    @Nullable String testData,
    String lossName) {
  /**
   * A training sample.
   *
   * @param sample its number, from 0, in the data's order
   * @param score positive where it helps: without it the loss would be larger
   * @param leaveOneOut by how much the loss would change without it
   * @param label its class; null for regression
   */
  record Scored(int sample, double score, double leaveOneOut, @Nullable Integer label) {}
}
