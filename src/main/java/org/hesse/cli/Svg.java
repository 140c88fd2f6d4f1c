package org.hesse.cli;

import java.util.List;
import java.util.Locale;

/** Writes a picture as SVG, to stand inline in HTML; colours come from the page's style classes. */
final class Svg {
  /** A place in the picture, in pixels from the upper left. */
  record Point(double x, double y) {}

  private final StringBuilder out = new StringBuilder();

  /** A picture with a name for those who do not see it. */
  Svg(double width, double height, String name) {
    out.append(
        String.format(
            "<svg viewBox=\"0 0 %s %s\" role=\"img\"" + " aria-label=\"%s\">%n",
            number(width), number(height), escape(name)));
  }

  void line(double x1, double y1, double x2, double y2, String style) {
    out.append(
        String.format(
            "<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>%n",
            style, number(x1), number(y1), number(x2), number(y2)));
  }

  void rectangle(double x, double y, double width, double height, String style) {
    out.append(
        String.format(
            "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/>%n",
            style, number(x), number(y), number(width), number(height)));
  }

  /** A rectangle of a colour of its own, such as {@code #1f5f9e}. */
  void cell(double x, double y, double width, double height, String colour) {
    out.append(
        String.format(
            "<rect class=\"cell\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\""
                + " fill=\"%s\"/>%n",
            number(x), number(y), number(width), number(height), colour));
  }

  /** Lines from each first to each second of the points. */
  void segments(List<Point> ends, String style) {
    if (ends.isEmpty()) {
      return;
    }
    StringBuilder d = new StringBuilder();
    for (int i = 0; i < ends.size(); i++) {
      d.append(i % 2 == 0 ? "M" : "L");
      d.append(number(ends.get(i).x)).append(' ').append(number(ends.get(i).y));
    }
    out.append(String.format("<path class=\"%s\" d=\"%s\"/>%n", style, d));
  }

  void circle(double x, double y, double radius, String style) {
    out.append(
        String.format(
            "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>%n",
            style, number(x), number(y), number(radius)));
  }

  /** A polyline, closed and filled where asked for. */
  void path(List<Point> points, boolean closed, String style) {
    StringBuilder d = new StringBuilder();
    for (Point p : points) {
      d.append(d.isEmpty() ? "M" : "L").append(number(p.x)).append(' ').append(number(p.y));
    }
    out.append(String.format("<path class=\"%s\" d=\"%s%s\"/>%n", style, d, closed ? "Z" : ""));
  }

  /** Text whose start, middle or end is at a place. */
  void text(double x, double y, String anchor, String style, String text) {
    out.append(
        String.format(
            "<text class=\"%s\" x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>%n",
            style, number(x), number(y), anchor, escape(text)));
  }

  /** Begins a part of which only what lies in a rectangle is seen; ended by {@link #endClip}. */
  void beginClip(double x, double y, double width, double height) {
    out.append(
        String.format(
            "<svg x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" viewBox=\"%s %s %s %s\">%n",
            number(x),
            number(y),
            number(width),
            number(height),
            number(x),
            number(y),
            number(width),
            number(height)));
  }

  void endClip() {
    out.append(String.format("</svg>%n"));
  }

  /** Two decimals at most; what lies far outside is moved to where it does no harm. */
  static String number(double x) {
    if (Double.isNaN(x)) {
      return "0";
    }
    String s = String.format(Locale.ROOT, "%.2f", Math.clamp(x, -1e4, 1e4));
    s = s.replaceFirst("\\.?0+$", "");
    return s.equals("-0") ? "0" : s;
  }

  /** Text made fit for HTML and XML; control characters become spaces. */
  static String escape(String text) {
    StringBuilder s = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          switch (c) {
            case '&' -> s.append("&amp;");
            case '<' -> s.append("&lt;");
            case '>' -> s.append("&gt;");
            case '"' -> s.append("&quot;");
            case '\'' -> s.append("&#39;");
            default -> s.appendCodePoint(c < 32 || c >= 127 && c < 160 ? ' ' : c);
          }
        });
    return s.toString();
  }

  @Override
  public String toString() {
    return out + "</svg>\n";
  }
}
