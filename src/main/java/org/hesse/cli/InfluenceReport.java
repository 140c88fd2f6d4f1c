package org.hesse.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.hesse.cli.InfluenceResult.Scored;

/**
 * The page that shows what {@code influence} has measured.
 *
 * @param facts what was run on what, in order; {@code command} is among them
 */
record InfluenceReport(InfluenceResult result, Map<String, String> facts) {
  private static final double WIDTH = 730;
  private static final double LOG_FROM = 10;
  private static final double LOG_DEPTH = 1e9;

  /** The page. */
  String html() {
    boolean self = result.tests() == null;
    Html page =
        new Html(
            "Influence on " + result.model(),
            result.lossName()
                + " loss, "
                + Numbers.count(result.samples(), "training sample")
                + " of "
                + result.data()
                + " · "
                + result.device()
                + ", "
                + result.dtype());
    Map<String, String> figures = new LinkedHashMap<>();
    figures.put("training samples", Numbers.whole(result.samples()));
    figures.put("test samples", result.tests() == null ? "none" : Numbers.whole(result.tests()));
    figures.put("largest residual", Numbers.print(Numbers.scientific(result.largestResidual())));
    page.figures(figures);
    page.heading("Scores");
    page.figure(
        List.of(curve()),
        "Scores of all training samples "
            + (self ? "for themselves" : "for the mean loss of the test samples")
            + ", in descending order. Solved "
            + Numbers.print(InfluenceCommand.solved(result))
            + ".");
    page.heading(self ? "Largest self-influence" : "Most helpful");
    page.table(head(), rows(result.first()));
    if (!self) {
      page.heading("Most harmful");
      page.table(head(), rows(result.last()));
    }
    page.paragraph(
        "Without a sample of positive score the loss would be larger; “without it” is by how much,"
            + " to first order, after training again. That networks may end in another minimum is"
            + " not in these numbers.");
    page.heading("What was run");
    page.facts(facts, "command");
    return page.toString();
  }

  private String curve() {
    double[] sorted = Arrays.stream(result.scores()).sorted().toArray();
    int n = sorted.length;
    double[] y = IntStream.range(0, n).mapToDouble(i -> sorted[n - 1 - i]).toArray();
    double[] x = IntStream.rangeClosed(1, n).asDoubleStream().toArray();
    return new Chart(WIDTH, 260, Axis.whole("rank", 1, n), scale(sorted[0], sorted[n - 1]))
        .line(x, y, 1, "")
        .svg("Scores in descending order");
  }

  /** Scores for themselves are positive and span decades; those for others have both signs. */
  private static Axis scale(double low, double high) {
    return low > 0 && high > LOG_FROM * low
        ? Axis.log("score", Math.max(low, high / LOG_DEPTH), high)
        : Axis.linear("score", Math.min(0, low), Math.max(0, high));
  }

  private static List<String> head() {
    return List.of("sample", "label", "score", "without it");
  }

  private static List<List<String>> rows(List<Scored> scored) {
    List<List<String>> rows = new ArrayList<>();
    for (Scored s : scored) {
      rows.add(
          List.of(
              Numbers.whole(s.sample()),
              s.label() == null ? "" : s.label().toString(),
              Numbers.print(Numbers.significant(s.score(), 5)),
              Numbers.print(Numbers.significant(s.leaveOneOut(), 4))));
    }
    return rows;
  }
}
