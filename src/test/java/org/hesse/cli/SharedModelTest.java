package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.hesse.io.Npz;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A network trained by PyTorch, against its dense spectrum computed there in F64. */
class SharedModelTest {
  private static final Path DATA = Cli.SHARED.resolve("data/digits.csv");
  private static final Path MODELS = Cli.SHARED.resolve("models");
  private static final String ARCH = "mlp:64-32-10:tanh";

  @BeforeAll
  static void requireFiles() {
    assumeTrue(
        Files.isRegularFile(DATA) && Files.isDirectory(MODELS),
        "there is no folder " + Cli.SHARED + " with data and models");
  }

  private static JsonNode spectrum(String dtype, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "spectrum",
                "--model",
                MODELS.resolve("digits-mlp.safetensors").toString(),
                "--arch",
                ARCH,
                "--data",
                DATA.toString(),
                "--loss",
                "cross-entropy",
                "--dtype",
                dtype,
                "--top",
                "10",
                "--json",
                "-",
                "--quiet"));
    args.addAll(List.of(more));
    return Cli.run(args.toArray(String[]::new)).succeeded().json();
  }

  private static JsonNode reference() throws IOException {
    return Cli.parse(Files.readString(MODELS.resolve("digits-mlp.reference.json")));
  }

  private static void assertRelative(double expected, double actual, double tolerance) {
    assertEquals(expected, actual, tolerance * Math.abs(expected));
  }

  @Test
  void spectrumInFloat64() throws IOException {
    JsonNode j = spectrum("float64", "--density");
    JsonNode r = reference();
    assertRelative(r.at("/loss").asDouble(), j.at("/loss").asDouble(), 1e-6);
    assertRelative(r.at("/gradientNorm").asDouble(), j.at("/gradientNorm").asDouble(), 1e-6);
    assertEquals(r.at("/accuracy").asDouble(), j.at("/accuracy").asDouble());
    assertEquals(2410, j.at("/parameters").asInt());
    assertEquals(1797, j.at("/samples").asInt());
    for (int i = 0; i < 10; i++) {
      double expected = r.at("/hessian/eigenvalues/" + i).asDouble();
      double value = j.at("/eigenvalues/" + i + "/value").asDouble();
      double residual = j.at("/eigenvalues/" + i + "/residual").asDouble();
      assertRelative(expected, value, 1e-5);
      assertTrue(Math.abs(value - expected) <= residual + 1e-12, "eigenvalue " + i);
    }
    double trace = j.at("/trace/value").asDouble();
    double error = j.at("/trace/standardError").asDouble();
    assertEquals(r.at("/hessian/trace").asDouble(), trace, 2 * error);
    assertTrue(error < 0.1 * trace);
    assertDensity(j.at("/density"));
  }

  /** Wasserstein distance from the true spectrum, over the range of it. */
  private static void assertDensity(JsonNode density) throws IOException {
    double[] truth =
        Npz.read(MODELS.resolve("digits-mlp.spectrum.npz")).get("hessian").toDoubleArray();
    Arrays.sort(truth);
    record Atom(double x, double mass) {}
    List<Atom> atoms = new ArrayList<>();
    for (double x : truth) {
      atoms.add(new Atom(x, -1.0 / truth.length));
    }
    for (int i = 0; i < density.at("/nodes").size(); i++) {
      atoms.add(
          new Atom(density.at("/nodes/" + i).asDouble(), density.at("/weights/" + i).asDouble()));
    }
    atoms.sort(Comparator.comparingDouble(Atom::x));
    double distance = 0;
    double difference = 0;
    for (int i = 0; i + 1 < atoms.size(); i++) {
      difference += atoms.get(i).mass;
      distance += Math.abs(difference) * (atoms.get(i + 1).x - atoms.get(i).x);
    }
    double range = truth[truth.length - 1] - truth[0];
    assertTrue(distance <= 5e-3 * range, "Wasserstein distance " + distance / range);
    double integral = 0;
    for (int i = 1; i < density.at("/grid").size(); i++) {
      double step = density.at("/grid/" + i).asDouble() - density.at("/grid/" + (i - 1)).asDouble();
      double a = density.at("/value/" + (i - 1)).asDouble();
      integral += step * (a + density.at("/value/" + i).asDouble()) / 2;
    }
    assertEquals(1, integral, 0.02);
  }

  @Test
  void spectrumInFloat32() throws IOException {
    JsonNode j = spectrum("float32", "--no-density");
    JsonNode r = reference();
    for (int i = 0; i < 10; i++) {
      double expected = r.at("/hessian/eigenvalues/" + i).asDouble();
      assertRelative(expected, j.at("/eigenvalues/" + i + "/value").asDouble(), 1e-3);
    }
    assertTrue(j.at("/density").isNull());
  }

  @Test
  void trainingReachesTheAccuracyOfItsPeers() {
    JsonNode j =
        Cli.run("train", "--data", DATA.toString(), "--arch", ARCH, "--quiet", "--json", "-")
            .succeeded()
            .json();
    double accuracy =
        j.at("/epochs").get(j.at("/epochs").size() - 1).at("/testAccuracy").asDouble();
    assertTrue(accuracy >= 0.96, "held-out accuracy " + accuracy);
  }
}
