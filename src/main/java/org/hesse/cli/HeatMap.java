package org.hesse.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.hesse.cli.Svg.Point;
import org.hesse.cli.Ticks.Tick;

/**
 * Values on a grid as colours, with contour lines and the scale of both.
 *
 * <pre>{@code
 * String svg = new HeatMap(520, 440, "x", "y", "loss", xs, ys, values).svg("Loss in a plane");
 * }</pre>
 *
 * <p>The scale is logarithmic where all values are positive and differ by more than a factor of 10.
 * Values that are not finite have the colour of the page.
 */
final class HeatMap {
  private static final double TOP = 34;
  private static final double BOTTOM = 44;
  private static final double SCALE = 92;
  private static final double SCALE_WIDTH = 14;
  private static final double LETTER = 6.3;
  private static final int LEVELS = 9;
  private static final double LOG_FROM = 10;

  /** Dark for low values to light for high ones, red, green and blue. */
  private static final int[][] COLOURS = {
    {0x12, 0x2a, 0x57},
    {0x1f, 0x5f, 0x9e},
    {0x3f, 0x97, 0xb5},
    {0x8f, 0xc9, 0xa8},
    {0xe6, 0xe3, 0x9b},
    {0xfd, 0xf6, 0xd6}
  };

  private final double width;
  private final double height;
  private final Axis x;
  private final Axis y;
  private final Axis scale;
  private final double[] xs;
  private final double[] ys;
  private final double[][] values;
  private final double left;
  private Svg svg = new Svg(0, 0, "");

  /**
   * A map of a size in pixels.
   *
   * @param xs ascending, evenly spaced, two or more
   * @param ys likewise
   * @param values at each x, and within these at each y
   */
  HeatMap(
      double width,
      double height,
      String xLabel,
      String yLabel,
      String label,
      double[] xs,
      double[] ys,
      double[][] values) {
    this.width = width;
    this.height = height;
    this.xs = xs;
    this.ys = ys;
    this.values = values;
    this.x = axis(xLabel, xs);
    this.y = axis(yLabel, ys);
    double[] finite =
        Arrays.stream(values).flatMapToDouble(Arrays::stream).filter(Double::isFinite).toArray();
    double low = Arrays.stream(finite).min().orElse(0);
    double high = Arrays.stream(finite).max().orElse(1);
    this.scale =
        low > 0 && high > LOG_FROM * low
            ? Axis.log(label, low, high)
            : Axis.linear(label, low, high);
    int longest = y.ticks().stream().mapToInt(t -> t.label().length()).max().orElse(1);
    this.left = 14 + LETTER * Math.max(2, longest);
  }

  /** Each value has a cell around it. */
  private static Axis axis(String label, double[] at) {
    double half = (at[1] - at[0]) / 2;
    return Axis.exact(label, at[0] - half, at[at.length - 1] + half);
  }

  /** The map as SVG, with a name for those who do not see it. */
  String svg(String name) {
    svg = new Svg(width, height, name);
    cells();
    contours();
    Point centre = at(xs[xs.length / 2], ys[ys.length / 2]);
    svg.circle(centre.x(), centre.y(), 4, "centre");
    frame();
    scale();
    return svg.toString();
  }

  private Point at(double vx, double vy) {
    return new Point(
        left + x.position(vx) * (width - left - SCALE),
        height - BOTTOM - y.position(vy) * (height - TOP - BOTTOM));
  }

  private void cells() {
    double dx = (xs[1] - xs[0]) / 2;
    double dy = (ys[1] - ys[0]) / 2;
    for (int i = 0; i < xs.length; i++) {
      for (int j = 0; j < ys.length; j++) {
        Point a = at(xs[i] - dx, ys[j] + dy);
        Point b = at(xs[i] + dx, ys[j] - dy);
        if (Double.isFinite(values[i][j])) {
          String colour = colour(scale.position(values[i][j]));
          svg.cell(a.x(), a.y(), b.x() - a.x(), b.y() - a.y(), colour);
        }
      }
    }
  }

