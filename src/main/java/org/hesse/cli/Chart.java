package org.hesse.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.cli.Svg.Point;
import org.hesse.cli.Ticks.Tick;

/**
 * A chart of lines, bands and points over two axes. Series have a colour number, which the page's
 * style sheet knows.
 *
 * <pre>{@code
 * String svg = new Chart(720, 300, Axis.linear("x", 0, 1), Axis.log("y", 1e-3, 1))
 *     .band(x, low, high, 1, "95% interval")
 *     .line(x, y, 1, "density")
 *     .svg("Spectral density");
 * }</pre>
 */
final class Chart {
  private static final double TOP = 34;
  private static final double BOTTOM = 44;
  private static final double RIGHT = 14;
  private static final double LETTER = 6.3;
  private static final double RUG = 13;
  private static final double DOT = 3.2;
  private static final double CAP = 4;

  /** How an entry of the legend looks. */
  private enum Sample {
    LINE,
    BAND,
    LOLLIPOP,
    ERROR_BAR,
    RUG
  }

  private record Entry(Sample sample, int colour, String name) {}

  private final double width;
  private final double height;
  private final Axis x;
  private final Axis y;
  private final double left;
  private final List<Runnable> layers = new ArrayList<>();
  private final List<Entry> legend = new ArrayList<>();
  private Svg svg = new Svg(0, 0, "");

  /** An empty chart of a size in pixels. */
  Chart(double width, double height, Axis x, Axis y) {
    this.width = width;
    this.height = height;
    this.x = x;
    this.y = y;
    int longest = y.ticks().stream().mapToInt(t -> t.label().length()).max().orElse(1);
    this.left = 14 + LETTER * Math.max(2, longest);
  }

  /** The area between two curves. */
  Chart band(double[] xs, double[] low, double[] high, int colour, String name) {
    legend.add(new Entry(Sample.BAND, colour, name));
    layers.add(() -> {
      List<Point> outline = new ArrayList<>();
      for (int i = 0; i < xs.length; i++) {
        outline.add(at(xs[i], high[i]));
      }
      for (int i = xs.length - 1; i >= 0; i--) {
        outline.add(at(xs[i], low[i]));
      }
      svg.path(outline, true, "band c" + colour);
    });
    return this;
  }

  /** A curve; it is interrupted where a value is not finite, and a lone point becomes a dot. */
  Chart line(double[] xs, double[] ys, int colour, String name) {
    legend.add(new Entry(Sample.LINE, colour, name));
    layers.add(() -> {
      List<Point> run = new ArrayList<>();
      for (int i = 0; i <= xs.length; i++) {
        if (i < xs.length && Double.isFinite(xs[i]) && Double.isFinite(ys[i])) {
          run.add(at(xs[i], ys[i]));
        } else {
          drawRun(run, colour);
          run = new ArrayList<>();
        }
      }
    });
    return this;
  }

  private void drawRun(List<Point> run, int colour) {
    if (run.size() == 1) {
      svg.circle(run.getFirst().x(), run.getFirst().y(), DOT, "dot c" + colour);
    } else if (!run.isEmpty()) {
      svg.path(run, false, "line c" + colour);
    }
  }

  /** Dots on stems from zero. */
  Chart lollipops(double[] xs, double[] ys, int colour, String name) {
    legend.add(new Entry(Sample.LOLLIPOP, colour, name));
    layers.add(() -> {
      for (int i = 0; i < xs.length; i++) {
        Point p = at(xs[i], ys[i]);
        svg.line(p.x(), at(xs[i], 0).y(), p.x(), p.y(), "stem c" + colour);
        svg.circle(p.x(), p.y(), DOT, "dot c" + colour);
      }
    });
    return this;
  }

  /** Bars with caps of {@code ±errors}; those too short to be seen are left out. */
  Chart errorBars(double[] xs, double[] ys, double[] errors, int colour, String name) {
    List<Integer> seen =
        IntStream.range(0, xs.length).filter(i -> isSeen(ys[i], errors[i])).boxed().toList();
    if (!seen.isEmpty()) {
      legend.add(new Entry(Sample.ERROR_BAR, colour, name));
    }
    layers.add(() -> {
      for (int i : seen) {
        double above = at(xs[i], ys[i] + errors[i]).y();
        double below = at(xs[i], ys[i] - errors[i]).y();
        errorBar(at(xs[i], ys[i]).x(), above, below, colour);
      }
    });
    return this;
  }

