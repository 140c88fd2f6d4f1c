package org.hesse.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.hesse.cli.SpectrumResult.Density;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.jspecify.annotations.Nullable;

/** The page that shows what a run has measured. */
final class Report {
  private static final double WIDTH = 730;
  private static final double HALF = 360;
  private static final int MOST_ROWS = 20;
  private static final int FEW_PROBES = 30;

  private final @Nullable TrainResult training;
  private final @Nullable SpectrumResult spectrum;
  private final Map<String, String> facts;

  /**
   * A report of a run.
   *
   * @param facts what was run on what, in order; {@code command} is among them
   */
  Report(
      @Nullable TrainResult training,
      @Nullable SpectrumResult spectrum,
      Map<String, String> facts) {
    this.training = training;
    this.spectrum = spectrum;
    this.facts = facts;
  }

  /** The page. */
  String html() {
    Html page = new Html(title(), subtitle());
    page.figures(figures());
    if (training != null) {
      addTraining(page, training);
    }
    if (spectrum != null) {
      addDensity(page, spectrum);
      addEigenvalues(page, spectrum);
      addTrace(page, spectrum);
      addLayers(page, spectrum);
    }
    page.heading("What was run");
    page.facts(facts, "command");
    return page.toString();
  }

  private String title() {
    return spectrum != null
        ? title(Curvature.parse(spectrum.operator())) + " of " + spectrum.model()
        : "Training of " + Objects.requireNonNull(training).model();
  }

  private static String title(Curvature c) {
    return c == Curvature.HESSIAN ? "Hessian spectrum" : c.title() + ": spectrum";
  }

  private String subtitle() {
    if (spectrum != null) {
      return spectrum.lossName()
          + " loss, mean over "
          + Numbers.count(spectrum.samples(), "sample")
          + " of "
          + spectrum.data()
          + " · "
          + spectrum.device()
          + ", "
          + spectrum.dtype();
    }
    TrainResult t = Objects.requireNonNull(training);
    return t.lossName()
        + " loss on "
        + Numbers.count(t.trainSamples(), "sample")
        + " of "
        + t.data()
        + " · "
        + t.device()
        + ", "
        + t.dtype();
  }

  private Map<String, String> figures() {
    Map<String, String> f = new LinkedHashMap<>();
    if (spectrum == null) {
      TrainResult t = Objects.requireNonNull(training);
      TrainResult.Epoch last = t.epochs().getLast();
      f.put("parameters", Numbers.whole(t.parameters()));
      f.put("loss, trained on", print(last.trainLoss(), 4));
      f.put("loss, held out", print(last.testLoss(), 4));
      if (last.testAccuracy() != null) {
        f.put("accuracy, held out", Numbers.percent(last.testAccuracy()));
      }
      return f;
    }
    f.put("parameters", Numbers.whole(spectrum.parameters()));
    f.put("loss", print(spectrum.loss(), 5));
    if (spectrum.accuracy() != null) {
      f.put("accuracy", Numbers.percent(spectrum.accuracy()));
    }
    f.put("gradient norm", print(spectrum.gradientNorm(), 5));
    if (!spectrum.eigenvalues().isEmpty()) {
      Eigenvalue first = spectrum.eigenvalues().getFirst();
      f.put("leading eigenvalue", value(first, 6));
    }
    f.put("trace", trace(spectrum.trace()));
    return f;
  }

  // ---- training

  /** What the scale of the losses is, which cannot show a loss of 0 if it is logarithmic. */
  private static String scale(TrainResult t) {
    double[] losses =
        t.epochs().stream()
            .flatMapToDouble(e -> DoubleStream.of(e.trainLoss(), e.testLoss()))
            .toArray();
    boolean positive = Arrays.stream(losses).anyMatch(v -> v > 0 && Double.isFinite(v));
    boolean zero = Arrays.stream(losses).anyMatch(v -> v == 0);
    return positive
        ? "logarithmic scale" + (zero ? ", where 0 lies below the edge" : "")
        : "linear scale";
  }

