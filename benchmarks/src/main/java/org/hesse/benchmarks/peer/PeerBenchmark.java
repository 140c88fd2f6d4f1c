package org.hesse.benchmarks.peer;

import java.util.concurrent.TimeUnit;
import org.hesse.backend.cpu.CpuBackend;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/** One workload by one library. {@link Compare} chooses both. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class PeerBenchmark {
  /** Name of a {@link Workload}. */
  @Param("add:16")
  public String workload;

  /** Library. */
  @Param({"hesse", "libtorch"})
  public String side;

  /** Numbers of threads, one for each iteration; the warm-up has the first. */
  @Param("2")
  public String threads;

  private static final long SETTLE_NANOS = 200_000_000;

  private Work work;
  private int measured;

  /** Makes operands and compiles. */
  @Setup
  public void setUp() {
    work = Workload.of(workload).on(side);
  }

  /** Sets the number of threads. */
  @Setup(Level.Iteration)
  public void setThreads(IterationParams iteration) {
    String[] counts = threads.split(",");
    boolean warmup = iteration.getType() == IterationType.WARMUP;
    int n = Integer.parseInt(counts[warmup ? 0 : measured++ % counts.length]);
    if (side.equals("hesse")) {
      CpuBackend.setThreads(n);
    } else {
      TorchSide.setThreads(n);
    }
    // A thread that has slept may be woken up on the core of the one that wakes it, and stay there
    // for tens of milliseconds.
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < SETTLE_NANOS) {
      work.run();
    }
  }

  /** Computes. */
  @Benchmark
  public Object run() {
    return work.run();
  }
}
