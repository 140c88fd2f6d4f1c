package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Composites with their kernels, and the same formulas in plain operations, in F32. {@code
 * composites.py} beside RESULTS.md times the same of PyTorch.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class CompositeBenchmark {
  /** Function and shape of its first operand. */
  @Param({
    "softmax@128x10",
    "softmax@512x1000",
    "softmax@64x32000",
    "logSoftmax@512x1000",
    "crossEntropy@128x10",
    "crossEntropy@512x1000",
    "layerNorm@128x64",
    "layerNorm@2048x768",
    "rmsNorm@2048x768",
    "batchNorm@2048x768",
    "gelu@2048x768",
    "attention@8x64x32",
    "attention@16x512x64"
  })
  public String workload;

  /** Whether to use the composite or to write it out. */
  @Param({"composite", "formula"})
  public String how;

  private Function<List<Tensor>, Tensor> forward;
  private Function<List<Tensor>, List<Tensor>> gradient;
  private List<Tensor> x;

  /** Makes operands from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split("@", 2);
    String[] sizes = parts[1].split("x");
    int[] dims = new int[sizes.length];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Integer.parseInt(sizes[i]);
    }
    int last = dims[dims.length - 1];
    RngKey[] keys = RngKey.of(1).split(4);
    x = new ArrayList<>(List.of(keys[0].normal(DType.F32, dims)));
    switch (parts[0]) {
      case "layerNorm", "batchNorm" -> {
        x.add(keys[1].normal(DType.F32, last));
        x.add(keys[2].normal(DType.F32, last));
      }
      case "rmsNorm" -> x.add(keys[1].normal(DType.F32, last));
      case "attention" -> {
        x.add(keys[1].normal(DType.F32, dims));
        x.add(keys[2].normal(DType.F32, dims));
      }
      default -> {}
    }
    Tensor labels = keys[3].uniform(DType.F32, dims[0]).mul(last).cast(DType.I32);
    boolean composite = how.equals("composite");
    Function<List<Tensor>, Tensor> f =
        in -> composite ? composite(parts[0], in, labels) : formula(parts[0], in, labels);
    Tensor weights = keys[1].normal(DType.F32, parts[0].equals("crossEntropy") ? new int[0] : dims);
    forward = compile(f);
    gradient =
        compile((List<Tensor> in) ->
            valueAndGrad((List<Tensor> p) -> f.apply(p).mul(weights).sum()).apply(in).gradient());
  }

  private static Tensor composite(String name, List<Tensor> x, Tensor labels) {
    Tensor a = x.get(0);
    return switch (name) {
      case "softmax" -> a.softmax(-1);
      case "logSoftmax" -> a.logSoftmax(-1);
      case "crossEntropy" -> Functions.crossEntropy(a, labels);
      case "layerNorm" -> Functions.layerNorm(a, x.get(1), x.get(2), 1e-5);
      case "rmsNorm" -> Functions.rmsNorm(a, x.get(1), 1e-5);
      case "batchNorm" -> Functions.batchNorm(a, x.get(1), x.get(2), 1e-5).output();
      case "gelu" -> Functions.gelu(a);
      case "attention" -> Functions.attention(a, x.get(1), x.get(2));
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static Tensor formula(String name, List<Tensor> x, Tensor labels) {
    Tensor a = x.get(0);
    int last = a.rank() - 1;
    return switch (name) {
      case "softmax" -> softmax(a);
      case "logSoftmax" -> logSoftmax(a);
      case "crossEntropy" -> {
        Tensor hit = Tensor.arange(DType.I32, a.dim(1)).eq(labels.insertAxis(1));
        yield hit.select(logSoftmax(a), Tensor.zeros(DType.F32)).sum(1).mean().neg();
      }
      case "layerNorm" -> {
        Tensor c = a.sub(a.mean(last).insertAxis(last));
        Tensor r = c.square().mean(last).add(1e-5).rsqrt().insertAxis(last);
        yield c.mul(r).mul(x.get(1)).add(x.get(2));
      }
      case "rmsNorm" ->
          a.mul(a.square().mean(last).add(1e-5).rsqrt().insertAxis(last)).mul(x.get(1));
      case "batchNorm" -> Functions.batchNorm(a, x.get(1), x.get(2), 1e-5).output();
      case "gelu" -> a.mul(0.5).mul(a.mul(Math.sqrt(0.5)).erf().add(1));
      case "attention" -> {
        Tensor s = a.matmul(x.get(1).transpose()).mul(1 / Math.sqrt(a.dim(last)));
        yield softmax(s).matmul(x.get(2));
      }
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static Tensor softmax(Tensor a) {
    int last = a.rank() - 1;
    Tensor e = a.sub(a.max(last).stopGradient().insertAxis(last)).exp();
    return e.div(e.sum(last).insertAxis(last));
  }

  private static Tensor logSoftmax(Tensor a) {
    Tensor shifted = a.sub(a.max(1).stopGradient().insertAxis(1));
    return shifted.sub(shifted.exp().sum(1).log().insertAxis(1));
  }

  /** The function. */
  @Benchmark
  public Tensor forward() {
    return forward.apply(x);
  }

  /** The gradient of a weighted sum of its results. */
  @Benchmark
  public List<Tensor> gradient() {
    return gradient.apply(x);
  }
}
