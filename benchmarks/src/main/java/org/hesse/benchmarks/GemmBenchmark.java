package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.backend.cpu.CpuBackend;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * Matrix products of floats beside OpenBLAS's {@code cblas_sgemm} on the same number of threads.
 * Ours is a call of a compiled function, which makes a tensor for the result; OpenBLAS writes to an
 * array that is there, on Linux only. Set OPENBLAS_THREAD_TIMEOUT=16, or its idle threads take the
 * cores from ours.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class GemmBenchmark {
  private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfFloat F = ValueLayout.JAVA_FLOAT;
  private static final MemoryLayout P = ValueLayout.ADDRESS;
  private static final int ROW_MAJOR = 101;
  private static final int PLAIN = 111;
  private static final int TRANSPOSED = 112;

  /** Rows × columns × pairs : whether either operand lies transposed (t) or not (n) @ threads. */
  @Param({
    "32x64x64:nn@1", "32x64x64:nt@1", "64x64x32:tn@1", "64x64x64:nn@1", "128x128x128:nn@1",
    "256x256x256:nn@1", "512x512x512:nn@1", "1024x1024x1024:nn@1", "128x256x784:nn@1",
    "784x256x128:tn@1", "256x512x512:nt@1", "128x128x128:nn@2", "256x256x256:nn@2",
    "512x512x512:nn@2", "1024x1024x1024:nn@2", "128x256x784:nn@2", "784x256x128:tn@2",
    "256x512x512:nt@2"
  })
  public String workload;

  private int m;
  private int n;
  private int k;
  private boolean turnA;
  private boolean turnB;
  private Tensor x;
  private Tensor y;
  private BiFunction<Tensor, Tensor, Tensor> product;
  private MemorySegment a;
  private MemorySegment b;
  private MemorySegment c;
  private MethodHandle sgemm;

  /** Makes the operands from a fixed seed. */
  @Setup
  public void setUp() throws Throwable {
    String[] parts = workload.split("[x:@]");
    m = Integer.parseInt(parts[0]);
    n = Integer.parseInt(parts[1]);
    k = Integer.parseInt(parts[2]);
    turnA = parts[3].startsWith("t");
    turnB = parts[3].endsWith("t");
    int threads = Integer.parseInt(parts[4]);
    RngKey[] keys = RngKey.of(1).split(2);
    x = turnA ? keys[0].normal(DType.F32, k, m) : keys[0].normal(DType.F32, m, k);
    y = turnB ? keys[1].normal(DType.F32, n, k) : keys[1].normal(DType.F32, k, n);
    CpuBackend.setThreads(threads);
    product = compile((Tensor s, Tensor t) -> (turnA ? s.transpose() : s).matmul(turnB ? t.transpose() : t));
    // Hesse unpacks and loads the library, which is then found by its name.
    Matrices.cholesky(Tensor.eye(DType.F32, 2)).sum().item();
    SymbolLookup library = SymbolLookup.libraryLookup("libopenblas.so.0", Arena.global());
    Linker linker = Linker.nativeLinker();
    linker
        .downcallHandle(
            library.findOrThrow("openblas_set_num_threads"), FunctionDescriptor.ofVoid(I))
        .invokeExact(threads);
    sgemm =
        linker.downcallHandle(
            library.findOrThrow("cblas_sgemm"),
            FunctionDescriptor.ofVoid(I, I, I, I, I, I, F, P, I, P, I, F, P, I),
            Linker.Option.critical(true));
    a = MemorySegment.ofArray(x.toFloatArray());
    b = MemorySegment.ofArray(y.toFloatArray());
    c = MemorySegment.ofArray(new float[m * n]);
  }

  /** By Hesse. */
  @Benchmark
  public Tensor hesse() {
    return product.apply(x, y);
  }

  /** By OpenBLAS. */
  @Benchmark
  public MemorySegment openblas() throws Throwable {
    sgemm.invokeExact(
        ROW_MAJOR,
        turnA ? TRANSPOSED : PLAIN,
        turnB ? TRANSPOSED : PLAIN,
        m,
        n,
        k,
        1f,
        a,
        turnA ? m : k,
        b,
        turnB ? k : n,
        0f,
        c,
        n);
    return c;
  }
}
