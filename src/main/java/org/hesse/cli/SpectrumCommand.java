package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hesse.io.Dataset;
import org.hesse.nn.MlpShape;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hesse spectrum}. */
@Command(
    name = "spectrum",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Measures the curvature of a model's mean loss over a data set, by its Hessian or another"
          + " matrix: leading eigenvalues with residual bounds, trace with standard error, spectral"
          + " density with a band.",
      "",
      "Without --model it trains a small network first, on --data or on the built-in digits; with"
          + " no arguments at all it also writes a report to ./report."
    },
    footer = {
      "",
      "Examples:",
      "  hesse spectrum",
      "  hesse spectrum --model m.safetensors --arch mlp:64-32-10:tanh --data digits.csv",
      "  hesse spectrum --model m.safetensors --data digits --density --top 20 --json out.json",
      "  hesse spectrum --model m.safetensors --data digits --operator ggn --per-layer",
      "  hesse spectrum --model m.safetensors --data digits --probes auto --checkpoint state"
    })
final class SpectrumCommand implements Callable<Integer> {
  private static final int USUAL_TOP = 10;
  private static final int TRACE_PROBES = 100;
  private static final int DENSITY_PROBES = 10;
  private static final int DENSITY_STEPS = 100;
  private static final double ACCURACY = 0.01;

  private final Terminal terminal;