  /** How a model was trained. */
  static void addTraining(Html page, TrainResult t) {
    page.heading("Training");
    List<String> pictures = new ArrayList<>();
    boolean classes = t.epochs().getLast().testAccuracy() != null;
    pictures.add(curves(t, true, classes ? HALF : WIDTH));
    if (classes) {
      pictures.add(curves(t, false, HALF));
    }
    String caption =
        "Mean loss "
            + (classes ? "(left, " + scale(t) + ") and accuracy (right) " : "")
            + "after each epoch, over the "
            + Numbers.count(t.trainSamples(), "sample")
            + " trained on and the "
            + Numbers.whole(t.testSamples())
            + " held out"
            + (classes ? "" : ", on a " + scale(t))
            + ". "
            + Numbers.count(t.steps(), "step")
            + " of "
            + t.optimizer()
            + " in "
            + Numbers.seconds(t.secondsTotal())
            + ".";
    page.figure(pictures, caption);
    TrainResult.Epoch last = t.epochs().getLast();
    StringBuilder s = new StringBuilder("After the last epoch the loss is ");
    s.append(print(last.trainLoss(), 4)).append(" on the samples trained on and ");
    s.append(print(last.testLoss(), 4)).append(" on those held out");
    if (last.testAccuracy() != null) {
      double p = last.testAccuracy();
      double error = Math.sqrt(p * (1 - p) / Math.max(1, t.testSamples()));
      s.append("; of those, ").append(Numbers.percent(p)).append(" are labelled right");
      s.append(
          error > 0
              ? ", with a standard error of "
                  + Numbers.fixed(100 * error, 2)
                  + " percentage points from the size of the sample"
              : "");
    }
    page.paragraph(s + ".");
  }

  private static String curves(TrainResult t, boolean loss, double width) {
    ToDoubleFunction<TrainResult.Epoch> train = e -> loss ? e.trainLoss() : of(e.trainAccuracy());
    ToDoubleFunction<TrainResult.Epoch> test = e -> loss ? e.testLoss() : of(e.testAccuracy());
    double[] x = t.epochs().stream().mapToDouble(TrainResult.Epoch::epoch).toArray();
    double[] a = t.epochs().stream().mapToDouble(train).toArray();
    double[] b = t.epochs().stream().mapToDouble(test).toArray();
    double[] all =
        IntStream.range(0, 2 * a.length)
            .mapToDouble(i -> i < a.length ? a[i] : b[i - a.length])
            .filter(v -> Double.isFinite(v) && (!loss || v > 0))
            .toArray();
    double low = Arrays.stream(all).min().orElse(0);
    double high = Arrays.stream(all).max().orElse(1);
    double below = low < 1 ? low - 0.03 * (1 - low) : 0.9;
    Axis y =
        !loss
            ? Axis.exact("accuracy", Math.max(0, below), 1)
            : low > 0 ? Axis.log("loss", low, high) : Axis.exact("loss", 0, 1);
    Axis epochs = Axis.whole("epoch", (int) x[0], (int) x[x.length - 1]);
    return new Chart(width, 236, epochs, y)
        .line(x, a, 1, "trained on")
        .line(x, b, 2, "held out")
        .svg(loss ? "Loss by epoch" : "Accuracy by epoch");
  }

  private static double of(@Nullable Double x) {
    return x == null ? Double.NaN : x;
  }

  // ---- spectrum

