package org.hesse.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Epoch;
import org.hesse.optim.Optimizer;
import org.hesse.optim.Training;
import org.jspecify.annotations.Nullable;

/**
 * Trains a fresh network.
 *
 * @param shape of the network
 * @param loss to minimise
 * @param data of which a part is held out
 * @param dtype of parameters and data
 * @param settings how to train
 */
record Trainer(MlpShape shape, Loss loss, Dataset data, DType dtype, Settings settings) {
  /**
   * How to train.
   *
   * @param optimizer the method
   * @param described the method in words
   * @param epochs how often each sample is seen
   * @param batch samples for each step
   * @param testFraction share of the samples held out
   * @param seed of the split, the first parameters and the order of samples
   */
  record Settings(
      Optimizer optimizer,
      String described,
      int epochs,
      int batch,
      double testFraction,
      long seed) {}

  /** The network and the record of its training. */
  record Trained(Mlp model, TrainResult result) {}

  Trained run(Dataset.Split split, ProgressBar bar, Consumer<TrainResult.Epoch> onEpoch) {
    Mlp start = Mlp.init(RngKey.of(settings.seed), shape, dtype);
    List<TrainResult.Epoch> epochs = new ArrayList<>();
    Training training =
        Training.of(loss, settings.optimizer)
            .epochs(settings.epochs)
            .batch(settings.batch)
            .seed(settings.seed);
    long total = training.steps(split.train().size());
    training.onStep(n -> bar.step("training", n, total, note(epochs)));
    training.onEpoch(e -> {
      epochs.add(record(e));
      bar.clear();
      onEpoch.accept(epochs.getLast());
    });
    long began = System.nanoTime();
    Training.Result<Mlp> done = training.fit(start, split);
    double seconds = (System.nanoTime() - began) * 1e-9;
    bar.clear();
    long parameters = Tree.leavesOf(start).stream().mapToLong(t -> t.size()).sum();
    TrainResult result =
        new TrainResult(
            epochs,
            parameters,
            Placement.current(),
            CommonOptions.name(dtype),
            settings.seed,
            total,
            seconds,
            shape.toString(),
            data.name(),
            loss.label(),
            settings.described,
            split.train().size(),
            split.test().size());
    return new Trained(done.model(), result);
  }

  /**
   * Samples to train on, and those held out.
   *
   * @throws Failure if one of the parts would be empty
   */
  Dataset.Split split() {
    int n = data.size();
    if (n < 2) {
      throw Failure.badInput(
          data.name()
              + ": has 1 sample, but training takes 2 or more, since some are held out; to measure"
              + " weights on 1 sample, give them with 'hesse spectrum --model'");
    }
    try {
      return data.split(settings.testFraction, settings.seed);
    } catch (IllegalArgumentException e) {
      throw Failure.badInput(
          "--test-fraction: "
              + Numbers.shortest(settings.testFraction)
              + " of "
              + Numbers.count(n, "sample")
              + " leaves nothing to "
              + (settings.testFraction * n < 1 ? "test" : "train")
              + " on; 0.5 would do");
    }
  }

  private static String note(List<TrainResult.Epoch> epochs) {
    return epochs.isEmpty()
        ? ""
        : String.format(
            Locale.ROOT, "loss %s", Numbers.significant(epochs.getLast().trainLoss(), 3));
  }

  private static TrainResult.Epoch record(Epoch e) {
    return new TrainResult.Epoch(
        e.number(),
        e.train().loss(),
        orNull(e.train().accuracy()),
        e.test().loss(),
        orNull(e.test().accuracy()),
        e.seconds());
  }

  private static @Nullable Double orNull(double x) {
    return Double.isNaN(x) ? null : x;
  }
}
