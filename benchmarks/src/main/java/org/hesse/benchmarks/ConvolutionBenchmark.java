package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;

import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** Single convolutions in F32; {@code convolutions.py} times PyTorch's. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ConvolutionBenchmark {
  /** Picture as N×C×H×W, outputs, window, stride, padding and groups. */
  @Param({
    "64x1x28x28 6 5 1 2 1",
    "64x6x14x14 16 5 1 0 1",
    "32x64x56x56 64 3 1 1 1",
    "32x128x28x28 128 3 2 1 1",
    "32x64x56x56 256 1 1 0 1",
    "32x128x28x28 128 3 1 1 128"
  })
  public String workload;

  /** A picture and weights. */
  public record Operands(Tensor x, Tensor weight) {}

  private Operands operands;
  private Function<Operands, Tensor> forward;
  private Function<Operands, Operands> gradient;

  /** Makes operands from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split(" ", 2);
    int[] dims = Arrays.stream(parts[0].split("x")).mapToInt(Integer::parseInt).toArray();
    int[] p = Arrays.stream(parts[1].split(" ")).mapToInt(Integer::parseInt).toArray();
    RngKey[] keys = RngKey.of(1).split(3);
    operands =
        new Operands(
            keys[0].normal(DType.F32, dims),
            keys[1].normal(DType.F32, p[0], dims[1] / p[4], p[1], p[1]));
    Sliding sliding = Sliding.by(p[2]).padded(p[3]);
    Function<Operands, Tensor> f = o -> o.x().convolve(o.weight(), sliding, p[4]);
    forward = compile(f);
    Tensor u = keys[2].normal(DType.F32, forward.apply(operands).shape().dims());
    gradient = compile(grad((Operands o) -> f.apply(o).mul(u).sum()));
  }

  /** The convolution. */
  @Benchmark
  public Tensor forward() {
    return forward.apply(operands);
  }

  /** The gradient of a weighted sum with respect to picture and weights. */
  @Benchmark
  public Operands gradient() {
    return gradient.apply(operands);
  }
}
