package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command that computes, with {@code --device cuda} and on the CPU. */
class CommandsOnDeviceTest {
  private static final List<String> PROBLEM =
      List.of("--data", "two-moons:64", "--arch", "mlp:2-6-2:tanh");

  @TempDir Path folder;
  private Device before;

  @BeforeEach
  void device() {
    SimulatedDevice.require();
    before = Hesse.device();
  }

  /** Commands choose for the whole process. */
  @AfterEach
  void restore() {
    Hesse.setDevice(before);
  }

  private static JsonNode run(String device, String command, String... more) {
    List<String> args = new ArrayList<>(List.of(command));
    args.addAll(PROBLEM);
    args.addAll(List.of("--device", device, "--json", "-"));
    args.addAll(List.of(more));
    JsonNode j = Cli.run(args.toArray(String[]::new)).succeeded().json();
    boolean cuda = device.equals("cuda");
    String name = cuda ? "cuda:0" + (SimulatedDevice.isSimulated() ? " (simulated)" : "") : "cpu";
    assertEquals(name, j.at("/device").asText());
    return j;
  }

  private static void close(JsonNode expected, JsonNode actual, String path, double relative) {
    double x = expected.at(path).asDouble();
    assertTrue(expected.at(path).isNumber() && actual.at(path).isNumber(), path);
    assertEquals(x, actual.at(path).asDouble(), relative * Math.abs(x), path);
  }

  @Test
  void trainingReportsTheSameLosses() throws IOException {
    String[] more = {"--epochs", "2", "--seed", "7", "--report", folder.toString()};
    JsonNode cpu = run("cpu", "train", more);
    JsonNode cuda = run("cuda", "train", more);
    for (String path : List.of("trainLoss", "testLoss", "trainAccuracy")) {
      close(cpu, cuda, "/epochs/0/" + path, 1e-5);
      close(cpu, cuda, "/epochs/1/" + path, 1e-5);
    }
    assertReportNames(folder);
  }

  @Test
  void spectraAreTheSame() throws IOException {
    Path model = folder.resolve("m.safetensors");
    run("cpu", "train", "--epochs", "3", "--save", model.toString());
    String[] more = {"--model", model.toString(), "--top", "3", "--probes", "3", "--steps", "6"};
    JsonNode cpu = run("cpu", "spectrum", more);
    JsonNode cuda =
        run(
            "cuda",
            "spectrum",
            Stream.concat(Stream.of(more), Stream.of("--report", folder.toString()))
                .toArray(String[]::new));
    assertEquals(3, cuda.at("/eigenvalues").size());
    for (int i = 0; i < 3; i++) {
      JsonNode e = cpu.at("/eigenvalues/" + i);
      JsonNode a = cuda.at("/eigenvalues/" + i);
      double bound = e.at("/residual").asDouble() + a.at("/residual").asDouble();
      assertEquals(e.at("/value").asDouble(), a.at("/value").asDouble(), bound);
    }
    close(cpu, cuda, "/loss", 1e-6);
    close(cpu, cuda, "/gradientNorm", 1e-5);
    close(cpu, cuda, "/trace/value", 1e-4);
    close(cpu, cuda, "/trace/standardError", 1e-4);
    double[] expected = numbers(cpu.at("/density/nodes"));
    assertArrayEquals(expected, numbers(cuda.at("/density/nodes")), 1e-4 * Math.abs(expected[17]));
    assertReportNames(folder);
  }

  private static double[] numbers(JsonNode array) {
    double[] x = new double[array.size()];
    for (int i = 0; i < x.length; i++) {
      x[i] = array.get(i).asDouble();
    }
    return x;
  }

  private static void assertReportNames(Path folder) throws IOException {
    String page = Files.readString(folder.resolve("report.html"));
    assertTrue(page.contains("cuda:0"), page);
    assertEquals(SimulatedDevice.isSimulated(), page.contains("(simulated)"));
  }

  @Test
  void derivativesAreCheckedThere() {
    JsonNode cuda = run("cuda", "check", "--samples", "8");
    assertTrue(cuda.at("/passed").asBoolean());
    assertEquals(8, cuda.at("/findings").size());
  }

  @Test
  void theDoctorChecksTheDevice() {
    Cli.Outcome o = Cli.run("doctor", "--require", "cuda", "--json").succeeded();
    JsonNode cuda = o.json().at("/cuda");
    assertTrue(cuda.at("/available").asBoolean());
    assertEquals(SimulatedDevice.isSimulated(), cuda.at("/devices/0/simulated").asBoolean());
    assertEquals(2, cuda.at("/checks").size());
    assertTrue(cuda.at("/checks/0/passed").asBoolean() && cuda.at("/checks/1/passed").asBoolean());
    assertEquals(5, cuda.at("/libraries").size());
    cuda.at("/libraries").forEach(l -> assertTrue(!l.at("/path").asText().isEmpty(), l.toString()));
  }
}
