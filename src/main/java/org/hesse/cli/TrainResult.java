package org.hesse.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code train} has done; written as it is to JSON.
 *
 * @param epochs one after another
 * @param parameters how many the model has
 * @param device where it ran
 * @param dtype in which precision
 * @param seed of every random choice
 * @param steps of the optimiser, all epochs together
 * @param secondsTotal from the first step to the last evaluation
 * @param model the architecture
 * @param data the data set
 * @param lossName the loss function
 * @param optimizer with its settings
 * @param trainSamples how many it was trained on
 * @param testSamples how many were held out
 */
record TrainResult(
    List<Epoch> epochs,
    long parameters,
    String device,
    String dtype,
    long seed,
    long steps,
    double secondsTotal,
    String model,
    String data,
    String lossName,
    String optimizer,
    long trainSamples,
    long testSamples) {
  /**
   * The state after an epoch.
   *
   * @param epoch counted from 1
   * @param trainLoss mean over the samples trained on
   * @param trainAccuracy share of them labelled right; null for regression
   * @param testLoss mean over the samples held out
   * @param testAccuracy share of them labelled right; null for regression
   * @param seconds that the epoch took
   */
  record Epoch(
      int epoch,
      double trainLoss,
      @Nullable Double trainAccuracy,
      double testLoss,
      @Nullable Double testAccuracy,
      double seconds) {}
}
