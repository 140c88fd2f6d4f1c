package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.hesse.nn.MlpShape;
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
  private static final int USUAL_TOP = 10;
  private static final int TRACE_PROBES = 100;
  private static final int DENSITY_PROBES = 10;
  private static final int DENSITY_STEPS = 100;

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
      Subject subject = Subject.of(weights, problem, common, this::requireTop, text, bar);
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
    Subject.check(weights, problem);
  }

  /** No model, data or output was named. */
  private boolean isBare() {
    return weights.model == null
        && problem.data == null
        && json.file == null
        && report.folder == null;
  }

  private void requireTop(MlpShape shape) {
    long n = Problem.parameters(shape);
    if (top != null && top > n) {
      throw Failure.badInput(
          "--top: " + top + "; " + shape + " has " + Numbers.count(n, "eigenvalue"));
    }
  }

  private SpectrumResult measure(Subject s, ProgressBar bar) {
    long n = s.parameters();
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
            s.batch(batch),
            common.seed);
    return new Measurement(s.model(), s.shape(), problem.loss, s.data(), settings).run(bar);
  }

  private void print(SpectrumResult r, Subject s, Text text) {
    text.line("Hessian of the mean " + r.lossName() + " loss");
    s.print(text, common, r.dtype());
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
      text.line("  report " + RunFacts.write(report.folder, new Report(s.training(), r, facts(r, s)).html()));
    }
    json.write(r, terminal);
  }

  private Map<String, String> facts(SpectrumResult r, Subject s) {
    Map<String, String> f = new LinkedHashMap<>();
    s.addFacts(f, problem);
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
