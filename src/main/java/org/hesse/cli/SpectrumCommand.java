package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.hesse.DType;
import org.hesse.io.Dataset;
import org.hesse.io.SafetensorsFile;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code hesse spectrum}. */
@Command(
    name = "spectrum",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Measures the Hessian of a model's mean loss over a data set: leading eigenvalues with"
          + " residual bounds, trace with standard error, spectral density with a band.",
      "",
      "Without --model it trains a small network first, on --data or on the built-in digits; with"
          + " no arguments at all it also writes a report to ./report."
    },
    footer = {
      "",
      "Examples:",
      "  hesse spectrum",
      "  hesse spectrum --model m.safetensors --arch mlp:64-32-10:tanh --data digits.csv",
      "  hesse spectrum --model m.safetensors --data digits --density --top 20 --json out.json"
    })
final class SpectrumCommand implements Callable<Integer> {
  private static final String BUILT_IN = "digits";
  private static final int WHOLE = 4096;
  private static final int LARGE_BATCH = 2048;
  private static final int USUAL_TOP = 10;
  private static final int TRACE_PROBES = 100;
  private static final int DENSITY_PROBES = 10;
  private static final int DENSITY_STEPS = 100;
  private static final double TEST_FRACTION = 0.2;

  private final Terminal terminal;

  @Mixin ModelOptions.Weights weights;
  @Mixin ModelOptions problem;

