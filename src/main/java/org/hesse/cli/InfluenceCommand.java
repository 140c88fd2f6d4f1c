package org.hesse.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.hesse.cli.InfluenceResult.Scored;
import org.hesse.curvature.Damping;
import org.hesse.curvature.Ekfac;
import org.hesse.curvature.GaussNewton;
import org.hesse.curvature.Influence;
import org.hesse.curvature.InfluenceScores;
import org.hesse.curvature.Objective;
import org.hesse.io.DataException;
import org.hesse.io.Dataset;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.linalg.Inverse;
import org.hesse.linalg.NeumannSeries;
import org.hesse.nn.Mlp;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hesse influence}. */
@Command(
    name = "influence",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Tells which training samples matter to a model: for the mean loss of test samples, or, without"
          + " --test, for themselves, where outliers and wrong labels are among the first.",
      "",
      "The score of a sample is g(test)' (G + λI)⁻¹ g(sample), g being gradients of the loss and G the"
          + " Gauss–Newton matrix of the training data. A positive one helps: without the sample the"
          + " loss would be larger."
    },
    footer = {
      "",
      "Examples:",
      "  hesse influence --model m.safetensors --data train.csv --test test.csv",
      "  hesse influence --model m.safetensors --data train.csv --top 50 --json out.json"
    })
final class InfluenceCommand implements Callable<Integer> {
  private static final List<String> METHODS = List.of("cg", "lissa", "exact", "ekfac");
  private static final int MOST_EXACT = 10_000;

  private final Terminal terminal;

  @Option(
      names = "--test",
      paramLabel = "DATA",
      description = "Samples whose mean loss is explained; named as --data is.")
  @Nullable String test;

  @Option(
      names = "--method",
      paramLabel = "NAME",
      description =
          "How to invert: cg (conjugate gradients), lissa (Neumann series), exact (dense) or ekfac"
              + " (Kronecker factors, approximate). Default: cg with --test; without it, where each"
              + " sample is a system, exact up to 10,000 parameters.")
  @Nullable String method;

