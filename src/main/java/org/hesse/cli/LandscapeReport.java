package org.hesse.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.hesse.cli.LandscapeResult.Point;
import org.hesse.cli.LandscapeResult.Slice;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.jspecify.annotations.Nullable;

/**
 * The page that shows what {@code landscape} has measured.
 *
 * @param facts what was run on what, in order; {@code command} is among them
 */
record LandscapeReport(
    @Nullable TrainResult training, LandscapeResult result, Map<String, String> facts) {
  private static final double WIDTH = 730;
  private static final double HALF = 360;
  private static final double MAP = 610;
  private static final double LOG_FROM = 10;

  /** The page. */
  String html() {
    Html page =
        new Html(
            "Loss landscape of " + result.model(),
            result.lossName()
                + " loss, mean over "
                + Numbers.count(result.samples(), "sample")
                + " of "
                + result.data()
                + " · "
                + result.device()
                + ", "
                + result.dtype());
    page.figures(figures());
    if (training != null) {
      Report.addTraining(page, training);
    }
    addSlice(page, result.slice());
    addPoint(page, result.point());
    addSharpness(page);
    page.heading("What was run");
    page.facts(facts, "command");
    return page.toString();
  }

  private Map<String, String> figures() {
    Map<String, String> f = new LinkedHashMap<>();
    f.put("parameters", Numbers.whole(result.parameters()));
    f.put("loss", print(result.loss(), 5));
    f.put("gradient norm", print(result.gradientNorm(), 5));
    f.put("point", result.point().kind().replace('-', ' '));
    f.put("sharpness", value(result.point().largest(), 6));
    Double rate = result.sharpness().largestStableRate();
    f.put("largest stable rate", rate == null ? "none" : print(rate, 4));
    return f;
  }

  // ---- slice

  private void addSlice(Html page, Slice s) {
    page.heading(s.y() == null ? "The loss along a line" : "The loss in a plane");
    double[] y = s.y();
    if (y != null) {
      HeatMap map = new HeatMap(MAP, 520, along(s, 0), along(s, 1), "loss", s.x(), y, s.loss());
      page.figure(
          List.of(map.svg("Loss in a plane")),
          "Loss over all samples at "
              + s.x().length
              + " × "
              + y.length
              + " points, with lines of equal loss; the circle is the model itself. "
              + directions(s)
              + missing(s));
      page.figure(
          List.of(curve(s, 0, s.x(), s.alongX(), HALF), curve(s, 1, y, s.alongY(), HALF)),
          "The same through the centre along each direction alone.");
    } else {
      page.figure(
          List.of(curve(s, 0, s.x(), s.alongX(), WIDTH)),
          "Loss over all samples at " + s.x().length + " points. " + directions(s) + missing(s));
    }
    page.paragraph("The slice: " + Numbers.print(LandscapeCommand.slice(result)) + ".");
  }

  private static String along(Slice s, int direction) {
    return "along " + s.name(direction);
  }

  private static String directions(Slice s) {
    List<Eigenvalue> values = s.eigenvalues();
    StringBuilder text = new StringBuilder();
    if (values == null) {
      text.append("Directions are random");
    } else if (values.size() == 1) {
      text.append("The direction is an eigenvector of the Hessian, of the eigenvalue ");
    } else {
      text.append("The directions are eigenvectors of the Hessian, of the eigenvalues ");
    }
    if (values != null) {
      text.append(String.join(" and ", values.stream().map(v -> value(v, 5)).toList()));
      text.append(", largest in magnitude");
    }
    text.append(
        s.filterNormalized()
            ? ", scaled so that each filter has the norm of the model's own; biases stay."
            : values == null ? "." : ", of length 1.");
    return text.toString();
  }

  private static String missing(Slice s) {
    return s.notFinite() == 0
        ? ""
        : " At " + Numbers.count(s.notFinite(), "point") + " the loss is not finite.";
  }

  private static String curve(Slice s, int direction, double[] x, double[] loss, double width) {
    double[] finite = DoubleStream.of(loss).filter(Double::isFinite).toArray();
    double low = Arrays.stream(finite).min().orElse(0);
    double high = Arrays.stream(finite).max().orElse(1);
    Axis y =
        low > 0 && high > LOG_FROM * low
            ? Axis.log("loss", low, high)
            : Axis.linear("loss", low, high);
    return new Chart(width, 260, Axis.exact(along(s, direction), x[0], x[x.length - 1]), y)
        .line(x, loss, 1, "")
        .svg("Loss " + along(s, direction));
  }

  // ---- point and sharpness

  private void addPoint(Html page, Point p) {
    page.heading("Kind of point");
    page.paragraph(
        "The point is "
            + Numbers.print(LandscapeCommand.kind(result))
            + ". The Hessian is "
            + p.hessian().replace('-', ' ')
            + ".");
    page.beside(() -> {
      page.table(
          List.of("eigenvalues", "number"),
          List.of(
              List.of("negative", LandscapeCommand.count(p.negative())),
              List.of(
                  "zero, up to " + Numbers.print(Numbers.scientific(p.zeroTolerance())),
                  LandscapeCommand.count(p.zero())),
              List.of("positive", LandscapeCommand.count(p.positive()))));
      page.table(
          List.of("eigenvalue", "value", "residual"),
          List.of(row("smallest", p.smallest()), row("largest", p.largest())));
    });
    page.paragraph(
        "Residuals are bounds: some eigenvalue lies within them. Where a number of eigenvalues is"
            + " estimated, it has a 95% interval, which covers the spread over the probes and the"
            + " error of the quadrature.");
  }

  private static List<String> row(String name, Eigenvalue e) {
    return List.of(name, value(e, 7), Numbers.print(Numbers.scientific(e.residual())));
  }

  private void addSharpness(Html page) {
    page.heading("Sharpness");
    Double rate = result.sharpness().largestStableRate();
    page.paragraph(
        (rate == null
                ? "No eigenvalue is positive, so there is no learning rate at which gradient"
                    + " descent becomes unstable."
                : "Gradient descent on all samples is stable up to a learning rate of 2/λ = "
                    + print(rate, 4)
                    + ", λ being the largest eigenvalue; with momentum β it is (1 + β) times that.")
            + " Within a distance of "
            + Numbers.shortest(result.sharpness().radius())
            + " the loss rises by at least "
            + print(result.sharpness().rise(), 4)
            + ", which is what a step of that length along the gradient does.");
  }

  private static String value(Eigenvalue v, int digits) {
    return Numbers.print(Numbers.meaningful(v.value(), v.residual(), digits));
  }

  private static String print(double x, int digits) {
    return Numbers.print(Numbers.significant(x, digits));
  }
}
