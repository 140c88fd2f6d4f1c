package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;

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

/** Single operations that are one loop each. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class KernelBenchmark {
  /** Operation and shape of its operand. */
  @Param({
    "neg@65536", "exp@65536", "expm1@65536", "log@65536", "log1p@65536", "sin@65536", "cos@65536",
    "tanh@65536", "sigmoid@65536", "softplus@65536", "erf@65536", "erfc@65536",
    "gelu@65536", "gelu@2048x2048", "geluGradient@2048x2048", "copy@2048x2048",
    "columnSum@4096x512", "columnSum@2048x768", "rowSum@4096x512"
  })
  public String workload;

  /** The operand's dtype. */
  @Param({"F32", "F64"})
  public DType dtype;

  private Function<Tensor, Tensor> f;
  private Tensor x;

  /** Makes the operand from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split("@", 2);
    String[] sizes = parts[1].split("x");
    int[] dims = new int[sizes.length];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Integer.parseInt(sizes[i]);
    }
    Tensor normal = RngKey.of(1).normal(dtype, dims);
    x = parts[0].startsWith("log") ? normal.abs() : normal;
    f = compile((Tensor t) -> apply(parts[0], t));
  }

  private static Tensor apply(String name, Tensor t) {
    return switch (name) {
      case "neg" -> t.neg();
      case "exp" -> t.exp();
      case "expm1" -> t.expm1();
      case "log" -> t.log();
      case "log1p" -> t.log1p();
      case "sin" -> t.sin();
      case "cos" -> t.cos();
      case "tanh" -> t.tanh();
      case "sigmoid" -> t.sigmoid();
      case "softplus" -> t.softplus();
      case "erf" -> t.erf();
      case "erfc" -> t.erfc();
      case "gelu" -> Functions.gelu(t);
      case "geluGradient" -> grad((Tensor v) -> Functions.gelu(v).sum()).apply(t);
      case "copy" -> t.copy();
      case "columnSum" -> t.sum(0);
      case "rowSum" -> t.sum(1);
      default -> throw new IllegalArgumentException(name);
    };
  }

  /** The operation. */
  @Benchmark
  public Tensor run() {
    return f.apply(x);
  }
}