  private static void addDensity(Html page, SpectrumResult s) {
    Density d = s.density();
    page.heading("Spectral density");
    if (d == null) {
      page.paragraph("The density was not measured in this run; --density asks for it.");
      return;
    }
    double top = Arrays.stream(d.value()).filter(Double::isFinite).max().orElse(1);
    double floor = top / Math.clamp(20.0 * s.size(), 1e3, 1e9);
    double peak = Arrays.stream(d.high()).filter(Double::isFinite).max().orElse(top);
    double[] ritz = s.eigenvalues().stream().mapToDouble(Eigenvalue::value).toArray();
    double left = Math.min(d.grid()[0], Arrays.stream(ritz).min().orElse(d.grid()[0]));
    double last = d.grid()[d.grid().length - 1];
    double right = Math.max(last, Arrays.stream(ritz).max().orElse(last));
    Chart chart =
        new Chart(
                WIDTH,
                320,
                Axis.linear("eigenvalue", left, right),
                Axis.log("density", floor, Math.max(top, Math.min(peak, 10 * top))))
            .band(d.grid(), d.low(), d.high(), 1, "95% interval")
            .line(d.grid(), d.value(), 1, "density")
            .rug(ritz, 2, ritz.length == 0 ? "" : "leading eigenvalues");
    page.figure(
        List.of(chart.svg("Spectral density")),
        "Density of the "
            + Numbers.whole(s.size())
            + " eigenvalues, on a logarithmic scale; it integrates to 1. By stochastic Lanczos "
            + "quadrature: "
            + Numbers.count(d.probes(), "random probe")
            + " of "
            + Numbers.count(d.steps(), "step")
            + " each, every Ritz value smoothed by a Gaussian "
            + "of standard deviation "
            + print(d.width(), 2)
            + ". The band is a 95% interval, point by point, "
            + "from the spread over the probes, not the bias of the smoothing. A lone eigenvalue "
            + "shows as a bump of that width.");
    page.paragraph(signs(d));
  }

  /** How much of the spectrum is negative. */
  private static String signs(Density d) {
    double negative = 0;
    for (int i = 0; i < d.nodes().length; i++) {
      negative += d.nodes()[i] < -d.width() ? d.weights()[i] : 0;
    }
    double low = Arrays.stream(d.nodes()).min().orElse(0);
    double high = Arrays.stream(d.nodes()).max().orElse(0);
    return "The Ritz values of all probes reach from "
        + print(low, 4)
        + " to "
        + print(high, 4)
        + "; "
        + (negative < 5e-5 ? "none or fewer than 0.01%" : "about " + Numbers.percent(negative))
        + " of the eigenvalues lie more than one width of the smoothing below zero.";
  }

  private static void addEigenvalues(Html page, SpectrumResult s) {
    page.heading("Leading eigenvalues");
    List<Eigenvalue> values = s.eigenvalues();
    if (values.isEmpty()) {
      page.paragraph("None were asked for.");
      return;
    }
    double[] x = IntStream.rangeClosed(1, values.size()).asDoubleStream().toArray();
    double[] y = values.stream().mapToDouble(Eigenvalue::value).toArray();
    double[] e = values.stream().mapToDouble(Eigenvalue::residual).toArray();
    double low = 0;
    double high = 0;
    for (int i = 0; i < y.length; i++) {
      low = Math.min(low, y[i] - e[i]);
      high = Math.max(high, y[i] + e[i]);
    }
    Chart chart =
        new Chart(
                510,
                300,
                Axis.whole("number, by magnitude", 1, y.length),
                Axis.linear("eigenvalue", low, high))
            .lollipops(x, y, 1, "eigenvalue")
            .errorBars(x, y, e, 2, "± residual");
    long seen = IntStream.range(0, y.length).filter(i -> chart.isSeen(y[i], e[i])).count();
    page.beside(() -> {
      page.figure(
          List.of(chart.svg("Leading eigenvalues with error bars")),
          (values.size() == 1
                  ? "The eigenvalue"
                  : "The " + Numbers.whole(values.size()) + " eigenvalues")
              + " of largest magnitude. "
              + (seen == 0
                  ? "Residuals are smaller than the dots."
                  : "Error bars are residuals"
                      + (seen < y.length
                          ? "; where there is none, it is smaller than its dot."
                          : "."))
              + (values.size() > MOST_ROWS
                  ? " The table has the first " + MOST_ROWS + "; --json writes all."
                  : ""));
      page.table(List.of("", "eigenvalue", "residual"), rows(values));
    });
    long open = values.stream().filter(v -> !v.converged()).count();
    page.paragraph(
        "By the Lanczos method with full re-orthogonalisation. Some eigenvalue lies within the "
            + "residual ‖Hy − θy‖ of the value θ given, which is a bound, not an estimate; the "
            + "error of the value itself is usually far smaller."
            + (open == 0
                ? ""
                : " Of these values "
                    + Numbers.whole(open)
                    + (open == 1 ? " has" : " have")
                    + " not converged to the accuracy wanted."));
  }