  /** Whether an error bar would stand out from its dot. */
  boolean isSeen(double value, double error) {
    return at(x.low(), value - error).y() - at(x.low(), value + error).y() > 2 * DOT;
  }

  private void errorBar(double px, double above, double below, int colour) {
    svg.line(px, above, px, below, "bar c" + colour);
    svg.line(px - CAP, above, px + CAP, above, "bar c" + colour);
    svg.line(px - CAP, below, px + CAP, below, "bar c" + colour);
  }

  /** Short marks on the horizontal axis. */
  Chart rug(double[] xs, int colour, String name) {
    legend.add(new Entry(Sample.RUG, colour, name));
    layers.add(() -> {
      double bottom = height - BOTTOM;
      for (double v : xs) {
        double px = at(v, y.low()).x();
        svg.line(px, bottom, px, bottom - RUG, "rug c" + colour);
      }
    });
    return this;
  }

  /** The chart as SVG, with a name for those who do not see it. */
  String svg(String name) {
    svg = new Svg(width, height, name);
    grid();
    svg.beginClip(left - 5, TOP - 5, width - left - RIGHT + 10, height - TOP - BOTTOM + 5);
    layers.forEach(Runnable::run);
    svg.endClip();
    frame();
    legend();
    return svg.toString();
  }

  private Point at(double vx, double vy) {
    double px = left + x.position(vx) * (width - left - RIGHT);
    double py = height - BOTTOM - y.position(vy) * (height - TOP - BOTTOM);
    return new Point(px, Math.clamp(py, TOP - 40, height - BOTTOM + 40));
  }

  private void grid() {
    for (Tick t : y.ticks()) {
      if (t.isMajor()) {
        double py = at(x.low(), t.value()).y();
        boolean zero = t.value() == 0 && y.low() < 0;
        svg.line(left, py, width - RIGHT, py, zero ? "zero" : "grid");
      }
    }
    if (x.low() < 0 && x.high() > 0) {
      double px = at(0, y.low()).x();
      svg.line(px, TOP, px, height - BOTTOM, "zero");
    }
  }

  private void frame() {
    double bottom = height - BOTTOM;
    svg.line(left, bottom, width - RIGHT, bottom, "axis");
    svg.line(left, TOP, left, bottom, "axis");
    double above = Double.POSITIVE_INFINITY;
    for (Tick t : y.ticks()) {
      double py = at(x.low(), t.value()).y();
      svg.line(left, py, left - (t.isMajor() ? 5 : 3), py, "axis");
      if (t.isMajor() && py < above) {
        svg.text(left - 8, py + 3.8, "end", "tick", t.label());
        above = py - 13;
      }
    }
    double free = Double.NEGATIVE_INFINITY;
    for (Tick t : x.ticks()) {
      double px = at(t.value(), y.low()).x();
      svg.line(px, bottom, px, bottom + (t.isMajor() ? 5 : 3), "axis");
      double half = LETTER * t.label().length() / 2;
      if (t.isMajor() && px - half > free) {
        svg.text(px, bottom + 17, "middle", "tick", t.label());
        free = px + half + 4;
      }
    }
    svg.text((left + width - RIGHT) / 2, height - 8, "middle", "label", x.label());
    svg.text(2, 14, "start", "label", y.label());
  }

  /** Right of the upper edge, beside the vertical axis's label. */
  private void legend() {
    double px = width - RIGHT;
    for (Entry e : legend.reversed()) {
      if (e.name.isEmpty()) {
        continue;
      }
      px -= LETTER * e.name.length();
      svg.text(px, 14, "start", "legend", e.name);
      px -= 25;
      sample(e, px);
      px -= 14;
    }
  }

  private void sample(Entry e, double px) {
    String colour = " c" + e.colour;
    switch (e.sample) {
      case LINE -> svg.line(px, 10, px + 20, 10, "line" + colour);
      case BAND -> svg.rectangle(px, 5, 20, 10, "band" + colour);
      case LOLLIPOP -> {
        svg.line(px + 13, 4, px + 13, 17, "stem" + colour);
        svg.circle(px + 13, 5, DOT, "dot" + colour);
      }
      case ERROR_BAR -> errorBar(px + 13, 4, 16, e.colour);
      case RUG -> svg.line(px + 14, 4, px + 14, 16, "rug" + colour);
    }
  }
}
