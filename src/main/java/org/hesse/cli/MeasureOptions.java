package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.hesse.io.Dataset;
import org.hesse.nn.MlpShape;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of commands that measure a model over data: which, how many at once, and results. */
final class MeasureOptions {
  @Mixin ModelOptions.Weights weights;
  @Mixin ModelOptions problem;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Samples taken at once. Default: all up to 4096, else 2048.")
  @Nullable Integer batch;

  @Mixin ReportOption report;
  @Mixin JsonOption json;
  @Mixin CommonOptions common;
  @Mixin StandardOptions standard;

  @Spec(Spec.Target.MIXEE)
  CommandSpec spec;

  /**
   * Refuses what could not be done, before any work is.
   *
   * @throws Failure if an option is out of range, or an output cannot be written
   */
  void check() {
    Checks.atLeast("--batch", batch == null ? 1 : batch, 1);
    if (weights.model != null && problem.data == null) {
      throw Failure.badInput("--data is needed with --model: the loss is a mean over samples");
    }
    report.check();
    requireOther("--json", json.file);
  }

  /** Refuses to write to the files of model and data. */
  void requireOther(String option, @Nullable Path file) {
    Outputs.requireOther(option, file, "--model", weights.model);
    Outputs.requireOther(option, file, "--data", problem.data);
  }

  /** The model and its data; see {@link Subject#of}. */
  Subject subject(BiConsumer<MlpShape, Dataset> check, Text text, ProgressBar bar)
      throws IOException {
    return Subject.of(weights, problem, common, check, text, bar);
  }

  /**
   * Writes what is wanted of report and JSON.
   *
   * @param facts of the command beside those of every run, see {@link #facts}
   * @param page the report, made of all facts
   */
  void write(
      Object result,
      Map<String, String> facts,
      Function<Map<String, String>, String> page,
      Text text,
      Terminal terminal) {
    if (report.folder != null) {
      Map<String, String> all =
          RunFacts.of(spec.commandLine().getParseResult().originalArgs(), common.place(), facts);
      text.line("  report " + RunFacts.write(report.folder, page.apply(all)));
    }
    json.write(result, terminal);
  }

  /** What was measured and how. */
  Map<String, String> facts(Subject s, String precision, String work) {
    Map<String, String> f = new LinkedHashMap<>();
    s.addFacts(f, problem);
    f.put("precision", precision);
    f.put("seed", Long.toString(common.seed));
    f.put("work", work);
    return f;
  }
}
