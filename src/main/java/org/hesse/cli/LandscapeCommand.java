package org.hesse.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.hesse.cli.LandscapeResult.Point;
import org.hesse.cli.LandscapeResult.Sharpness;
import org.hesse.cli.LandscapeResult.Slice;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.hesse.linalg.EigenvalueCount;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hesse landscape}. */
@Command(
    name = "landscape",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Shows what a model's mean loss over a data set looks like around its weights: the loss along"
          + " one or two directions, the kind of point, by gradient and signature of the Hessian,"
          + " and how sharp it is.",
      "",
      "Without --model it trains a small network first, on --data or on the built-in digits."
    },
    footer = {
      "",
      "Examples:",
      "  hesse landscape --data two-moons --report out",
      "  hesse landscape --model m.safetensors --data digits --directions random",
      "  hesse landscape --model m.safetensors --data digits --dimensions 1 --json out.json"
    })
final class LandscapeCommand implements Callable<Integer> {
  private static final int POINTS = 25;
  private static final int LINE_POINTS = 51;

  private final Terminal terminal;

  @Option(
      names = "--directions",
      paramLabel = "NAME",
      description =
          "eigenvectors of the Hessian's eigenvalues of largest magnitude, or random. Default:"
              + " ${DEFAULT-VALUE}.")
  String directions = "eigenvectors";

  @Option(
      names = "--dimensions",
      paramLabel = "N",
      description = "1 for a line, 2 for a plane. Default: 2.")
  int dimensions = 2;

  @Option(
      names = "--filter-normalized",
      negatable = true,
      description =
          "Scale directions filter by filter to the norms of the weights, biases fixed. Default:"
              + " yes for random directions.")
  @Nullable Boolean filterNormalized;

  @Option(
      names = "--points",
      paramLabel = "P",
      description = "Points along each direction, odd. Default: 25, or 51 for a line.")
  @Nullable Integer points;

  @Option(
      names = "--radius",
      paramLabel = "R",
      description =
          "How far to go to either side. Default: 1; along eigenvectors √(2/|λ|), which is where"
              + " the quadratic model of the steepest has moved by 1.")
  @Nullable Double radius;

  @Option(
      names = "--rho",
      paramLabel = "R",
      description = "Radius of the ball that the loss's rise is measured in. Default: 0.05.")
  double rho = 0.05;

  @Option(
      names = "--gradient-zero",
      paramLabel = "X",
      description =
          "Norm up to which the gradient counts as zero. Default: 1e-4, or 1e-6 in float64.")
  @Nullable Double gradientTolerance;

  @Option(
      names = "--eigenvalue-zero",
      paramLabel = "X",
      description =
          "Eigenvalues count as zero up to this times the largest magnitude. Default: 3.5e-4, or"
              + " 1.5e-8 in float64.")
  @Nullable Double zeroTolerance;

  @Mixin MeasureOptions measured;

  LandscapeCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws IOException {
    measured.common.start();
    checkOptions();
    measured.check();
    Text text = measured.json.text(terminal);
    try (ProgressBar bar = new ProgressBar(terminal, measured.common.quiet)) {
      Subject subject = measured.subject((shape, data) -> {}, text, bar);
      LandscapeResult result =
          new Landscape(subject, measured.problem.loss, settings(subject)).run(bar);
      print(result, subject, text);
      measured.write(
          result,
          measured.facts(subject, result.dtype(), work(result)),
          facts -> new LandscapeReport(subject.training(), result, facts).html(),
          text,
          terminal);
    }
    return Failure.DONE;
  }

  private void checkOptions() {
    if (!directions.equals("eigenvectors") && !directions.equals("random")) {
      throw Failure.badInput(
          "--directions: '" + directions + "' is unknown; expected eigenvectors or random");
    }
    if (dimensions != 1 && dimensions != 2) {
      throw Failure.badInput("--dimensions: " + dimensions + "; expected 1 or 2");
    }
    if (points != null && (points < 3 || points % 2 == 0)) {
      throw Failure.badInput(
          "--points: " + points + "; expected an odd number, 3 or more, so that one is the centre");
    }
    Checks.positive("--radius", radius == null ? 1 : radius);
    Checks.positive("--rho", rho);
    Checks.positive("--gradient-zero", gradientTolerance == null ? 1 : gradientTolerance);
    Checks.positive("--eigenvalue-zero", zeroTolerance == null ? 1 : zeroTolerance);
  }

  private Landscape.Settings settings(Subject s) {
    boolean eigenvectors = directions.equals("eigenvectors");
    return new Landscape.Settings(
        eigenvectors,
        dimensions,
        filterNormalized == null ? !eigenvectors : filterNormalized,
        points != null ? points : dimensions == 1 ? LINE_POINTS : POINTS,
        radius,
        rho,
        gradientTolerance,
        zeroTolerance,
        s.batch(measured.batch),
        measured.common.seed);
  }