  @Option(
      names = "--operator",
      paramLabel = "NAME",
      description =
          "What to measure: hessian, ggn (generalised Gauss–Newton), fisher, empirical-fisher or ntk"
              + " (neural tangent kernel). Default: ${DEFAULT-VALUE}.")
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
      converter = Probes.Converter.class,
      description =
          "Random vectors for the trace and for the density, 2 or more. Default: 100 and 10. With"
              + " auto, as many products as the trace's --accuracy takes, at most 10,000, by the"
              + " method that suits the spectrum, and 10 vectors for the density.")
  @Nullable Probes probes;

  @Option(
      names = "--trace-probes",
      paramLabel = "P",
      converter = Probes.Converter.class,
      description = "The same for the trace alone. Default: as --probes says.")
  @Nullable Probes traceProbes;

  @Option(
      names = "--accuracy",
      paramLabel = "X",
      description =
          "Standard error of the trace, relative to it, at which auto stops. Default: 0.01.")
  @Nullable Double accuracy;

  @Option(
      names = "--per-layer",
      description =
          "Measure the diagonal block of each layer as well: its trace and as many eigenvalues as"
              + " --top says, 1 without it.")
  boolean perLayer;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description =
          "Keep the state of the eigenvalues' search, of the trace and of the density in"
              + " FILE.eigenvalues, FILE.trace and FILE.density, and go on from there if they exist.")
  @Nullable Path checkpoint;

  @Option(
      names = "--steps",
      paramLabel = "M",
      description = "Lanczos steps from each vector of the density. Default: 100.")
  @Nullable Integer steps;

  @Mixin MeasureOptions measured;

  private Curvature curvature = Curvature.HESSIAN;

  SpectrumCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    measured.common.start();
    checkOptions();
    if (isBare()) {
      measured.report.folder = Path.of("report");
      Outputs.requireFolder("report (--report DIR names another folder)", measured.report.folder);
    }
    measured.check();
    checkFiles();
    Text text = measured.json.text(terminal);
    try (ProgressBar bar = new ProgressBar(terminal, measured.common.quiet)) {
      Subject subject = measured.subject(this::requireTop, text, bar);
      SpectrumResult result = measure(subject, bar);
      print(result, subject, text);
      String work = work(result);
      measured.write(
          result,
          measured.facts(subject, result.dtype(), work),
          facts -> new Report(subject.training(), result, facts).html(),
          text,
          terminal);
    }
    return Failure.DONE;
  }

  private void checkOptions() {
    curvature = Curvature.parse(operator);
    Checks.atLeast("--top", top == null ? USUAL_TOP : top, 1);
    Checks.atLeast("--probes", probes == null ? 2 : probes.count(), 2);
    Checks.atLeast("--trace-probes", traceProbes == null ? 2 : traceProbes.count(), 2);
    Checks.positive("--accuracy", accuracy == null ? 1 : accuracy);
    if (accuracy != null && !forTrace().auto()) {
      throw Failure.badInput("--accuracy: this is for --probes auto or --trace-probes auto");
    }
    Checks.atLeast("--steps", steps == null ? 1 : steps, 1);
    if (steps != null && Boolean.FALSE.equals(density)) {
      throw Failure.badInput("--steps: these are of the density, which --no-density leaves out");
    }
  }

  private void checkFiles() {
    if (checkpoint != null) {
      for (String part : List.of("eigenvalues", "trace", "density")) {
        Path file = Measurement.part(checkpoint, part);
        Outputs.require("--checkpoint", file);
        measured.requireOther("--checkpoint", file);
        Outputs.requireOther("--checkpoint", file, "--json", measured.json.file);
      }
    }
  }

  /** The random vectors of the trace. */
  private Probes forTrace() {
    return traceProbes != null ? traceProbes : probes != null ? probes : Probes.of(TRACE_PROBES);
  }

  /** No model, data or output was named. */
  private boolean isBare() {
    return measured.weights.model == null
        && measured.problem.data == null
        && measured.json.file == null
        && measured.report.folder == null;
  }

  private void requireTop(MlpShape shape, Dataset data) {
    long n = size(shape, data);
    if (top != null && top > n) {
      String what = curvature == Curvature.HESSIAN ? shape.toString() : curvature.title();
      throw Failure.badInput(
          "--top: " + top + "; " + what + " has " + Numbers.count(n, "eigenvalue"));
    }
    if (n > Integer.MAX_VALUE) {
      throw Failure.badInput(
          "--operator: the "
              + curvature.option()
              + " of "
              + data.size()
              + " samples has "
              + n
              + " rows; use fewer samples");
    }
  }

  /** How many rows the matrix has. */
  private long size(MlpShape shape, Dataset data) {
    return curvature.size(Problem.parameters(shape), (long) data.size() * shape.outputs());
  }

  private SpectrumResult measure(Subject s, ProgressBar bar) {
    boolean wanted =
        density != null
            ? density
            : measured.weights.model == null || measured.report.folder != null || steps != null;
    int k = top != null ? top : (int) Math.min(USUAL_TOP, size(s.shape(), s.data()));
    Measurement.Settings settings =
        new Measurement.Settings(
            curvature,
            k,
            perLayer ? top != null ? top : 1 : 0,
            wanted,
            forTrace(),
            accuracy == null ? ACCURACY : accuracy,
            probes == null || probes.auto() ? DENSITY_PROBES : probes.count(),
            steps == null ? DENSITY_STEPS : steps,
            checkpoint,
            s.batch(measured.batch),
            measured.common.seed);
    return new Measurement(s, measured.problem.loss, settings).run(bar);
  }

  private void print(SpectrumResult r, Subject s, Text text) {
    text.line(
        curvature == Curvature.NEURAL_TANGENT_KERNEL
            ? curvature.title() + " of " + Numbers.count(r.size(), "output")
            : curvature.title() + " of the mean " + r.lossName() + " loss");
    s.print(text, measured.common, r.dtype());
    text.line("  loss            " + Numbers.significant(r.loss(), 7));
    if (r.accuracy() != null) {
      text.line("  accuracy        " + Numbers.percent(r.accuracy()));
    }
    text.line("  gradient norm   " + Numbers.significant(r.gradientNorm(), 7));
    text.line(
        "  trace           "
            + Numbers.withError(r.trace().value(), r.trace().standardError())
            + "  (one standard error"
            + accuracy(r.trace())
            + ")");
    text.line("");
    eigenvalueLines(r).forEach(text::line);
    if (r.density() != null) {
      text.line("");
      text.line(densityLine(r.density()));
    }
    if (r.layers() != null) {
      text.line("");
      layerLines(r.layers()).forEach(text::line);
    }
    text.line("");
    text.line("  " + work(r));
  }

  private String work(SpectrumResult r) {
    return Numbers.count(r.matvecs(), curvature.product()) + " in " + Numbers.seconds(r.seconds());
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

  /** What became of the accuracy that was asked for. */
  static String accuracy(SpectrumResult.Trace t) {
    if (t.accuracy() == null) {
      return "";
    }
    double relative = t.standardError() / Math.abs(t.value());
    return ", "
        + share(relative)
        + " after "
        + Numbers.count(t.probes(), "product")
        + (t.reached() ? "" : "; " + share(t.accuracy()) + " was not reached");
  }

  /** A relative error, which may be far below a hundredth of a percent. */
  static String share(double relative) {
    return Numbers.significant(100 * relative, 2) + "%";
  }

  private static List<String> layerLines(List<SpectrumResult.Block> layers) {
    int width = layers.stream().mapToInt(b -> b.path().length()).max().orElse(0);
    String format = "  %-" + Math.max(5, width) + "s  %10s  %22s   %s";
    List<String> lines = new ArrayList<>();
    lines.add(String.format(Locale.ROOT, format, "layer", "parameters", "eigenvalue", "trace"));
    for (SpectrumResult.Block b : layers) {
      SpectrumResult.Trace t = b.trace();
      for (int i = 0; i < b.eigenvalues().size(); i++) {
        boolean first = i == 0;
        lines.add(
            String.format(
                    Locale.ROOT,
                    format,
                    first ? b.path() : "",
                    first ? Numbers.whole(b.parameters()) : "",
                    LandscapeCommand.bounded(b.eigenvalues().get(i)),
                    first ? Numbers.withError(t.value(), t.standardError()) + accuracyMark(t) : "")
                .stripTrailing());
      }
    }
    return lines;
  }

  private static String accuracyMark(SpectrumResult.Trace t) {
    return t.reached() ? "" : "  (accuracy not reached)";
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
}
