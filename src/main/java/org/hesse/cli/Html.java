package org.hesse.cli;

import java.util.List;
import java.util.Map;

/** Writes one HTML page that needs nothing beside it. */
final class Html {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1b1b; --soft: #5d6166;
        --rule: #d5d8db; --faint: #eceef0; --c1: #1f5f9e; --c2: #c0501a; }
      @media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e4e6e8;
        --soft: #9ba1a8; --rule: #3b4147; --faint: #262b30; --c1: #74b0ea; --c2: #ee9a63; } }
      @media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444;
        --rule: #bbb; --faint: #e8e8e8; --c1: #1f5f9e; --c2: #c0501a; }
        body { margin: 0; max-width: none; padding: 0; }
        figure, table, .figures, h2 { break-inside: avoid; } h2 { break-after: avoid; } }
      @page { margin: 18mm; }
      * { box-sizing: border-box; }
      body { margin: 0 auto; max-width: 49rem; padding: 2.6rem 1.4rem 3.5rem;
        background: var(--paper); color: var(--ink);
        font: 1.02rem/1.55 Charter, "Bitstream Charter", "Source Serif 4", Palatino,
          "Palatino Linotype", Georgia, "Liberation Serif", serif; }
      h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 600; margin: 0 0 .3rem; }
      h2 { font-size: 1.15rem; font-weight: 600; margin: 2.5rem 0 .5rem; }
      .under { color: var(--soft); margin: 0 0 1.6rem; }
      p { margin: .5rem 0; }
      .figures { display: grid; grid-template-columns: repeat(3, 1fr);
        gap: .8rem 1.4rem; margin: 1.6rem 0 0; padding: .9rem 0;
        border-top: 1.5px solid var(--ink); border-bottom: 1px solid var(--rule); }
      .figures div { min-width: 0; }
      .figures b { display: block; font-weight: 400; color: var(--soft); font-size: .86rem; }
      .figures span { font-size: 1.13rem; font-variant-numeric: tabular-nums lining-nums; }
      figure { margin: 1rem 0 0; }
      figcaption { font-size: .92rem; line-height: 1.45; color: var(--soft); margin: .3rem 0 .9rem; }
      .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr));
        gap: 1rem 1.6rem; }
      .beside { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 1rem 2rem;
        align-items: start; }
      .beside > table { justify-self: start; }
      @media (max-width: 40rem) { .beside { grid-template-columns: 1fr; }
        .figures { grid-template-columns: repeat(2, 1fr); } }
      svg { display: block; width: 100%; height: auto; overflow: visible; }
      svg svg { overflow: hidden; }
      svg text { font: 12px system-ui, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
        fill: var(--soft); font-variant-numeric: tabular-nums; }
      svg .label, svg .legend { fill: var(--ink); }
      .axis { stroke: var(--soft); stroke-width: 1; }
      .grid { stroke: var(--faint); stroke-width: 1; }
      .zero { stroke: var(--rule); stroke-width: 1; }
      .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
      .band { fill-opacity: .2; stroke: none; }
      .bar { stroke-width: 1.4; }
      .stem { stroke-width: 4; stroke-opacity: .3; }
      .rug { stroke-width: 1.5; }
      .cell { shape-rendering: crispEdges; }
      .contour { fill: none; stroke: #fff; stroke-width: 1; stroke-opacity: .6; }
      .centre { fill: #fff; stroke: #c0501a; stroke-width: 2; }
      .line.c1, .bar.c1, .rug.c1, .stem.c1 { stroke: var(--c1); }
      .line.c2, .bar.c2, .rug.c2, .stem.c2 { stroke: var(--c2); }
      .band.c1, .dot.c1 { fill: var(--c1); }
      .band.c2, .dot.c2 { fill: var(--c2); }
      table { border-collapse: collapse; font-size: .93rem; margin: 1rem 0 0;
        font-variant-numeric: tabular-nums lining-nums; border-top: 1.5px solid var(--ink);
        border-bottom: 1.5px solid var(--ink); }
      th { font-weight: 400; color: var(--soft); text-align: left; vertical-align: top; }
      thead th { border-bottom: 1px solid var(--rule); }
      th, td { padding: .17rem 1.1rem .17rem 0; }
      th:last-child, td:last-child { padding-right: 0; }
      .numbers td, .numbers thead th { text-align: right; }
      .facts { width: 100%; } .facts th { white-space: nowrap; }
      .facts td { overflow-wrap: anywhere; }
      code { font: .88em ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace; }
      """;

  private final StringBuilder body = new StringBuilder();
  private final String title;

  Html(String title, String subtitle) {
    this.title = title;
    body.append("<h1>").append(Svg.escape(title)).append("</h1>\n<p class=\"under\">");
    body.append(Svg.escape(subtitle)).append("</p>\n");
  }

  Html heading(String text) {
    body.append("<h2>").append(Svg.escape(text)).append("</h2>\n");
    return this;
  }

  Html paragraph(String text) {
    body.append("<p>").append(Svg.escape(text)).append("</p>\n");
    return this;
  }

  /** The main results, large, in a row. */
  Html figures(Map<String, String> figures) {
    body.append("<div class=\"figures\">\n");
    figures.forEach((name, value) ->
        body.append(
            "<div><b>" + Svg.escape(name) + "</b><span>" + Svg.escape(value) + "</span></div>\n"));
    body.append("</div>\n");
    return this;
  }

  /** Pictures side by side where there is room, with what they show. */
  Html figure(List<String> pictures, String caption) {
    body.append(pictures.size() > 1 ? "<figure>\n<div class=\"pair\">\n" : "<figure>\n");
    pictures.forEach(p -> body.append("<div>").append(p).append("</div>\n"));
    body.append(pictures.size() > 1 ? "</div>\n" : "");
    body.append("<figcaption>").append(Svg.escape(caption)).append("</figcaption>\n</figure>\n");
    return this;
  }

  /** What is added in between stands beside each other where there is room. */
  Html beside(Runnable parts) {
    body.append("<div class=\"beside\">\n");
    parts.run();
    body.append("</div>\n");
    return this;
  }

  /** A table of numbers. */
  Html table(List<String> head, List<List<String>> rows) {
    body.append("<table class=\"numbers\">\n<thead><tr>");
    head.forEach(h -> body.append("<th>").append(Svg.escape(h)).append("</th>"));
    body.append("</tr></thead>\n<tbody>\n");
    for (List<String> row : rows) {
      body.append("<tr>");
      row.forEach(c -> body.append("<td>").append(Svg.escape(c)).append("</td>"));
      body.append("</tr>\n");
    }
    body.append("</tbody>\n</table>\n");
    return this;
  }

  /** A table of names and what they stand for; {@code code} names the one set as code. */
  Html facts(Map<String, String> facts, String code) {
    body.append("<table class=\"facts\">\n<tbody>\n");
    facts.forEach((name, value) -> {
      String text = Svg.escape(value);
      String cell = name.equals(code) ? "<code>" + text + "</code>" : text;
      body.append("<tr><th>" + Svg.escape(name) + "</th><td>" + cell + "</td></tr>\n");
    });
    body.append("</tbody>\n</table>\n");
    return this;
  }

  @Override
  public String toString() {
    return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>"
        + Svg.escape(title)
        + "</title>\n<style>\n"
        + STYLE
        + "</style>\n</head>\n<body>\n"
        + body
        + "</body>\n</html>\n";
  }
}