  /** A colour between low, 0, and high, 1. */
  private static String colour(double position) {
    double p = Math.clamp(position, 0, 1) * (COLOURS.length - 1);
    int k = Math.min((int) p, COLOURS.length - 2);
    double t = p - k;
    int[] c = new int[3];
    Arrays.setAll(c, i -> (int) Math.round(COLOURS[k][i] * (1 - t) + COLOURS[k + 1][i] * t));
    return String.format(Locale.ROOT, "#%02x%02x%02x", c[0], c[1], c[2]);
  }

  /** Lines of equal value at even steps of the scale, within each square of four values. */
  private void contours() {
    for (int level = 1; level <= LEVELS; level++) {
      double wanted = level / (LEVELS + 1.0);
      List<Point> ends = new ArrayList<>();
      for (int i = 0; i + 1 < xs.length; i++) {
        for (int j = 0; j + 1 < ys.length; j++) {
          cross(i, j, wanted, ends);
        }
      }
      svg.segments(ends, "contour");
    }
  }

  /** Where the line of a level enters and leaves the square whose lower left value is (i, j). */
  private void cross(int i, int j, double level, List<Point> ends) {
    int[][] corners = {{i, j}, {i + 1, j}, {i + 1, j + 1}, {i, j + 1}};
    List<Point> found = new ArrayList<>();
    for (int k = 0; k < 4; k++) {
      int[] a = corners[k];
      int[] b = corners[(k + 1) % 4];
      double p = scale.position(values[a[0]][a[1]]) - level;
      double q = scale.position(values[b[0]][b[1]]) - level;
      if (!Double.isFinite(p) || !Double.isFinite(q)) {
        return;
      }
      if (p < 0 != q < 0) {
        double t = p / (p - q);
        double vx = xs[a[0]] + t * (xs[b[0]] - xs[a[0]]);
        double vy = ys[a[1]] + t * (ys[b[1]] - ys[a[1]]);
        found.add(at(vx, vy));
      }
    }
    ends.addAll(found);
  }

  private void frame() {
    double bottom = height - BOTTOM;
    double right = width - SCALE;
    svg.line(left, bottom, right, bottom, "axis");
    svg.line(left, TOP, left, bottom, "axis");
    for (Tick t : y.ticks()) {
      double py = at(x.low(), t.value()).y();
      svg.line(left, py, left - 5, py, "axis");
      svg.text(left - 8, py + 3.8, "end", "tick", t.label());
    }
    double free = Double.NEGATIVE_INFINITY;
    for (Tick t : x.ticks()) {
      double px = at(t.value(), y.low()).x();
      svg.line(px, bottom, px, bottom + 5, "axis");
      double half = LETTER * t.label().length() / 2;
      if (px - half > free) {
        svg.text(px, bottom + 17, "middle", "tick", t.label());
        free = px + half + 4;
      }
    }
    svg.text((left + right) / 2, height - 8, "middle", "label", x.label());
    svg.text(2, 14, "start", "label", y.label());
  }

  private void scale() {
    double from = width - SCALE + 18;
    double bottom = height - BOTTOM;
    double room = bottom - TOP;
    int steps = 60;
    for (int k = 0; k < steps; k++) {
      double top = bottom - room * (k + 1) / steps;
      svg.cell(from, top, SCALE_WIDTH, room / steps, colour((k + 0.5) / steps));
    }
    double above = Double.POSITIVE_INFINITY;
    for (Tick t : scale.ticks()) {
      double py = bottom - room * scale.position(t.value());
      svg.line(from + SCALE_WIDTH, py, from + SCALE_WIDTH + (t.isMajor() ? 5 : 3), py, "axis");
      if (t.isMajor() && py < above) {
        svg.text(from + SCALE_WIDTH + 8, py + 3.8, "start", "tick", t.label());
        above = py - 13;
      }
    }
    svg.text(from, 14, "start", "label", scale.label());
  }
}