  @Option(
      names = "--damping",
      paramLabel = "X",
      description = "λ, added to the Gauss–Newton matrix. Default: 0.001.")
  double damping = 1e-3;

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "Samples to list at either end. Default: 10, or all where there are fewer.")
  int top = 10;

  @Mixin MeasureOptions measured;

  InfluenceCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    measured.common.start();
    checkOptions();
    measured.check();
    Outputs.requireOther("--json", measured.json.file, "--test", test);
    Text text = measured.json.text(terminal);
    try (ProgressBar bar = new ProgressBar(terminal, measured.common.quiet)) {
      Subject subject = measured.subject((shape, data) -> {}, text, bar);
      InfluenceResult result = measure(subject, tests(subject), bar);
      print(result, subject, text);
      measured.write(
          result,
          facts(result, subject),
          facts -> new InfluenceReport(result, facts).html(),
          text,
          terminal);
    }
    return Failure.DONE;
  }

  private void checkOptions() {
    if (measured.weights.model == null) {
      throw Failure.badInput("--model is needed: the weights of the trained model");
    }
    if (measured.problem.data == null) {
      throw Failure.badInput("--data is needed: the samples that the model was trained on");
    }
    if (method != null && !METHODS.contains(method)) {
      throw Failure.badInput(
          "--method: '" + method + "' is unknown; expected one of " + String.join(", ", METHODS));
    }
    Checks.positive("--damping", damping);
    Checks.atLeast("--top", top, 1);
  }

  private @Nullable Dataset tests(Subject s) throws IOException {
    if (test == null) {
      return null;
    }
    try {
      Dataset data = Problem.data(test, measured.problem.loss, s.data().x().dtype());
      Problem.requireFit(s.shape(), data);
      return data;
    } catch (DataException | Failure e) {
      throw Failure.badInput("--test: " + e.getMessage());
    }
  }

  private InfluenceResult measure(Subject s, @Nullable Dataset tests, ProgressBar bar) {
    long start = System.nanoTime();
    int size = s.batch(measured.batch);
    Objective<Mlp> f = Objective.of(s.model(), measured.problem.loss, s.data().batches(size));
    String chosen = method != null ? method : usual(tests == null, f.size());
    Influence<Mlp> influence =
        influence(f, chosen).progress((stage, done, total) -> bar.step("influence", done, total));
    InfluenceScores scores =
        tests == null ? influence.self() : influence.onMean(tests.batches(size));
    bar.clear();
    int[] labels = s.data().classes() > 0 ? s.data().y().toIntArray() : null;
    return new InfluenceResult(
        f.size(),
        f.samples(),
        tests == null ? null : (long) tests.size(),
        chosen,
        damping,
        scored(scores.helpful(0, top), scores, labels),
        tests == null ? List.of() : scored(scores.harmful(0, top), scores, labels),
        scores.values().select(0, 0).toDoubleArray(),
        Arrays.stream(scores.relativeResiduals()).max().orElse(Double.NaN),
        scores.converged(),
        Placement.current(),
        CommonOptions.name(f.dtype()),
        (System.nanoTime() - start) * 1e-9,
        measured.common.seed,
        s.shape().toString(),
        s.data().name(),
        tests == null ? null : tests.name(),
        measured.problem.loss.label());
  }

  /** One system is best solved by itself; many share a factorisation, where that is possible. */
  private static String usual(boolean self, long parameters) {
    return self && parameters <= MOST_EXACT ? "exact" : "cg";
  }

  private Influence<Mlp> influence(Objective<Mlp> f, String chosen) {
    GaussNewton<Mlp> g = GaussNewton.of(f);
    return switch (chosen) {
      case "cg" -> Influence.of(f, ConjugateGradients.of(g.shift(damping)).inverse());
      case "lissa" -> Influence.of(f, NeumannSeries.of(g).damping(damping).inverse());
      case "ekfac" ->
          Influence.of(f, Ekfac.of(f).run().inverse(Damping.exact(damping)))
              .measuredBy(g.shift(damping));
      default -> {
        if (f.size() > MOST_EXACT) {
          throw Failure.badInput(
              "--method exact: "
                  + Numbers.count(f.size(), "parameter")
                  + ", at most "
                  + Numbers.whole(MOST_EXACT)
                  + " make a dense matrix; use --method cg");
        }
        yield Influence.of(f, Inverse.dense(g.shift(damping)));
      }
    };
  }

  private static List<Scored> scored(
      List<InfluenceScores.Ranked> ranked, InfluenceScores scores, int @Nullable [] labels) {
    double[] changes = scores.leaveOneOut().select(0, 0).toDoubleArray();
    List<Scored> all = new ArrayList<>();
    for (InfluenceScores.Ranked r : ranked) {
      Integer label = labels == null ? null : (Integer) labels[r.sample()];
      all.add(new Scored(r.sample(), r.score(), changes[r.sample()], label));
    }
    return all;
  }

  private void print(InfluenceResult r, Subject s, Text text) {
    text.line(
        r.tests() == null
            ? "Influence of each training sample on its own loss"
            : "Influence of training samples on the mean loss of "
                + Numbers.count(r.tests(), "test sample")
                + " of "
                + r.testData());
    s.print(text, measured.common, r.dtype());
    lines(r.tests() == null ? "largest" : "most helpful", r.first()).forEach(text::line);
    if (r.tests() != null) {
      text.line("");
      lines("most harmful", r.last()).forEach(text::line);
    }
    text.line("");
    text.line("  " + solved(r) + ", in " + Numbers.seconds(r.seconds()));
  }

  /** How well the systems were solved. */
  static String solved(InfluenceResult r) {
    return "by "
        + r.method()
        + ", damping "
        + Numbers.shortest(r.damping())
        + ", relative residuals up to "
        + Numbers.scientific(r.largestResidual())
        + (r.converged() ? "" : "; not all systems converged");
  }

  private static List<String> lines(String title, List<Scored> scored) {
    List<String> lines = new ArrayList<>();
    String format = "    %8s  %6s  %13s  %13s";
    lines.add("  " + title);
    lines.add(String.format(Locale.ROOT, format, "sample", "label", "score", "without it"));
    for (Scored s : scored) {
      lines.add(
          String.format(
              Locale.ROOT,
              format,
              Numbers.whole(s.sample()),
              s.label() == null ? "" : s.label().toString(),
              Numbers.significant(s.score(), 5),
              Numbers.significant(s.leaveOneOut(), 4)));
    }
    return lines;
  }

  private Map<String, String> facts(InfluenceResult r, Subject s) {
    Map<String, String> f = measured.facts(s, r.dtype(), Numbers.seconds(r.seconds()));
    if (test != null && r.tests() != null) {
      f.put("test samples", test + ", " + Numbers.count(r.tests(), "sample"));
    }
    return f;
  }
}