  private static List<List<String>> rows(List<Eigenvalue> values) {
    List<List<String>> rows = new ArrayList<>();
    double[] y = values.stream().mapToDouble(Eigenvalue::value).toArray();
    double[] e = values.stream().mapToDouble(Eigenvalue::residual).toArray();
    List<String> column = Numbers.column(y, e, 9);
    for (int i = 0; i < Math.min(values.size(), MOST_ROWS); i++) {
      String residual = Numbers.print(Numbers.scientific(e[i]));
      rows.add(List.of(Integer.toString(i + 1), Numbers.print(column.get(i)), residual));
    }
    return rows;
  }

  private static void addTrace(Html page, SpectrumResult s) {
    page.heading("Trace");
    double share =
        s.eigenvalues().stream().mapToDouble(Eigenvalue::value).sum() / s.trace().value();
    String leading =
        s.eigenvalues().size() >= s.size() || !(share > 0 && share <= 1)
            ? ""
            : " The leading eigenvalues above make up about "
                + Numbers.fixed(100 * share, 0)
                + "% of it.";
    page.paragraph(
        "The sum of all eigenvalues is "
            + trace(s.trace())
            + ", where ± is one standard error of the "
            + "estimate "
            + (s.trace().method().equals("hutchinson")
                ? "from " + Numbers.count(s.trace().probes(), "random probe")
                : "by "
                    + s.trace().method()
                    + " from "
                    + Numbers.count(s.trace().probes(), "product"))
            + (s.trace().probes() < FEW_PROBES
                ? ", and from so few is rough itself."
                : "; the truth lies within two of them in about 95 runs of 100.")
            + (s.trace().accuracy() == null
                ? ""
                : " A relative standard error of "
                    + SpectrumCommand.share(s.trace().accuracy())
                    + (s.trace().reached()
                        ? " was asked for."
                        : " was asked for, and not reached."))
            + leading);
  }

  private static void addLayers(Html page, SpectrumResult s) {
    List<SpectrumResult.Block> layers = s.layers();
    if (layers == null) {
      return;
    }
    page.heading("Layer by layer");
    List<List<String>> rows = new ArrayList<>();
    for (SpectrumResult.Block b : layers) {
      for (int i = 0; i < Math.min(b.eigenvalues().size(), MOST_ROWS); i++) {
        Eigenvalue e = b.eigenvalues().get(i);
        boolean first = i == 0;
        rows.add(
            List.of(
                first ? b.path() : "",
                first ? Numbers.whole(b.parameters()) : "",
                value(e, 7),
                Numbers.print(Numbers.scientific(e.residual())),
                first ? trace(b.trace()) : ""));
      }
    }
    page.table(List.of("layer", "parameters", "eigenvalue", "residual", "trace"), rows);
    boolean kernel = Curvature.parse(s.operator()) == Curvature.NEURAL_TANGENT_KERNEL;
    page.paragraph(
        kernel
            ? "Each layer's part is the kernel of its parameters alone. The parts add up to the whole"
                + " kernel, so no eigenvalue of a part exceeds the largest of the whole, and the"
                + " traces add up to its trace."
            : "Each part is the diagonal block of one layer's parameters. No eigenvalue of a block"
                + " exceeds the extreme ones of the whole, and the traces add up to its trace.");
  }

  private static String trace(SpectrumResult.Trace t) {
    return Numbers.print(Numbers.withError(t.value(), t.standardError()));
  }

  private static String value(Eigenvalue v, int digits) {
    return Numbers.print(Numbers.meaningful(v.value(), v.residual(), digits));
  }

  private static String print(double x, int digits) {
    return Numbers.print(Numbers.significant(x, digits));
  }
}
