package org.hesse.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.GradientReport;
import org.hesse.GradientReport.Finding;
import org.hesse.RngKey;
import org.hesse.io.Dataset;
import org.hesse.io.SafetensorsFile;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hesse check}. */
@Command(
    name = "check",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Compares first and second derivatives of a model's loss with central differences, parameter"
          + " by parameter along random directions; exit code 1 if they disagree. A point on a kink,"
          + " such as that of relu at 0, is moved off it, and a line says how far.",
      "",
      "Without --model the weights are fresh random ones; without --data the data are the built-in"
          + " digits."
    },
    footer = {
      "",
      "Examples:",
      "  hesse check",
      "  hesse check --arch mlp:2-16-2:gelu --data two-moons --samples 64",
      "  hesse check --model m.safetensors --arch mlp:64-32-10:tanh --data digits.csv --json -"
    })
final class CheckCommand implements Callable<Integer> {
  private static final int ORDER = 2;

  private final Terminal terminal;

  @Mixin ModelOptions.Weights weights;
  @Mixin ModelOptions problem;

  @Option(
      names = {"--samples", "--batch"},
      paramLabel = "N",
      description = "How many samples, picked at random, the loss is a mean of. Default: 32.")
  int samples = 32;

  @Mixin JsonOption json;

  @Mixin CommonOptions common;
  @Mixin StandardOptions standard;

  CheckCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** The results in JSON. */
  record Result(
      boolean passed,
      double tolerance,
      List<Finding> findings,
      List<String> moves,
      String model,
      String data,
      int samples,
      String device,
      String dtype,
      long seed) {}

  @Override
  public Integer call() throws IOException {
    common.start();
    Outputs.requireOther("--json", json.file, "--model", weights.model);
    Outputs.requireOther("--json", json.file, "--data", problem.data);
    Text text = json.text(terminal);
    Checks.atLeast("--samples", samples, 1);
    DType dtype = common.dtype == null ? DType.F64 : common.dtype;
    SafetensorsFile stored = weights.model == null ? null : Problem.weights(weights.model);
    MlpShape given =
        weights.model == null || stored == null
            ? problem.arch
            : Problem.shape(weights.model, stored, problem.arch);
    String name = problem.data == null ? "digits:200" : problem.data;
    Dataset all = Problem.data(name, problem.loss, dtype);
    MlpShape shape = given == null ? Problem.defaultShape(all) : given;
    Problem.requireFit(shape, all);
    Mlp model =
        weights.model == null || stored == null
            ? Mlp.init(RngKey.of(common.seed), shape, dtype)
            : Problem.load(weights.model, stored, shape, dtype);
    Dataset data = all.shuffled(common.seed).take(0, Math.min(samples, all.size()));
    GradientReport report =
        Autodiff.checkGradients(
            (Mlp m) -> problem.loss.apply(m.apply(data.x()), data.y()), model, ORDER);
    return conclude(text, report, shape, data, dtype);
  }

  private int conclude(Text text, GradientReport report, MlpShape shape, Dataset data, DType dtype)
      throws IOException {
    text.line(
        "Derivatives of the "
            + problem.loss.label()
            + " loss of "
            + shape
            + " on "
            + Text.describe(data));
    text.line("");
    lines(report).forEach(text::line);
    report.moves().forEach(m -> text.line("  " + m));
    text.line("");
    text.line(
        "  "
            + (report.passed() ? "passed" : "FAILED")
            + ": largest relative error "
            + Numbers.scientific(report.worst().error())
            + ", tolerance "
            + Numbers.scientific(report.tolerance())
            + ", "
            + CommonOptions.name(dtype)
            + ", on "
            + common.place());
    Result result =
        new Result(
            report.passed(),
            report.tolerance(),
            report.findings(),
            report.moves(),
            shape.toString(),
            data.name(),
            data.size(),
            Placement.current(),
            CommonOptions.name(dtype),
            common.seed);
    json.write(result, terminal);
    if (!report.passed()) {
      Finding worst = report.worst();
      throw Failure.failed(
          "check failed: the derivative of order "
              + worst.order()
              + " in '"
              + worst.path()
              + "' is off by "
              + Numbers.scientific(worst.error()));
    }
    return Failure.DONE;
  }

  private static List<String> lines(GradientReport report) {
    int width = report.findings().stream().mapToInt(f -> f.path().length()).max().orElse(4);
    String format = "  %-" + Math.max(9, width) + "s  %5s  %14s  %14s  %9s  %s";
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
                Locale.ROOT, format, "parameter", "order", "derivative", "difference", "error", "")
            .stripTrailing());
    for (Finding f : report.findings()) {
      lines.add(
          String.format(
              Locale.ROOT,
              format,
              f.path(),
              f.order(),
              Numbers.significant(f.derivative(), 8),
              Numbers.significant(f.difference(), 8),
              Numbers.scientific(f.error()),
              f.error() <= report.tolerance() ? "ok" : "WRONG"));
    }
    return lines;
  }
}
