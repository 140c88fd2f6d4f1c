package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.backend.cpu.CpuBackend;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hesse doctor}. */
@Command(
    name = "doctor",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Says what the program runs on and what of it works: processor, vector unit, memory, Java,"
          + " GPUs and the libraries that they need, and a numerical self-check of each device."
    },
    footer = {
      "",
      "Examples:",
      "  hesse doctor",
      "  hesse doctor --json",
      "  hesse doctor --require cuda    (exit code 3 if it is missing)"
    })
final class DoctorCommand implements Callable<Integer> {
  private final Terminal terminal;

  @Option(
      names = "--json",
      arity = "0..1",
      fallbackValue = "-",
      paramLabel = "FILE",
      description = "Write JSON to a file, or to stdout without one.")
  @Nullable Path json;

  @Option(
      names = "--require",
      paramLabel = "DEVICE",
      description = "Fail with exit code 3 unless this is there: cpu or cuda.")
  @Nullable String require;

  @Mixin StandardOptions standard;

  DoctorCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /** A comparison with a reference. */
  record SelfCheck(String what, double error, double tolerance, boolean passed) {}

  /** The machine and its state in JSON. */
  record Diagnosis(
      String version, String system, String java, Cpu cpu, CudaDiagnosis cuda, boolean healthy) {}

  /** The processor. */
  record Cpu(
      String processor,
      int cores,
      int threads,
      boolean vectorApi,
      int vectorBits,
      long memoryBytes,
      long heapBytes,
      SelfCheck product,
      SelfCheck kernel) {}

  @Override
  public Integer call() throws IOException {
    if (require != null && !require.equals("cpu") && !require.equals("cuda")) {
      throw Failure.badInput("--require: '" + require + "' is unknown; expected cpu or cuda");
    }
    Outputs.require("--json", json);
    Diagnosis d = diagnose();
    Text text = new Text(terminal, json);
    lines(d).forEach((name, value) -> text.line(String.format("  %-14s %s", name, value)));
    d.cuda.lines().forEach(l -> text.line(String.format("  %-14s %s", "", l)));
    if (json != null) {
      Json.write(d, json, terminal);
    }
    if (!d.healthy) {
      throw Failure.failed("the self-check failed: results of this machine cannot be trusted");
    }
    if ("cuda".equals(require) && !d.cuda.available()) {
      List<String> lines = new ArrayList<>(List.of("--require cuda: " + d.cuda.reason()));
      if (text.isSilent()) {
        lines.addAll(d.cuda.lines());
      }
      throw Failure.missing(String.join("\n", lines), null);
    }
    return Failure.DONE;
  }

  private static Diagnosis diagnose() {
    SelfCheck product = product();
    SelfCheck kernel = kernel();
    CudaDiagnosis cuda = CudaDiagnosis.make(() -> List.of(product(), kernel()));
    int bits = Machine.vectorBits();
    Cpu cpu =
        new Cpu(
            Machine.processor(),
            Runtime.getRuntime().availableProcessors(),
            CpuBackend.threads(),
            bits > 0,
            bits,
            Machine.memory(),
            Runtime.getRuntime().maxMemory(),
            product,
            kernel);
    return new Diagnosis(
        Hesse.version(),
        Machine.system(),
        Machine.java(),
        cpu,
        cuda,
        product.passed && kernel.passed && cuda.healthy());
  }

  private static Map<String, String> lines(Diagnosis d) {
    Cpu c = d.cpu;
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put("hesse", d.version);
    lines.put("system", d.system);
    lines.put("Java", d.java);
    lines.put("processor", c.processor);
    lines.put("threads", c.threads + " of " + Numbers.count(c.cores, "core"));
    lines.put("vectors", Machine.vectors());
    lines.put(
        "memory",
        (c.memoryBytes > 0 ? Numbers.bytes(c.memoryBytes) + ", of which " : "")
            + Numbers.bytes(c.heapBytes)
            + " may be heap");
    lines.put("self-check", verdict(c.product));
    lines.put("", verdict(c.kernel));
    lines.put("CUDA", d.cuda.available() ? "usable" : "not usable: " + d.cuda.reason());
    return lines;
  }

  static String verdict(SelfCheck s) {
    return (s.passed ? "passed" : "FAILED")
        + ": "
        + s.what
        + ", error "
        + Numbers.scientific(s.error)
        + ", tolerance "
        + Numbers.scientific(s.tolerance);
  }

  /** A matrix product in F32 against sums in F64. */
  private static SelfCheck product() {
    int m = 19;
    int n = 53;
    int k = 70;
    Tensor a = Tensor.of(numbers(1, m * k), m, k).cast(DType.F32);
    Tensor b = Tensor.of(numbers(2, k * n), k, n).cast(DType.F32);
    double[] x = a.toDoubleArray();
    double[] y = b.toDoubleArray();
    double[] z = a.matmul(b).toDoubleArray();
    double error = 0;
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        double size = 0;
        for (int l = 0; l < k; l++) {
          sum += x[i * k + l] * y[l * n + j];
          size += Math.abs(x[i * k + l] * y[l * n + j]);
        }
        error = worst(error, Math.abs(z[i * n + j] - sum) / size);
      }
    }
    double tolerance = k * DType.F32.epsilon();
    String what = "matrix product of " + m + "×" + k + " and " + k + "×" + n + " in float32";
    return new SelfCheck(what, error, tolerance, error <= tolerance);
  }

  /** A fused elementwise kernel in F64 against Java's own functions. */
  private static SelfCheck kernel() {
    double[] in = numbers(3, 1100);
    Tensor x = Tensor.of(in);
    double[] out = x.tanh().add(x.square().neg().exp()).toDoubleArray();
    double error = 0;
    for (int i = 0; i < in.length; i++) {
      double expected = Math.tanh(in[i]) + Math.exp(-in[i] * in[i]);
      error = worst(error, Math.abs(out[i] - expected));
    }
    double tolerance = 32 * DType.F64.epsilon();
    return new SelfCheck(
        "tanh x + exp(−x²) of 1,100 values in float64", error, tolerance, error <= tolerance);
  }

  /**
   * Numbers from −4 to 4, made without the kernels, which take their time in a process so young.
   */
  private static double[] numbers(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = 8 * random.nextDouble() - 4;
    }
    return values;
  }

  /** NaN stays. */
  private static double worst(double a, double b) {
    return Double.isNaN(a) || Double.isNaN(b) ? Double.NaN : Math.max(a, b);
  }
}
