package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.hesse.Tensor;
import org.hesse.io.Safetensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

/** Influence in linear regression, where it has a closed form. */
class InfluenceCommandTest {
  private static final double[] X = {-2, -1, 0, 1, 3};
  private static final double[] Y = {-5, -2.5, -1, 1.5, 9};
  private static final double W = 2;
  private static final double B = -1;
  private static final double DAMPING = 0.01;

  @TempDir Path folder;

  private String csv(String name, double[] x, double[] y) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < x.length; i++) {
      text.append(String.format(Locale.ROOT, "%s,%s%n", x[i], y[i]));
    }
    return Files.writeString(folder.resolve(name), text).toString();
  }

  private String[] command(String... more) throws IOException {
    Path model = folder.resolve("m.safetensors");
    Map<String, Tensor> weights =
        Map.of(
            "0.weight", Tensor.of(new double[] {W}, 1, 1), "0.bias", Tensor.of(new double[] {B}));
    Safetensors.write(model, weights, Map.of("hesse.arch", "mlp:1-1"));
    List<String> args = new ArrayList<>(List.of("influence", "--model", "" + model));
    args.addAll(List.of("--data", csv("train.csv", X, Y), "--loss", "mse", "--damping", "0.01"));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  /** Gradient of (w x + b − y)². */
  private static double[] gradient(double x, double y) {
    double r = 2 * (W * x + B - y);
    return new double[] {r * x, r};
  }

  /** uᵀ (G + λI)⁻¹ v with G = 2/N Σ (x, 1)(x, 1)ᵀ. */
  private static double score(double[] u, double[] v) {
    double a = DAMPING;
    double b = 0;
    double d = 2 + DAMPING;
    for (double x : X) {
      a += 2 * x * x / X.length;
      b += 2 * x / X.length;
    }
    double[] solved = {
      (d * v[0] - b * v[1]) / (a * d - b * b), (a * v[1] - b * v[0]) / (a * d - b * b)
    };
    return u[0] * solved[0] + u[1] * solved[1];
  }

  @Test
  void scoresForTestSamplesAreTheClosedForm() throws IOException {
    String test = csv("test.csv", new double[] {2, -1.5}, new double[] {4, -3});
    double[] a = gradient(2, 4);
    double[] b = gradient(-1.5, -3);
    double[] mean = {(a[0] + b[0]) / 2, (a[1] + b[1]) / 2};
    for (String method : List.of("cg", "exact", "lissa")) {
      String[] more = {"--test", test, "--method", method, "--top", "2", "--json", "-"};
      JsonNode j = Cli.run(command(more)).succeeded().json();
      assertEquals(5, j.at("/samples").asInt());
      assertEquals(2, j.at("/tests").asInt());
      double[] expected = new double[X.length];
      for (int i = 0; i < X.length; i++) {
        expected[i] = score(mean, gradient(X[i], Y[i]));
        double tolerance = 1e-2 * Math.abs(expected[i]) + 1e-6;
        assertEquals(expected[i], j.at("/scores/" + i).asDouble(), tolerance, method);
      }
      double[] sorted = Arrays.stream(expected).sorted().toArray();
      double best = j.at("/first/0/score").asDouble();
      assertEquals(sorted[4], best, 1e-2 * Math.abs(sorted[4]), method);
      assertEquals(sorted[0], j.at("/last/0/score").asDouble(), 1e-2 * Math.abs(sorted[0]), method);
      assertEquals(best / 5, j.at("/first/0/leaveOneOut").asDouble(), 1e-9 * best, method);
      assertEquals(2, j.at("/last").size());
      assertTrue(j.at("/largestResidual").asDouble() < 1e-2, method);
    }
  }

  @Test
  void withoutTestSamplesEachIsScoredForItself() throws Exception {
    JsonNode j = Cli.run(command("--method", "exact", "--json", "-")).succeeded().json();
    assertTrue(j.at("/tests").isNull());
    for (int i = 0; i < X.length; i++) {
      double[] g = gradient(X[i], Y[i]);
      assertEquals(score(g, g), j.at("/scores/" + i).asDouble(), 1e-9);
    }
    assertEquals(4, j.at("/first/0/sample").asInt(), "the outlier");
    Path report = folder.resolve("out");
    String out = Cli.run(command("--report", "" + report)).succeeded().out();
    assertTrue(out.contains("own loss") && out.contains("damping 0.01, relative residuals"), out);
    Document page = ReportTest.parse(Files.readString(report.resolve("report.html")));
    assertTrue(page.getDocumentElement().getTextContent().contains("Largest self-influence"));
  }

  /** Kronecker factors are exact for one layer and squared error. */
  @Test
  void kroneckerFactorsWillDo() throws IOException {
    JsonNode j = Cli.run(command("--method", "ekfac", "--json", "-")).succeeded().json();
    for (int i = 0; i < X.length; i++) {
      double[] g = gradient(X[i], Y[i]);
      assertEquals(score(g, g), j.at("/scores/" + i).asDouble(), 1e-6 * score(g, g) + 1e-9);
    }
    assertTrue(j.at("/largestResidual").asDouble() < 1e-6);
  }
}