  @Option(
      names = "--operator",
      paramLabel = "NAME",
      description = "What to measure: hessian. Default: ${DEFAULT-VALUE}.")
  String operator = "hessian";

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "Eigenvalues of largest magnitude. Default: 10, or all where there are fewer.")
  @Nullable Integer top;

  @Option(
      names = "--density",
      negatable = true,
      description =
          "Measure the spectral density, or do not. Default: yes without --model, with --report or"
              + " with --steps.")
  @Nullable Boolean density;

  @Option(
      names = "--probes",
      paramLabel = "P",
      description =
          "Random vectors for the trace and for the density, 2 or more. Default: 100 and 10.")
  @Nullable Integer probes;

  @Option(
      names = "--steps",
      paramLabel = "M",
      description = "Lanczos steps from each vector of the density. Default: 100.")
  @Nullable Integer steps;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples taken at once. Default: all up to 4096, else 2048.")
  @Nullable Integer batch;

  @Mixin ReportOption report;

  @Mixin JsonOption json;

  @Mixin CommonOptions common;
  @Mixin StandardOptions standard;
  @Spec CommandSpec spec;

  SpectrumCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** A model that fits its data, and how it was trained if it was trained here. */
  private record Subject(Mlp model, MlpShape shape, Dataset data, @Nullable TrainResult training) {}

  @Override
  public Integer call() throws IOException {
    common.start();
    checkOptions();
    if (isBare()) {
      report.folder = Path.of("report");
      Outputs.requireFolder("report (--report DIR names another folder)", report.folder);
    }
    report.check();
    Outputs.requireOther("--json", json.file, "--model", weights.model);
    Outputs.requireOther("--json", json.file, "--data", problem.data);
    Text text = json.text(terminal);
    try (ProgressBar bar = new ProgressBar(terminal, common.quiet)) {
      Subject subject = weights.model == null ? trained(text, bar) : loaded(weights.model);
      SpectrumResult result = measure(subject, bar);
      print(result, subject, text);
      write(result, subject, text);
    }
    return Failure.DONE;
  }

  private void checkOptions() {
    switch (operator) {
      case "hessian" -> {}
      case "ggn", "fisher" ->
          throw Failure.badInput(
              "--operator "
                  + operator
                  + ": this version measures the Hessian only; use --operator"
                  + " hessian");
      default ->
          throw Failure.badInput("--operator: '" + operator + "' is unknown; expected hessian");
    }
    Checks.atLeast("--top", top == null ? USUAL_TOP : top, 1);
    Checks.atLeast("--probes", probes == null ? 2 : probes, 2);
    Checks.atLeast("--steps", steps == null ? 1 : steps, 1);
    if (steps != null && Boolean.FALSE.equals(density)) {
      throw Failure.badInput("--steps: these are of the density, which --no-density leaves out");
    }
    Checks.atLeast("--batch", batch == null ? 1 : batch, 1);
    if (weights.model != null && problem.data == null) {
      throw Failure.badInput("--data is needed with --model: the loss is a mean over samples");
    }
  }

  /** No model, data or output was named. */
  private boolean isBare() {
    return weights.model == null
        && problem.data == null
        && json.file == null
        && report.folder == null;
  }

  private Subject loaded(Path file) throws IOException {
    SafetensorsFile stored = Problem.weights(file);
    DType dtype = common.dtype == null ? Problem.dtype(stored) : common.dtype;
    MlpShape shape = Problem.shape(file, stored, problem.arch);
    Mlp model = Problem.load(file, stored, shape, dtype);
    Dataset data = Problem.data(Objects.requireNonNull(problem.data), problem.loss, dtype);
    Problem.requireFit(shape, data);
    requireTop(shape);
    return new Subject(model, shape, data, null);
  }

  private Subject trained(Text text, ProgressBar bar) throws IOException {
    DType dtype = common.dtype == null ? DType.F32 : common.dtype;
    String name = problem.data == null ? BUILT_IN : problem.data;
    Dataset data = Problem.data(name, problem.loss, dtype);
    MlpShape shape = problem.arch == null ? Problem.defaultShape(data) : problem.arch;
    Problem.requireFit(shape, data);
    requireTop(shape);
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
    return new Subject(done.model(), shape, data, r);
  }

  private void requireTop(MlpShape shape) {
    long n = Problem.parameters(shape);
    if (top != null && top > n) {
      throw Failure.badInput(
          "--top: " + top + "; " + shape + " has " + Numbers.count(n, "eigenvalue"));
    }
  }

  private SpectrumResult measure(Subject s, ProgressBar bar) {
    long n = Problem.parameters(s.shape);
    int size = batch != null ? batch : s.data.size() <= WHOLE ? WHOLE : LARGE_BATCH;
    boolean wanted =
        density != null ? density : weights.model == null || report.folder != null || steps != null;
    int k = top != null ? top : (int) Math.min(USUAL_TOP, n);
    Measurement.Settings settings =
        new Measurement.Settings(
            k,
            wanted,
            probes == null ? TRACE_PROBES : probes,
            probes == null ? DENSITY_PROBES : probes,
            steps == null ? DENSITY_STEPS : steps,
            size,
            common.seed);
    return new Measurement(s.model, s.shape, problem.loss, s.data, settings).run(bar);
  }

  private void print(SpectrumResult r, Subject s, Text text) {
    text.line("Hessian of the mean " + r.lossName() + " loss");
    String origin = weights.model == null ? "trained above" : weights.model.toString();
    text.line(
        "  model           "
            + r.model()
            + ", "
            + Numbers.count(r.parameters(), "parameter")
            + " ("
            + origin
            + ")");
    text.line("  data            " + Text.describe(s.data));
    text.line("  computed on     " + common.place() + ", " + r.dtype() + ", seed " + r.seed());
    text.line("");
    text.line("  loss            " + Numbers.significant(r.loss(), 7));
    if (r.accuracy() != null) {
      text.line("  accuracy        " + Numbers.percent(r.accuracy()));
    }
    text.line("  gradient norm   " + Numbers.significant(r.gradientNorm(), 7));
    text.line(
        "  trace           "
            + Numbers.withError(r.trace().value(), r.trace().standardError())
            + "  (one standard error)");
    text.line("");
    eigenvalueLines(r).forEach(text::line);
    if (r.density() != null) {
      text.line("");
      text.line(densityLine(r.density()));
    }
    text.line("");
    text.line(
        "  "
            + Numbers.count(r.matvecs(), "Hessian-vector product")
            + " in "
            + Numbers.seconds(r.seconds()));
  }

  private static List<String> eigenvalueLines(SpectrumResult r) {
    double[] y = r.eigenvalues().stream().mapToDouble(e -> e.value()).toArray();
    double[] bounds = r.eigenvalues().stream().mapToDouble(e -> e.residual()).toArray();
    List<String> column = Numbers.column(y, bounds, 9);
    int width = column.stream().mapToInt(String::length).max().orElse(0);
    List<String> lines = new ArrayList<>();
    String head = "  %4s  %" + Math.max(width, 10) + "s   residual";
    lines.add(String.format(Locale.ROOT, head, "", "eigenvalue"));
    String format = "  %4d  %" + Math.max(width, 10) + "s   %s%s";
    for (int i = 0; i < y.length; i++) {
      String warning = r.eigenvalues().get(i).converged() ? "" : "   not converged";
      lines.add(
          String.format(
              Locale.ROOT, format, i + 1, column.get(i), Numbers.scientific(bounds[i]), warning));
    }
    return lines;
  }

  private static String densityLine(SpectrumResult.Density d) {
    double low = d.nodes()[0];
    double high = d.nodes()[d.nodes().length - 1];
    return "  density from "
        + Numbers.significant(low, 4)
        + " to "
        + Numbers.significant(high, 4)
        + ", "
        + Numbers.count(d.probes(), "probe")
        + " of "
        + Numbers.count(d.steps(), "step");
  }

  private void write(SpectrumResult r, Subject s, Text text) throws IOException {
    if (report.folder != null) {
      text.line("  report " + RunFacts.write(report.folder, s.training, r, facts(r)));
    }
    json.write(r, terminal);
  }

  private Map<String, String> facts(SpectrumResult r) {
    Map<String, String> f = new LinkedHashMap<>();
    String origin = weights.model == null ? "trained in this run" : weights.model.toString();
    f.put("model", r.model() + ", " + Numbers.count(r.parameters(), "parameter") + ", " + origin);
    String data = problem.data == null ? BUILT_IN + " (built in)" : problem.data;
    f.put(
        "data",
        data
            + ", "
            + Numbers.count(r.samples(), "sample")
            + (weights.model == null ? ", those held out from training among them" : ""));
    f.put("precision", r.dtype());
    f.put("seed", Long.toString(r.seed()));
    f.put(
        "work",
        Numbers.count(r.matvecs(), "Hessian-vector product")
            + " in "
            + Numbers.seconds(r.seconds()));
    return RunFacts.of(spec.commandLine().getParseResult().originalArgs(), common.place(), f);
  }
}