  private void print(LandscapeResult r, Subject s, Text text) {
    text.line("Landscape of the mean " + r.lossName() + " loss");
    s.print(text, measured.common, r.dtype());
    text.line("  loss            " + Numbers.significant(r.loss(), 7));
    text.line("  gradient norm   " + Numbers.significant(r.gradientNorm(), 7));
    text.line("  point           " + kind(r));
    Point p = r.point();
    text.line(
        "  Hessian         "
            + p.hessian()
            + ", eigenvalues from "
            + bounded(p.smallest())
            + " to "
            + bounded(p.largest()));
    text.line("    negative      " + count(p.negative()));
    String zero = ", zero up to " + Numbers.scientific(p.zeroTolerance());
    text.line("    zero          " + count(p.zero()) + zero);
    text.line("    positive      " + count(p.positive()));
    text.line("  sharpness       " + sharpness(r.sharpness()));
    text.line(
        "  in a ball       of radius "
            + Numbers.shortest(r.sharpness().radius())
            + " the loss rises by at least "
            + Numbers.significant(r.sharpness().rise(), 4)
            + ", which it does along the gradient");
    text.line("");
    text.line("  slice           " + slice(r));
    text.line("");
    text.line("  " + work(r));
  }

  private static String work(LandscapeResult r) {
    String products = Numbers.count(r.matvecs(), "Hessian-vector product");
    return products + " in " + Numbers.seconds(r.seconds());
  }

  /** The kind of point in words. */
  static String kind(LandscapeResult r) {
    String zero = Numbers.scientific(r.point().gradientTolerance());
    return switch (r.point().kind()) {
      case "not-critical" -> "not critical, as the gradient's norm is above " + zero;
      case "saddle" ->
          "saddle of Morse index " + count(r.point().negative()) + ", gradient zero up to " + zero;
      case "degenerate" -> "degenerate: second derivatives do not tell";
      case "undecided" -> "undecided: the bounds of the eigenvalues leave it open";
      default -> r.point().kind() + ", gradient zero up to " + zero;
    };
  }

  /** An eigenvalue with its bound. */
  static String bounded(Eigenvalue e) {
    return Numbers.meaningful(e.value(), e.residual(), 7)
        + " ± "
        + Numbers.scientific(e.residual())
        + (e.converged() ? "" : " (not converged)");
  }

  /** A count, with its interval if it has one. */
  static String count(EigenvalueCount n) {
    return n.low() == n.high()
        ? Numbers.whole(Math.round(n.value()))
        : "about "
            + Numbers.whole(Math.round(n.value()))
            + " ("
            + Numbers.whole((long) Math.floor(n.low()))
            + " to "
            + Numbers.whole((long) Math.ceil(n.high()))
            + ")";
  }

  private static String sharpness(Sharpness s) {
    String value =
        Numbers.meaningful(s.value(), s.residual(), 7) + " ± " + Numbers.scientific(s.residual());
    return s.largestStableRate() == null
        ? value + ": no eigenvalue is positive"
        : value
            + ": gradient descent is stable up to learning rate "
            + Numbers.significant(s.largestStableRate(), 4);
  }

  /** What the slice shows, in a line. */
  static String slice(LandscapeResult r) {
    Slice s = r.slice();
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    String where = "";
    for (int i = 0; i < s.x().length; i++) {
      for (int j = 0; j < s.loss()[i].length; j++) {
        double v = s.loss()[i][j];
        if (Double.isFinite(v)) {
          high = Math.max(high, v);
        }
        if (v < low) {
          low = v;
          where = place(s, i, j);
        }
      }
    }
    return (s.y() == null
            ? s.x().length + " points"
            : s.x().length + " × " + s.y().length + " points")
        + " along "
        + (s.filterNormalized() ? "filter-normalized " : "")
        + (s.y() == null ? s.name(0) : s.names())
        + ", up to ±"
        + Numbers.significant(s.x()[s.x().length - 1], 3)
        + ": loss from "
        + Numbers.significant(low, 5)
        + " at "
        + where
        + " to "
        + Numbers.significant(high, 5)
        + (s.notFinite() > 0 ? "; " + Numbers.count(s.notFinite(), "point") + " not finite" : "");
  }

  private static String place(Slice s, int i, int j) {
    boolean centre = i == s.x().length / 2 && j == s.loss()[i].length / 2;
    if (centre) {
      return "the centre";
    }
    String x = Numbers.significant(s.x()[i], 3);
    return s.y() == null ? x : "(" + x + ", " + Numbers.significant(s.y()[j], 3) + ")";
  }
}
