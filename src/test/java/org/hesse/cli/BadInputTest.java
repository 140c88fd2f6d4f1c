package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Safetensors;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Bad input ends with exit code 2 and one line on stderr that names the culprit. */
class BadInputTest {
  @TempDir Path folder;

  private final List<DynamicTest> tests = new ArrayList<>();

  private void refused(String culprit, String... args) {
    refused(2, culprit, args);
  }

  private void refused(int code, String culprit, String... args) {
    tests.add(
        DynamicTest.dynamicTest(
            String.join(" ", args).replace(folder.toString(), "…"),
            () -> {
              Cli.Outcome o = Cli.run(args);
              assertEquals(code, o.code(), o.err());
              // What is missing comes with a list of what is there.
              long first = o.err().lines().filter(l -> !l.startsWith("  ")).count();
              assertEquals(1, code == 3 ? first : o.err().lines().count(), o.err());
              assertTrue(o.err().startsWith("hesse: "), o.err());
              assertTrue(o.err().contains(culprit), o.err());
            }));
  }

  private String file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content).toString();
  }

  private String file(String name, byte[] content) throws IOException {
    return Files.write(folder.resolve(name), content).toString();
  }

  private String weights(String name, MlpShape shape) throws IOException {
    Path p = folder.resolve(name);
    Safetensors.write(p, Mlp.init(RngKey.of(0), shape, DType.F32).state(), Map.of());
    return p.toString();
  }

  private static byte[] safetensors(String header, int data) {
    byte[] h = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + h.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(h.length)
        .put(h)
        .array();
  }

  @TestFactory
  List<DynamicTest> usage() {
    refused("'--learnin-rate'", "train", "--data", "digits", "--learnin-rate", "0.1");
    assertFalse(Cli.run("inspect", "x", "-q").err().contains("did you mean"));
    refused("did you mean '--epochs'", "train", "--data", "digits", "--epoch", "3");
    refused("did you mean 'spectrum'", "spectrm");
    refused("--arch: 'cnn:3'", "train", "--data", "digits", "--arch", "cnn:3");
    refused("parameters", "train", "--data", "digits:20", "--arch", "mlp:256-1000000000-10");
    refused("'swish'", "train", "--data", "digits", "--arch", "mlp:2-2:swish");
    refused("--loss: 'hinge'", "train", "--data", "digits", "--loss", "hinge");
    refused("--dtype: 'float16'", "train", "--data", "digits", "--dtype", "float16");
    refused("--device: 'tpu'", "train", "--data", "digits", "--device", "tpu");
    refused("--optimizer: 'lion'", "train", "--data", "digits", "--optimizer", "lion");
    refused("--lr: -1", "train", "--data", "digits", "--lr", "-1");
    refused("--lr: 'fast'", "train", "--data", "digits", "--lr", "fast");
    refused("--lr", "train", "--data", "digits", "--lr");
    refused("--momentum", "train", "--data", "digits", "--momentum", "0.9");
    refused("--epochs: 0", "train", "--data", "digits", "--epochs", "0");
    refused("--batch: 0", "train", "--data", "digits", "--batch", "0");
    refused("--threads: 0", "train", "--data", "digits", "--threads", "0");
    refused("--test-fraction: 1;", "train", "--data", "digits", "--test-fraction", "1");
    refused("--test-fraction", "train", "--data", "digits:20", "--test-fraction", "0.001");
    refused("--data is needed", "train");
    refused("--save", "train", "--data", "digits", "--save", folder + "/none/m.safetensors");
    refused("--json", "train", "--data", "digits", "--json", folder.toString());
    refused("--operator: 'jacobian'", "spectrum", "--operator", "jacobian");
    refused("--top: 0", "spectrum", "--top", "0");
    refused("--probes: 1", "spectrum", "--probes", "1");
    refused("--data is needed", "spectrum", "--model", "m.safetensors");
    refused("--directions: 'steepest'", "landscape", "--directions", "steepest");
    refused("--dimensions: 3", "landscape", "--dimensions", "3");
    refused("--points: 4; expected an odd", "landscape", "--points", "4");
    refused("--radius: 0", "landscape", "--radius", "0");
    refused("--rho: -1", "landscape", "--rho", "-1");
    refused("--gradient-zero: 0", "landscape", "--gradient-zero", "0");
    refused("--eigenvalue-zero: 0", "landscape", "--eigenvalue-zero", "0");
    refused("--batch: 0", "landscape", "--batch", "0");
    refused("--data is needed", "landscape", "--model", "m.safetensors");
    refused("--require: 'gpu'", "doctor", "--require", "gpu");
    refused("--model", "influence", "--data", "two-moons:9");
    refused("--data is needed", "influence", "--model", "m.safetensors");
    String[] influence = {"influence", "--model", "m.safetensors", "--data", "two-moons:9"};
    refused("--method: 'sgd'", with(new String[] {"--method", "sgd"}, influence));
    refused("--damping: 0;", with(new String[] {"--damping", "0"}, influence));
    refused("--top: 0;", with(new String[] {"--top", "0"}, influence));
    refused("--trace-probes: 1", "spectrum", "--trace-probes", "1");
    refused("--accuracy: 0;", "spectrum", "--probes", "auto", "--accuracy", "0");
    refused("--accuracy: this is for", "spectrum", "--accuracy", "0.1");
    String[] ntk = {
      "--data", "two-moons:4", "--arch", "mlp:2-2", "--operator", "ntk", "--top", "9"
    };
    refused("--top: 9; Neural tangent kernel has 8", with(ntk, "spectrum"));
    refused("--checkpoint", "spectrum", "--checkpoint", folder + "/none/state");
    refused("--probes: 'many' is not a whole number", "spectrum", "--probes", "many");
    refused("--epochs: '9999999999' is out of", "train", "--epochs", "9999999999");
    refused("--steps", "spectrum", "--steps", "9", "--no-density");
    refused("--top: 11; mlp:1-2-1:tanh has 7 eigenvalues", moons("spectrum", "--top", "11"));
    refused("FILE", "inspect");
    return tests;
  }

  /** Options of what is measured beside the leading eigenvalues. */
  @TestFactory
  List<DynamicTest> measurements() throws IOException {
    refused(
        "--operator: 'kfac' is unknown; expected one of hessian", "spectrum", "--operator=kfac");
    refused("--accuracy: 'close' is not", "spectrum", "--probes=auto", "--accuracy=close");
    refused("--accuracy: -1; expected", "spectrum", "--probes=auto", "--accuracy=-1");
    refused("--accuracy: this is", "spectrum", "--probes=auto", "--trace-probes=9", "--accuracy=1");
    refused("--probes: 'Auto'", "spectrum", "--probes=Auto");
    refused("--probes: '1.5' is not a whole number", "spectrum", "--probes=1.5");
    refused("--steps: 0; expected 1", "spectrum", "--steps=0");
    refused("--checkpoint: ''", "spectrum", "--checkpoint=");
    refused("--dimensions: 'two'", "landscape", "--dimensions=two");
    refused("--points: 1; expected an odd number, 3", "landscape", "--points=1");
    refused("--radius: NaN; expected a positive", "landscape", "--radius=NaN");
    refused("--radius: infinity; expected", "landscape", "--radius=Infinity");
    refused("'--top'", "landscape", "--top=3");
    refused("--directions: 'Random' is unknown", "landscape", "--directions=Random");
    String model = weights("m.safetensors", MlpShape.parse("mlp:2-3-2:tanh"));
    String[] known = {"influence", "--model", model, "--arch=mlp:2-3-2", "--data=two-moons:9"};
    refused("--test: none.csv: no such file", with(new String[] {"--test=none.csv"}, known));
    refused("--test: digits: has 256 features", with(new String[] {"--test=digits:9"}, known));
    String third = file("third.csv", "1,2,2\n");
    refused("--test: third.csv: label 2", with(new String[] {"--test", third}, known));
    refused("--test: data \"\": the name is empty", with(new String[] {"--test="}, known));
    refused("--damping: -1; expected a positive", with(new String[] {"--damping=-1"}, known));
    refused("--damping: 'small' is not", with(new String[] {"--damping=small"}, known));
    refused("--top: 'all' is not", with(new String[] {"--top=all"}, known));
    refused("--loss", with(new String[] {"--loss=huber"}, known));
    refused("is the file of --test", with(new String[] {"--test", third, "--json", third}, known));
    refused("'self'", with(new String[] {"self"}, known));
    refused("none.safetensors", "influence", "--model=none.safetensors", "--data=digits");
    return tests;
  }

  private static String[] moons(String command, String... more) {
    return with(more, command, "--data", "sine", "--loss", "mse", "--arch", "mlp:1-2-1");
  }

  /** Refused before any work, all with the same code. */
  @TestFactory
  List<DynamicTest> outputs() throws IOException {
    String file = file("file.csv", "1,2,0\n3,4,1\n");
    String link = Files.createLink(folder.resolve("link.csv"), Path.of(file)).toString();
    for (String option : List.of("--save", "--json", "--report")) {
      refused(option + ": '' is empty", "train", "--data", "digits", option, "");
      refused(option + ": 'a\0b' cannot be a file's name", "train", option, "a\0b");
      String below = file + "/below";
      refused(file + " is not a folder", "train", "--data", "digits", option, below);
      if (!option.equals("--report")) {
        String nowhere = folder + "/none/x";
        refused(
            "there is no folder " + folder + "/none", "train", "--data", "digits", option, nowhere);
        refused("is a folder", "train", "--data", "digits", option, folder.toString());
        refused(option + ": " + link, "train", "--data", file, option, link);
      }
    }
    refused("--report", "train", "--data", "digits", "--report", file);
    refused("--model: '' is empty", "spectrum", "--model", "", "--data", "digits");
    refused("--json: '' is empty", "doctor", "--json", "");
    refused("name is empty", "train", "--data", "");
    refused("FILE is empty", "inspect", "");
    refused("is the file of --json", "train", "--data", "digits", "--save", "x", "--json", "./x");
    refused("is the file of FILE", "inspect", file, "--json", file);
    refused(
        "is the file of --model", "spectrum", "--model", file, "--data", "digits", "--json", file);
    return tests;
  }

  @TestFactory
  List<DynamicTest> unknownFiles() throws IOException {
    String known = ".safetensors, .npy and data sets: digits";
    refused("is a folder; inspect takes " + known, "inspect", folder.toString());
    refused("is a file of an unknown type; inspect takes " + known, "inspect", file("a.txt", "1"));
    refused("safetensors.torch.save_file", "inspect", file("a.pt", "1"));
    refused("there is no such file", "inspect", folder + "/none");
    refused("is a folder; accepted are digits", "train", "--data", folder.toString());
    if (Files.exists(Path.of("/dev/null"))) {
      refused("is a device or a pipe", "inspect", "/dev/null");
    }
    return tests;
  }

  @TestFactory
  List<DynamicTest> data() throws IOException {
    String[] arch = {"--arch", "mlp:2-3-2:tanh"};
    refused("none.csv", "train", "--data", folder + "/none.csv");
    refused("mnist1d", "train", "--data", "mnist1d");
    refused("sine", "train", "--data", "sine");
    refused("ragged.csv", "train", "--data", file("ragged.csv", "1,2,0\n1,2,3,1\n"));
    refused("nan.csv", "train", "--data", file("nan.csv", "1,2,0\n1,NaN,1\n"));
    refused("word.csv", "train", "--data", file("word.csv", "1,2,0\n1,two,1\n"));
    refused("negative.csv", "train", "--data", file("negative.csv", "1,2,0\n1,2,-1\n"));
    refused("same.csv: all labels", "train", "--data", file("same.csv", "1,2,0\n3,4,0\n"));
    refused("half.csv", "train", "--data", file("half.csv", "1,2,0\n1,2,0.5\n"));
    refused("empty.csv", "train", "--data", file("empty.csv", ""));
    String one = file("one.csv", "1,2,0\n");
    refused("one.csv: has 1 sample, but training takes 2", "train", "--data", one);
    refused("one.csv: has 1 sample, but training takes 2", "spectrum", "--data", one);
    String two = file("two.csv", "1,2,0\n3,4,1\n");
    refused("0.2 of 2 samples leaves nothing to test on", "train", "--data", two);
    String three = file("three.csv", "1,2,0\n1,2,1\n3,4,2\n5,6,1\n7,8,0\n");
    refused("label 2 is out of range", with(arch, "train", "--data", three));
    refused("2 features", "train", "--data", three, "--arch", "mlp:3-3:tanh");
    refused("none.safetensors", "inspect", folder + "/none.safetensors");
    refused("none.csv", "inspect", folder + "/none.csv");
    return tests;
  }

  @TestFactory
  List<DynamicTest> weights() throws IOException {
    MlpShape shape = MlpShape.parse("mlp:2-3-2:tanh");
    String good = weights("good.safetensors", shape);
    byte[] bytes = Files.readAllBytes(Path.of(good));
    spectrum("none.safetensors", folder + "/none.safetensors", shape);
    String cut = file("cut.safetensors", Arrays.copyOf(bytes, bytes.length - 3));
    spectrum("cut.safetensors", cut, shape);
    String entry = "{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,%d]}}";
    spectrum("lie", file("lie.safetensors", safetensors(entry.formatted(2400), 24)), shape);
    spectrum("small", file("small.safetensors", safetensors(entry.formatted(8), 8)), shape);
    spectrum("text", file("text.safetensors", "not a weight file at all"), shape);
    spectrum("'0.weight'", good, MlpShape.parse("mlp:2-4-2:tanh"));
    spectrum("[2.weight, 2.bias]", good, MlpShape.parse("mlp:2-3:tanh"));
    spectrum("'4.weight'", good, MlpShape.parse("mlp:2-3-2-2:tanh"));
    Path nan = folder.resolve("nan.safetensors");
    Tensor w = Tensor.of(new float[] {1, 2, Float.NaN, 4}, 2, 2);
    Safetensors.write(nan, Map.of("0.weight", w, "0.bias", Tensor.zeros(DType.F32, 2)), Map.of());
    spectrum("NaN", nan.toString(), MlpShape.parse("mlp:2-2:tanh"));
    refused("--arch", "spectrum", "--model", good, "--data", "two-moons:50");
    refused(
        "256 features", "spectrum", "--model", good, "--arch", "mlp:2-3-2", "--data", "digits:9");
    refused(
        "--top: 500",
        "spectrum",
        "--model",
        good,
        "--arch",
        "mlp:2-3-2",
        "--data",
        "two-moons:50",
        "--top",
        "500");
    return tests;
  }

  private void spectrum(String culprit, String model, MlpShape arch) {
    refused(
        culprit, "spectrum", "--model", model, "--arch", arch.toString(), "--data", "two-moons:50");
  }

  private static String[] with(String[] more, String... args) {
    String[] all = Arrays.copyOf(args, args.length + more.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return all;
  }

  @TestFactory
  List<DynamicTest> missingAndFailed() {
    // Whether there is none at all, or only some of smaller index.
    refused(3, "--device cuda:987", "train", "--data", "digits", "--device", "cuda:987");
    refused(3, "--device cuda:988", "spectrum", "--device", "cuda:988");
    refused(
        1,
        "loss became",
        "train",
        "--data",
        "sine:100",
        "--loss",
        "mse",
        "--arch",
        "mlp:1-4-1:identity",
        "--optimizer",
        "sgd",
        "--lr",
        "1e10");
    return tests;
  }

  @Test
  void stacktraceIsShownOnRequestOnly() {
    Cli.Outcome o = Cli.run("train", "--data", "none.csv", "--stacktrace");
    assertEquals(2, o.code());
    assertTrue(o.err().contains("\tat org.hesse"), o.err());
  }
}
