package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.hesse.DType;
import org.hesse.io.Dataset;
import org.hesse.io.Safetensors;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.Optimizer;
import org.hesse.optim.Sgd;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hesse train}. */
@Command(
    name = "train",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Trains a multilayer perceptron and reports loss and accuracy after each epoch, on the samples"
          + " trained on and on those held out."
    },
    footer = {
      "",
      "Examples:",
      "  hesse train --data digits --save digits.safetensors --report out",
      "  hesse train --data table.csv --arch mlp:64-32-10:tanh --optimizer adamw --epochs 40",
      "  hesse train --data sine --loss mse --json -"
    })
final class TrainCommand implements Callable<Integer> {
  private static final int MOST_LINES = 20;

  private final Terminal terminal;

  @Mixin ModelOptions problem;

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      description = "sgd, momentum, adam or adamw. Default: ${DEFAULT-VALUE}.")
  String optimizer = "adam";

  @Option(
      names = "--lr",
      paramLabel = "X",
      description = "Learning rate. Default: 0.1 for sgd, 0.05 for momentum, 0.003 for the others.")
  @Nullable Double learningRate;

  @Option(
      names = "--momentum",
      paramLabel = "X",
      description = "Momentum of 'momentum'. Default: 0.9.")
  @Nullable Double momentum;

  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "Weight decay. Default: 0.01 for adamw, 0 for the others.")
  @Nullable Double weightDecay;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "How often each sample is seen. Default: ${DEFAULT-VALUE}.")
  int epochs = 20;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples for each step. Default: ${DEFAULT-VALUE}.")
  int batch = 32;

  @Option(
      names = "--test-fraction",
      paramLabel = "X",
      description = "Share of the samples held out. Default: ${DEFAULT-VALUE}.")
  double testFraction = 0.2;

  @Option(
      names = "--save",
      paramLabel = "FILE",
      description = "Write the weights as safetensors, named as PyTorch's nn.Sequential does.")
  @Nullable Path save;

  @Mixin ReportOption report;

  @Mixin JsonOption json;

  @Mixin CommonOptions common;
  @Mixin StandardOptions standard;
  @Spec CommandSpec spec;

  TrainCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    common.start();
    if (problem.data == null) {
      throw Failure.badInput("--data is needed, such as --data digits or --data table.csv");
    }
    Trainer.Settings settings = settings();
    Outputs.require("--save", save);
    Outputs.requireOther("--save", save, "--json", json.file);
    Outputs.requireOther("--save", save, "--data", problem.data);
    Outputs.requireOther("--json", json.file, "--data", problem.data);
    report.check();
    DType dtype = common.dtype == null ? DType.F32 : common.dtype;
    Dataset data = Problem.data(problem.data, problem.loss, dtype);
    MlpShape shape = problem.arch == null ? Problem.defaultShape(data) : problem.arch;
    Problem.requireFit(shape, data);
    Trainer trainer = new Trainer(shape, problem.loss, data, dtype, settings);
    Text text = json.text(terminal);
    Trainer.Trained trained;
    try (ProgressBar bar = new ProgressBar(terminal, common.quiet)) {
      trained = train(trainer, text, bar);
    }
    finish(trained, shape, text);
    return Failure.DONE;
  }

  private Trainer.Settings settings() {
    Checks.atLeast("--epochs", epochs, 1);
    Checks.atLeast("--batch", batch, 1);
    Checks.fraction("--test-fraction", testFraction, false);
    Optimizer method = method();
    String words = describe(method);
    return new Trainer.Settings(method, words, epochs, batch, testFraction, common.seed);
  }

  private Optimizer method() {
    double decay = weightDecay == null ? (optimizer.equals("adamw") ? 0.01 : 0) : weightDecay;
    Checks.notNegative("--weight-decay", decay);
    if (momentum != null) {
      Checks.fraction("--momentum", momentum, true);
      if (!optimizer.equals("momentum")) {
        throw Failure.badInput("--momentum: " + optimizer + " has none; use --optimizer momentum");
      }
    }
    return switch (optimizer) {
      case "sgd" -> new Sgd(rate(0.1), 0, decay);
      case "momentum" -> new Sgd(rate(0.05), momentum == null ? 0.9 : momentum, decay);
      case "adam" -> new Adam(rate(0.003), 0.9, 0.999, 1e-8, decay, false);
      case "adamw" -> new Adam(rate(0.003), 0.9, 0.999, 1e-8, decay, true);
      default ->
          throw Failure.badInput(
              "--optimizer: '" + optimizer + "' is unknown; expected sgd, momentum, adam or adamw");
    };
  }

  private double rate(double usual) {
    double rate = learningRate == null ? usual : learningRate;
    Checks.positive("--lr", rate);
    return rate;
  }

  private String describe(Optimizer method) {
    StringBuilder s =
        new StringBuilder(optimizer + ", learning rate " + Numbers.shortest(method.learningRate()));
    if (method instanceof Sgd sgd && sgd.momentum() > 0) {
      s.append(", momentum ").append(Numbers.shortest(sgd.momentum()));
    }
    double decay = method instanceof Adam a ? a.weightDecay() : ((Sgd) method).weightDecay();
    return s
        + (decay > 0 ? ", weight decay " + Numbers.shortest(decay) : "")
        + ", batches of "
        + Numbers.whole(batch);
  }

  private Trainer.Trained train(Trainer trainer, Text text, ProgressBar bar) {
    Dataset data = trainer.data();
    Dataset.Split split = trainer.split();
    text.line("Training " + trainer.shape() + " on " + Text.describe(data));
    text.line("  with " + trainer.settings().described() + ", on " + common.place());
    text.line("");
    boolean classes = data.classes() > 0;
    text.line(
        classes
            ? "  epoch   loss (held out)            accuracy (held out)"
            : "  epoch   loss (held out)");
    int every = Math.max(1, (epochs + MOST_LINES - 1) / MOST_LINES);
    return trainer.run(
        split,
        bar,
        e -> {
          if (e.epoch() == 1 || e.epoch() % every == 0 || e.epoch() == epochs) {
            text.line(row(e));
          }
        });
  }

  private static String row(TrainResult.Epoch e) {
    String loss =
        Numbers.significant(e.trainLoss(), 4) + " (" + Numbers.significant(e.testLoss(), 4) + ")";
    if (e.trainAccuracy() == null || e.testAccuracy() == null) {
      return String.format(Locale.ROOT, "  %5d   %s", e.epoch(), loss);
    }
    String accuracy =
        Numbers.percent(e.trainAccuracy()) + " (" + Numbers.percent(e.testAccuracy()) + ")";
    return String.format(Locale.ROOT, "  %5d   %-26s %s", e.epoch(), loss, accuracy);
  }

  private void finish(Trainer.Trained trained, MlpShape shape, Text text) throws IOException {
    TrainResult r = trained.result();
    text.line("");
    text.line(
        "  "
            + Numbers.count(r.steps(), "step")
            + " in "
            + Numbers.seconds(r.secondsTotal())
            + ", "
            + Numbers.count(r.parameters(), "parameter")
            + ", "
            + r.device()
            + ", "
            + r.dtype()
            + ", seed "
            + r.seed());
    if (save != null) {
      Map<String, String> notes = new LinkedHashMap<>();
      notes.put("format", "pt");
      notes.put(Problem.ARCH_NOTE, shape.toString());
      Path file = save;
      Outputs.write(() -> Safetensors.write(file, trained.model().state(), notes));
      text.line("  weights " + save);
    }
    if (report.folder != null) {
      text.line("  report  " + RunFacts.write(report.folder, new Report(r, null, facts(r)).html()));
    }
    json.write(r, terminal);
  }

  private Map<String, String> facts(TrainResult r) {
    Map<String, String> f = new LinkedHashMap<>();
    f.put("model", r.model() + ", " + Numbers.count(r.parameters(), "parameter"));
    f.put("data", String.valueOf(problem.data));
    f.put("optimizer", r.optimizer());
    f.put("precision", r.dtype());
    f.put("seed", Long.toString(r.seed()));
    return RunFacts.of(spec.commandLine().getParseResult().originalArgs(), common.place(), f);
  }
}
