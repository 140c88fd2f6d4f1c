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
import org.hesse.Tensor;
import org.hesse.io.Safetensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CommandsTest {
  @TempDir Path folder;

  @Test
  void trainLearnsTwoMoonsAndReportsEachEpoch() {
    JsonNode j =
        Cli.run(
                "train",
                "--data",
                "two-moons:400",
                "--arch",
                "mlp:2-16-2:tanh",
                "--epochs",
                "15",
                "--lr",
                "0.02",
                "--seed",
                "3",
                "--json",
                "-")
            .succeeded()
            .json();
    assertEquals(15, j.at("/epochs").size());
    assertEquals(15, j.at("/epochs/14/epoch").asInt());
    assertTrue(j.at("/epochs/14/testAccuracy").asDouble() > 0.95, j.toString());
    assertTrue(j.at("/epochs/14/trainLoss").asDouble() < j.at("/epochs/0/trainLoss").asDouble());
    assertEquals(2 * 16 + 16 + 16 * 2 + 2, j.at("/parameters").asInt());
    assertEquals(15 * 10, j.at("/steps").asInt());
    assertEquals("cpu", j.at("/device").asText());
    assertEquals("float32", j.at("/dtype").asText());
    assertEquals(3, j.at("/seed").asInt());
    assertTrue(j.at("/secondsTotal").asDouble() > 0);
    assertTrue(j.at("/epochs/0/seconds").isNumber() && j.at("/epochs/0/testLoss").isNumber());
  }

  @ParameterizedTest
  @ValueSource(strings = {"sgd", "momentum", "adam", "adamw"})
  void everyOptimizerLowersTheLoss(String name) {
    JsonNode j =
        Cli.run(
                "train",
                "--data",
                "two-moons:200",
                "--optimizer",
                name,
                "--epochs",
                "4",
                "--json",
                "-")
            .succeeded()
            .json();
    assertTrue(j.at("/epochs/3/trainLoss").asDouble() < Math.log(2), j.toString());
  }

  @Test
  void theSameSeedGivesTheSameNumbers() {
    String[] args = {"train", "--data", "two-moons:100", "--epochs", "2", "--json", "-"};
    JsonNode a = Cli.run(args).json().at("/epochs/1/trainLoss");
    assertEquals(a, Cli.run(args).json().at("/epochs/1/trainLoss"));
  }

  /** A part of the data may lack labels that the model knows. */
  @Test
  void fewerLabelsThanOutputsAreMeasured() {
    JsonNode j =
        Cli.run(
                "spectrum",
                "--data",
                "two-moons:60",
                "--arch",
                "mlp:2-3-4",
                "--top",
                "1",
                "--json",
                "-")
            .succeeded()
            .json();
    assertEquals(25, j.at("/parameters").asInt());
    assertTrue(j.at("/eigenvalues/0/value").isNumber());
  }

  @Test
  void regressionHasNoAccuracy() {
    JsonNode j =
        Cli.run("train", "--data", "sine:200", "--loss", "mse", "--epochs", "2", "--json", "-")
            .succeeded()
            .json();
    assertTrue(j.at("/epochs/0/trainAccuracy").isNull());
    assertTrue(j.at("/epochs/0/testAccuracy").isNull());
    assertTrue(j.at("/epochs/0/testLoss").isNumber());
  }

  @Test
  void savedWeightsCanBeMeasured() throws IOException {
    Path model = folder.resolve("m.safetensors");
    Path report = folder.resolve("out");
    Cli.Outcome trained =
        Cli.run(
                "train",
                "--data",
                "two-moons:200",
                "--epochs",
                "5",
                "--save",
                model.toString(),
                "--report",
                report.toString())
            .succeeded();
    assertEquals("", trained.err());
    assertTrue(
        Files.readString(report.resolve("report.html")).contains("Training of mlp:2-32-32-2"));
    assertEquals(
        List.of("0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"),
        List.copyOf(Safetensors.read(model).tensors().keySet()));
    String[] args = {
      "spectrum",
      "--model",
      model.toString(),
      "--data",
      "two-moons:200",
      "--top",
      "3",
      "--density",
      "--probes",
      "3",
      "--steps",
      "20",
      "--batch",
      "64",
      "--json",
      "-"
    };
    JsonNode j = Cli.run(args).succeeded().json();
    assertEquals(3, j.at("/eigenvalues").size());
    assertEquals(200, j.at("/samples").asInt());
    assertEquals("hessian", j.at("/operator").asText());
    for (String part : List.of("grid", "value", "low", "high")) {
      assertEquals(j.at("/density/grid").size(), j.at("/density/" + part).size(), part);
    }
    for (String number :
        List.of(
            "loss",
            "gradientNorm",
            "trace/value",
            "trace/standardError",
            "matvecs",
            "seconds",
            "accuracy",
            "eigenvalues/0/value",
            "eigenvalues/0/residual",
            "parameters")) {
      assertTrue(j.at("/" + number).isNumber(), number);
    }
    assertEquals("float32", j.at("/dtype").asText());
  }

  /** So many random vectors, whatever they are for. */
  @Test
  void probesAreThoseOfTraceAndDensity() {
    String[] args = {
      "spectrum", "--data", "two-moons:40", "--arch", "mlp:2-2-2", "--json", "-", "--probes", "7"
    };
    JsonNode j = Cli.run(args).succeeded().json();
    assertEquals(7, j.at("/trace/probes").asInt());
    assertEquals(7, j.at("/density/probes").asInt());
    JsonNode usual = Cli.run(Arrays.copyOf(args, args.length - 2)).succeeded().json();
    assertEquals(100, usual.at("/trace/probes").asInt());
    assertEquals(10, usual.at("/density/probes").asInt());
  }

  /** Steps that nothing would take are not asked for. */
  @Test
  void stepsAskForADensity() throws IOException {
    Path model = folder.resolve("m.safetensors");
    Cli.run("train", "--data", "two-moons:40", "--epochs", "1", "--save", model.toString());
    String[] args = {
      "spectrum",
      "--model",
      model.toString(),
      "--data",
      "two-moons:40",
      "--top",
      "1",
      "--probes",
      "2",
      "--json",
      "-",
      "--steps",
      "3"
    };
    assertEquals(3, Cli.run(args).succeeded().json().at("/density/steps").asInt());
    JsonNode without = Cli.run(Arrays.copyOf(args, args.length - 2)).succeeded().json();
    assertTrue(without.at("/density").isNull());
  }

  @Test
  void twoSamplesAreEnoughToTrainOn() throws IOException {
    Path two = Files.writeString(folder.resolve("two.csv"), "1,2,0\n3,4,1\n");
    JsonNode j =
        Cli.run("spectrum", "--data", two.toString(), "--arch", "mlp:2-2", "--json", "-")
            .succeeded()
            .json();
    assertEquals(2, j.at("/samples").asInt());
  }

  @Test
  void numbersAndClassesAreInProperWords() throws IOException {
    Path one = Files.writeString(folder.resolve("one.csv"), "1,2,0\n3,4,0\n5,6,0\n7,8,0\n");
    String out =
        Cli.run("train", "--data=" + one, "--arch=mlp:2-2", "--epochs", "1", "--lr", "1e20")
            .succeeded()
            .out();
    assertTrue(out.contains("4 samples of 2 features, 1 class" + System.lineSeparator()), out);
    assertTrue(out.contains("learning rate 1e+20,"), out);
    Cli.Outcome check = Cli.run("check", "--data", "two-moons:9", "--arch", "mlp:2-2").succeeded();
    assertTrue(check.out().lines().noneMatch(l -> l.endsWith(" ")), check.out());
    assertTrue(Cli.run("train", "--help").out().contains("tanh without one"));
  }

  @Test
  void spectrumAloneTrainsMeasuresAndReports() throws IOException {
    Path report = folder.resolve("report");
    Cli.Outcome o =
        Cli.run(
                "spectrum",
                "--data",
                "two-moons:100",
                "--arch",
                "mlp:2-4-2:tanh",
                "--steps",
                "10",
                "--probes",
                "4",
                "--report",
                report.toString())
            .succeeded();
    assertTrue(o.out().contains("report " + report.resolve("report.html")), o.out());
    assertTrue(o.out().contains("trace  ") && o.out().contains(" ± "), o.out());
    String html = Files.readString(report.resolve("report.html"));
    assertTrue(html.contains("Training") && html.contains("Spectral density"));
    assertFalse(o.out().contains("\u001b"), "no colour codes");
  }

  @Test
  void batchesDoNotChangeTheHessian() throws IOException {
    Path model = folder.resolve("m.safetensors");
    Cli.run(
            "train",
            "--data",
            "two-moons:100",
            "--arch",
            "mlp:2-4-2:tanh",
            "--epochs",
            "3",
            "--save",
            model.toString())
        .succeeded();
    String[] args = {
      "spectrum",
      "--model",
      model.toString(),
      "--data",
      "two-moons:100",
      "--dtype",
      "float64",
      "--json",
      "-",
      "--batch",
      "100"
    };
    JsonNode whole = Cli.run(args).succeeded().json();
    args[args.length - 1] = "7";
    JsonNode ragged = Cli.run(args).succeeded().json();
    for (String number : List.of("/loss", "/gradientNorm", "/accuracy", "/trace/value")) {
      double a = whole.at(number).asDouble();
      assertEquals(a, ragged.at(number).asDouble(), 1e-10 * Math.abs(a), number);
    }
    for (int i = 0; i < 10; i++) {
      String number = "/eigenvalues/" + i + "/value";
      assertEquals(whole.at(number).asDouble(), ragged.at(number).asDouble(), 1e-8, number);
    }
  }

  @Test
  void checkPasses() {
    Cli.Outcome o = Cli.run("check", "--data", "two-moons:50", "--arch", "mlp:2-4-2:gelu");
    o.succeeded();
    assertTrue(o.out().contains("layers.0.weight") && o.out().contains("passed"), o.out());
    JsonNode j =
        Cli.run("check", "--data", "sine:50", "--loss", "mse", "--arch", "mlp:1-3-1", "--json", "-")
            .succeeded()
            .json();
    assertTrue(j.at("/passed").asBoolean());
    assertEquals(8, j.at("/findings").size());
    for (String field : List.of("path", "order", "derivative", "difference", "error")) {
      assertTrue(j.at("/findings/0").has(field), field);
    }
  }

  @Test
  void checkSaysWhatItMovedOffAKink() throws IOException {
    Path file = folder.resolve("zero.safetensors");
    Map<String, Tensor> zeros =
        Map.of(
            "0.weight", Tensor.zeros(DType.F64, 3, 2),
            "0.bias", Tensor.zeros(DType.F64, 3),
            "2.weight", Tensor.ones(DType.F64, 2, 3).mul(Tensor.of(new double[] {1, -2}, 2, 1)),
            "2.bias", Tensor.zeros(DType.F64, 2));
    Safetensors.write(file, zeros, Map.of());
    List<String> args =
        List.of(
            "check", "--data", "two-moons:50", "--arch", "mlp:2-3-2:relu", "--model", "" + file);
    String out = Cli.run(args.toArray(String[]::new)).succeeded().out();
    assertTrue(out.contains("'layers.0.weight' order 1: a kink or jump at the point, moved"), out);
    List<String> json = new ArrayList<>(args);
    json.addAll(List.of("--json", "-"));
    JsonNode j = Cli.run(json.toArray(String[]::new)).succeeded().json();
    assertEquals(4, j.at("/moves").size(), j.toString());
    assertTrue(j.at("/moves/0").asText().contains("layers.0.weight"), j.toString());
  }

  @Test
  void inspectListsRangesAndNaNs() throws IOException {
    Path file = folder.resolve("w.safetensors");
    float[] values = {1, -2, Float.NaN, Float.POSITIVE_INFINITY, 0.5f, 3};
    Safetensors.write(file, Map.of("w", Tensor.of(values, 2, 3)), Map.of("note", "x"));
    JsonNode j = Cli.run("inspect", file.toString(), "--json").succeeded().json();
    JsonNode w = j.at("/tensors/0");
    assertEquals("w", w.at("/name").asText());
    assertEquals("[2,3]", w.at("/shape").toString());
    assertEquals("F32", w.at("/format").asText());
    assertEquals(-2, w.at("/min").asDouble());
    assertEquals(3, w.at("/max").asDouble());
    assertEquals(1, w.at("/nan").asInt());
    assertEquals(1, w.at("/infinite").asInt());
    assertEquals("x", j.at("/metadata/note").asText());
    String text = Cli.run("inspect", "two-moons:40").succeeded().out();
    assertTrue(text.contains("[40, 2]") && text.contains("classes: 2"), text);
  }

  @Test
  void doctorKnowsTheMachine() {
    JsonNode j = Cli.run("doctor", "--json").succeeded().json();
    assertTrue(j.at("/healthy").asBoolean());
    assertTrue(j.at("/cpu/product/passed").asBoolean());
    assertTrue(j.at("/cpu/kernel/passed").asBoolean());
    boolean cuda = j.at("/cuda/available").asBoolean();
    assertEquals(cuda, j.at("/cuda/reason").asText().isEmpty());
    assertEquals("libcuda.so.1", j.at("/cuda/libraries/0/file").asText());
    Cli.Outcome required = Cli.run("doctor", "--require", "cuda", "--json");
    assertEquals(cuda ? 0 : 3, required.code());
    if (!cuda) {
      assertTrue(required.err().startsWith("hesse: --require cuda: "), required.err());
      assertTrue(required.err().contains("\n  looked in: "), required.err());
    }
    assertEquals(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        j.at("/cpu/vectorApi").asBoolean());
    Cli.run("doctor", "--require", "cpu").succeeded();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"spectrum", "landscape", "influence", "train", "check", "inspect", "doctor"})
  void helpHasAnExample(String command) {
    Cli.Outcome o = Cli.run(command, "--help").succeeded();
    assertTrue(o.out().contains("Examples:"), o.out());
    assertTrue(o.out().contains("hesse " + command), o.out());
    assertTrue(o.out().lines().allMatch(l -> l.length() <= 90), o.out());
  }

  @Test
  void helpAndVersion() {
    Cli.Outcome o = Cli.run("--help").succeeded();
    for (String command : Main.commands()) {
      assertTrue(o.out().contains("  " + command), command);
    }
    assertEquals(o.out(), Cli.run().succeeded().out());
    assertEquals(o.out(), Cli.run("help").succeeded().out());
    assertEquals(
        Cli.run("train", "--help").succeeded().out(), Cli.run("help", "train").succeeded().out());
    assertTrue(Cli.run("--version").succeeded().out().startsWith("hesse "));
  }

  @Test
  void weightsInF64StayInF64() throws IOException {
    Path model = folder.resolve("m.safetensors");
    Cli.run(
            "train",
            "--data",
            "two-moons:60",
            "--arch",
            "mlp:2-3-2:tanh",
            "--epochs",
            "1",
            "--dtype",
            "float64",
            "--save",
            model.toString())
        .succeeded();
    assertEquals(DType.F64, Safetensors.read(model).tensor("0.weight").dtype());
    String[] args = {
      "spectrum", "--model", model.toString(), "--data", "two-moons:60", "--json", "-"
    };
    assertEquals("float64", Cli.run(args).succeeded().json().at("/dtype").asText());
  }
}
