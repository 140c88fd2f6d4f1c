package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.hesse.Tensor;
import org.hesse.io.Safetensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

/** The landscape of linear regression on y = 2x − 1, whose loss is a quadratic function. */
class LandscapeCommandTest {
  private static final double[] X = {-2, -1, 0, 0.5, 1, 3};

  @TempDir Path folder;

  /** Mean of (w x + b − y)². */
  private static double loss(double w, double b) {
    double sum = 0;
    for (double x : X) {
      double residual = w * x + b - (2 * x - 1);
      sum += residual * residual / X.length;
    }
    return sum;
  }

  private List<String> command(double w, double b, String... more) throws IOException {
    StringBuilder csv = new StringBuilder();
    for (double x : X) {
      csv.append(String.format(Locale.ROOT, "%s,%s%n", x, 2 * x - 1));
    }
    Path data = Files.writeString(folder.resolve("line.csv"), csv);
    Path model = folder.resolve("m.safetensors");
    Map<String, Tensor> weights =
        Map.of(
            "0.weight", Tensor.of(new double[] {w}, 1, 1), "0.bias", Tensor.of(new double[] {b}));
    Safetensors.write(model, weights, Map.of());
    List<String> args =
        new ArrayList<>(List.of("landscape", "--model", "" + model, "--arch", "mlp:1-1"));
    args.addAll(List.of("--data", "" + data, "--loss", "mse"));
    args.addAll(List.of(more));
    return args;
  }

  private static Cli.Outcome run(List<String> args) {
    return Cli.run(args.toArray(String[]::new)).succeeded();
  }

  @Test
  void theSolutionIsAMinimumWithKnownEigenvalues() throws IOException {
    JsonNode j = run(command(2, -1, "--points", "5", "--json", "-")).json();
    assertEquals(2, j.at("/parameters").asInt());
    assertEquals(6, j.at("/samples").asInt());
    assertEquals(0, j.at("/loss").asDouble(), 1e-15);
    assertEquals("minimum", j.at("/point/kind").asText());
    assertEquals("positive-definite", j.at("/point/hessian").asText());
    assertEquals(2, j.at("/point/positive/value").asInt());
    assertEquals(0, j.at("/point/negative/high").asInt());
    // H = [[2 mean x², 2 mean x], [2 mean x, 2]].
    double mean = 1.5 / 6;
    double square = 15.25 / 6;
    double root = Math.hypot(square - 1, 2 * mean);
    assertEquals(square + 1 - root, j.at("/point/smallest/value").asDouble(), 1e-12);
    assertEquals(square + 1 + root, j.at("/sharpness/value").asDouble(), 1e-12);
    double stable = 2 / (square + 1 + root);
    assertEquals(stable, j.at("/sharpness/largestStableRate").asDouble(), 1e-12);
    // Along a unit eigenvector the loss is λ t²/2, and 1 at the edge of the first one.
    double[] lambda = {square + 1 + root, square + 1 - root};
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < 5; k++) {
        double s = j.at("/slice/x/" + i).asDouble();
        double t = j.at("/slice/y/" + k).asDouble();
        double expected = (lambda[0] * s * s + lambda[1] * t * t) / 2;
        assertEquals(expected, j.at("/slice/loss/" + i + "/" + k).asDouble(), 1e-6);
      }
    }
    assertEquals(1, j.at("/slice/loss/0/2").asDouble(), 1e-6);
    assertEquals(lambda[1], j.at("/slice/eigenvalues/1/value").asDouble(), 1e-6);
  }

  @Test
  void elsewhereItIsNotCriticalAndTheSliceIsRandomIfWanted() throws IOException {
    String[] more = {
      "--directions", "random", "--dimensions", "1", "--radius", "0.5", "--json", "-"
    };
    JsonNode j = run(command(3, 1, more)).json();
    assertEquals("not-critical", j.at("/point/kind").asText());
    assertEquals(loss(3, 1), j.at("/loss").asDouble(), 1e-12);
    assertTrue(j.at("/slice/y").isNull() && j.at("/slice/eigenvalues").isNull());
    assertTrue(j.at("/slice/filterNormalized").asBoolean());
    // Filter-normalised, the weight 3 moves by ±3 t; the bias stays.
    double sign = Math.signum(j.at("/slice/loss/50/0").asDouble() - j.at("/loss").asDouble());
    for (int i = 0; i < 51; i++) {
      double w = 3 + sign * 3 * j.at("/slice/x/" + i).asDouble();
      assertEquals(loss(w, 1), j.at("/slice/loss/" + i + "/0").asDouble(), 1e-12);
    }
    assertEquals(0.5, j.at("/slice/x/50").asDouble());
  }

  @Test
  void saysItInWordsAndPictures() throws Exception {
    Path report = folder.resolve("out");
    Cli.Outcome o = run(command(2, -1, "--points", "7", "--report", "" + report));
    for (String part :
        List.of(
            "point           minimum, gradient zero up to 1.0e-06",
            "positive      2",
            "stable up to learning rate",
            "7 × 7 points along eigenvectors",
            "at the centre to",
            "report " + report)) {
      assertTrue(o.out().contains(part), () -> "lacks " + part + ": " + o.out());
    }
    Document page = ReportTest.parse(Files.readString(report.resolve("report.html")));
    String text = page.getDocumentElement().getTextContent().replaceAll("\\s+", " ");
    for (String part : List.of("Loss landscape of mlp:1-1", "The loss in a plane", "Sharpness")) {
      assertTrue(text.contains(part), () -> "lacks " + part);
    }
  }

  @Test
  void aNetworkIsTrainedWhereNoneIsGiven() {
    JsonNode j =
        Cli.run(
                "landscape",
                "--data",
                "two-moons:60",
                "--arch",
                "mlp:2-3-2:tanh",
                "--points",
                "3",
                "--json",
                "-")
            .succeeded()
            .json();
    assertEquals(17, j.at("/parameters").asInt());
    assertEquals("float32", j.at("/dtype").asText());
    assertEquals(3, j.at("/slice/loss").size());
    double centre = j.at("/loss").asDouble();
    assertEquals(centre, j.at("/slice/loss/1/1").asDouble(), 1e-6 * centre);
  }
}
