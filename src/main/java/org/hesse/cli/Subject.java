package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.hesse.DType;
import org.hesse.io.Dataset;
import org.hesse.io.SafetensorsFile;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.jspecify.annotations.Nullable;

/**
 * A model that fits its data, for commands that measure.
 *
 * @param training how it was trained, if it was trained here
 * @param file where its weights are from, if they are from a file
 */
record Subject(
    Mlp model, MlpShape shape, Dataset data, @Nullable TrainResult training, @Nullable Path file) {
  private static final String BUILT_IN = "digits";
  private static final int WHOLE = 4096;
  private static final int LARGE_BATCH = 2048;
  private static final double TEST_FRACTION = 0.2;

  /**
   * The model that the options name, or else a small one, trained here.
   *
   * @param check is shown architecture and data before any work is done
   */
  static Subject of(
      ModelOptions.Weights weights,
      ModelOptions problem,
      CommonOptions common,
      BiConsumer<MlpShape, Dataset> check,
      Text text,
      ProgressBar bar)
      throws IOException {
    return weights.model == null
        ? trained(problem, common, check, text, bar)
        : loaded(weights.model, problem, common, check);
  }

  private static Subject loaded(
      Path file, ModelOptions problem, CommonOptions common, BiConsumer<MlpShape, Dataset> check)
      throws IOException {
    SafetensorsFile stored = Problem.weights(file);
    DType dtype = common.dtype == null ? Problem.dtype(stored) : common.dtype;
    MlpShape shape = Problem.shape(file, stored, problem.arch);
    Mlp model = Problem.load(file, stored, shape, dtype);
    Dataset data = Problem.data(Objects.requireNonNull(problem.data), problem.loss, dtype);
    Problem.requireFit(shape, data);
    check.accept(shape, data);
    return new Subject(model, shape, data, null, file);
  }

  private static Subject trained(
      ModelOptions problem,
      CommonOptions common,
      BiConsumer<MlpShape, Dataset> check,
      Text text,
      ProgressBar bar)
      throws IOException {
    DType dtype = common.dtype == null ? DType.F32 : common.dtype;
    String name = problem.data == null ? BUILT_IN : problem.data;
    Dataset data = Problem.data(name, problem.loss, dtype);
    MlpShape shape = problem.arch == null ? Problem.defaultShape(data) : problem.arch;
    Problem.requireFit(shape, data);
    check.accept(shape, data);
    // Of very few samples one at least is held out.
    double testFraction = Math.max(TEST_FRACTION, 1.0 / data.size());
    Trainer.Settings settings =
        new Trainer.Settings(
            Adam.of(0.003),
            "adam, learning rate 0.003, batches of 32",
            20,
            32,
            testFraction,
            common.seed);
    Trainer trainer = new Trainer(shape, problem.loss, data, dtype, settings);
    Dataset.Split split = trainer.split();
    text.line("Training " + shape + " on " + Text.describe(data));
    Trainer.Trained done = trainer.run(split, bar, e -> {});
    TrainResult r = done.result();
    TrainResult.Epoch last = r.epochs().getLast();
    text.line(
        "  "
            + Numbers.count(r.epochs().size(), "epoch")
            + " in "
            + Numbers.seconds(r.secondsTotal())
            + ": held-out loss "
            + Numbers.significant(last.testLoss(), 4)
            + (last.testAccuracy() == null
                ? ""
                : ", held-out accuracy " + Numbers.percent(last.testAccuracy())));
    text.line("");
    return new Subject(done.model(), shape, data, r, null);
  }

  /** Samples taken at once, unless an option says. */
  int batch(@Nullable Integer option) {
    if (option != null) {
      return option;
    }
    return data.size() <= WHOLE ? WHOLE : LARGE_BATCH;
  }

  /** How many parameters the model has. */
  long parameters() {
    return Problem.parameters(shape);
  }

  /** What was measured, for people. */
  void print(Text text, CommonOptions common, String dtype) {
    String origin = file == null ? "trained above" : file.toString();
    text.line(
        "  model           "
            + shape
            + ", "
            + Numbers.count(parameters(), "parameter")
            + " ("
            + origin
            + ")");
    text.line("  data            " + Text.describe(data));
    text.line("  computed on     " + common.place() + ", " + dtype + ", seed " + common.seed);
    text.line("");
  }

  /** What was measured, for a report. */
  void addFacts(Map<String, String> facts, ModelOptions problem) {
    String origin = file == null ? "trained in this run" : file.toString();
    facts.put("model", shape + ", " + Numbers.count(parameters(), "parameter") + ", " + origin);
    String name = problem.data == null ? BUILT_IN + " (built in)" : problem.data;
    facts.put(
        "data",
        name
            + ", "
            + Numbers.count(data.size(), "sample")
            + (file == null ? ", those held out from training among them" : ""));
  }
}
