package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.Fisher;
import org.hesse.curvature.GaussNewton;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.NeuralTangentKernel;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Safetensors;
import org.hesse.linalg.LinearOperator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Operators, layers, accuracy and checkpoints of {@code spectrum}, against dense matrices. */
class SpectrumOptionsTest {
  private static final String DATA = "two-moons:30";
  private static final MlpShape SHAPE = MlpShape.parse("mlp:2-5-2:tanh");
  private static final Mlp MODEL = Mlp.init(RngKey.of(3), SHAPE, DType.F64);

  @TempDir Path folder;

  private static Objective<Mlp> objective() throws IOException {
    Dataset data = Datasets.open(DATA, DType.F64, org.hesse.io.Task.CLASSIFICATION);
    return Objective.of(MODEL, Loss.CROSS_ENTROPY, data.batches(8));
  }

  private String[] command(String... more) throws IOException {
    Path model = folder.resolve("m.safetensors");
    Safetensors.write(model, MODEL.state(), Map.of("hesse.arch", SHAPE.toString()));
    List<String> args = new ArrayList<>(List.of("spectrum", "--model", "" + model));
    args.addAll(List.of("--data", DATA, "--batch", "8"));
    args.addAll(List.of(more));
    return args.toArray(String[]::new);
  }

  /** Eigenvalues of a matrix, the largest magnitude first. */
  private static double[] spectrum(LinearOperator operator) {
    return Arrays.stream(Matrices.eigh(operator.toDense()).values().toDoubleArray())
        .boxed()
        .sorted((a, b) -> Double.compare(Math.abs(b), Math.abs(a)))
        .mapToDouble(Double::doubleValue)
        .toArray();
  }

  @Test
  void everyOperatorIsMeasured() throws IOException {
    Objective<Mlp> f = objective();
    Map<String, LinearOperator> operators =
        Map.of(
            "hessian", Hessian.of(f),
            "ggn", GaussNewton.of(f),
            "fisher", Fisher.exact(f),
            "empirical-fisher", Fisher.empirical(f),
            "ntk", NeuralTangentKernel.of(f));
    for (Map.Entry<String, LinearOperator> o : operators.entrySet()) {
      String[] more = {"--operator", o.getKey(), "--top", "4", "--probes", "auto", "--json", "-"};
      JsonNode j = Cli.run(command(more)).succeeded().json();
      double[] exact = spectrum(o.getValue());
      assertEquals(o.getKey(), j.at("/operator").asText());
      assertEquals(27, j.at("/parameters").asInt());
      assertEquals(exact.length, j.at("/size").asInt(), o.getKey());
      for (int i = 0; i < 4; i++) {
        JsonNode e = j.at("/eigenvalues/" + i);
        double bound = e.at("/residual").asDouble();
        assertEquals(exact[i], e.at("/value").asDouble(), bound, o.getKey());
        assertTrue(bound < 1e-5 * Math.abs(exact[0]), o.getKey());
      }
      double trace = Arrays.stream(exact).sum();
      double error = j.at("/trace/standardError").asDouble();
      assertEquals(trace, j.at("/trace/value").asDouble(), 4 * error + 1e-10, o.getKey());
      assertTrue(j.at("/trace/reached").asBoolean(), o.getKey());
      assertEquals(0.01, j.at("/trace/accuracy").asDouble());
      assertTrue(error <= 0.01 * Math.abs(trace) * 1.1, o.getKey());
    }
  }

  @Test
  void layersAreDiagonalBlocks() throws IOException {
    String[] more = {
      "--operator", "ggn", "--per-layer", "--probes", "auto", "--accuracy", "1e-6", "--json", "-"
    };
    JsonNode j = Cli.run(command(more)).succeeded().json();
    assertEquals(2, j.at("/layers").size());
    Tensor whole = GaussNewton.of(objective()).toDense();
    int[] from = {0, 15, 27};
    for (int i = 0; i < 2; i++) {
      JsonNode layer = j.at("/layers/" + i);
      assertEquals(Integer.toString(2 * i), layer.at("/path").asText());
      int n = from[i + 1] - from[i];
      assertEquals(n, layer.at("/parameters").asInt());
      Tensor block = whole.slice(0, from[i], from[i + 1]).slice(1, from[i], from[i + 1]);
      assertEquals(1, layer.at("/eigenvalues").size());
      double[] exact = spectrum(LinearOperator.ofDense(block));
      JsonNode first = layer.at("/eigenvalues/0");
      assertEquals(exact[0], first.at("/value").asDouble(), first.at("/residual").asDouble());
      double trace = Arrays.stream(exact).sum();
      double error = layer.at("/trace/standardError").asDouble();
      assertEquals(trace, layer.at("/trace/value").asDouble(), 4 * error + 1e-9 * trace);
    }
    assertTrue(Cli.run(command("--json", "-")).succeeded().json().at("/layers").isNull());
    String[] three = {"--per-layer", "--top", "3", "--trace-probes", "50"};
    String out = Cli.run(command(three)).succeeded().out();
    assertTrue(out.contains("layer  parameters"), out);
    assertTrue(out.lines().anyMatch(l -> l.matches("  2 +12 .* ± .* ± .*")), out);
  }

  @Test
  void anAccuracyThatIsNotReachedIsSaid() throws IOException {
    String[] more = {"--probes", "3", "--trace-probes", "9", "--density", "--json", "-"};
    JsonNode j = Cli.run(command(more)).succeeded().json();
    assertEquals(9, j.at("/trace/probes").asInt());
    assertEquals(3, j.at("/density/probes").asInt());
    assertEquals("hutchinson", j.at("/trace/method").asText());
    assertTrue(j.at("/trace/accuracy").isNull());
    SpectrumResult.Trace missed =
        new SpectrumResult.Trace(2, 0.1, 10_000, "hutchinson", 0.01, false);
    String said = SpectrumCommand.accuracy(missed);
    assertEquals(", 5.0% after 10,000 products; 1.0% was not reached", said);
    String out = Cli.run(command("--probes", "auto", "--top", "1")).succeeded().out();
    assertTrue(out.contains(" products)") && !out.contains("not reached"), out);
  }

  @Test
  void aCheckpointIsResumedAndRefusedWhereItDoesNotBelong() throws IOException {
    Path state = folder.resolve("state");
    String[] more = {
      "--top", "5", "--density", "--probes", "4", "--checkpoint", "" + state, "--json", "-"
    };
    JsonNode first = Cli.run(command(more)).succeeded().json();
    assertTrue(Files.exists(folder.resolve("state.eigenvalues")));
    assertTrue(Files.exists(folder.resolve("state.density")));
    JsonNode again = Cli.run(command(more)).succeeded().json();
    assertEquals(first.at("/eigenvalues"), again.at("/eigenvalues"));
    assertEquals(first.at("/density"), again.at("/density"));
    assertTrue(Files.exists(folder.resolve("state.trace")));
    assertEquals(first.at("/trace"), again.at("/trace"));
    assertTrue(again.at("/matvecs").asInt() < first.at("/matvecs").asInt());
    more[1] = "6";
    Cli.Outcome other = Cli.run(command(more));
    assertEquals(2, other.code(), other.err());
    assertEquals(1, other.err().lines().count(), other.err());
    assertTrue(other.err().startsWith("hesse: --checkpoint: "), other.err());
    assertFalse(other.err().contains("unexpected"), other.err());
  }
}
