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
import org.openjdk.jmh.annotations.TearDown;
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

  /** The warm-up goes on in rounds until so many in turn were no faster than what came before. */
  private static final long ROUND_NANOS = 1_000_000_000;

  private static final int STEADY_ROUNDS = 3;
  private static final int MOST_ROUNDS = 60;
  private static final double NO_FASTER = 0.95;

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

  /** Goes on warming up while the JIT compiler still makes it faster. */
  @TearDown(Level.Iteration)
  public void untilSteady(IterationParams iteration) {
    if (iteration.getType() != IterationType.WARMUP || !side.equals("hesse")) {
      return;
    }
    double best = least();
    for (int round = 0, steady = 0; steady < STEADY_ROUNDS && round < MOST_ROUNDS; round++) {
      double time = least();
      steady = time < NO_FASTER * best ? 0 : steady + 1;
      best = Math.min(best, time);
    }
  }

  /** Nanoseconds of the fastest run of a round. */
  private double least() {
    long begin = System.nanoTime();
    long before = begin;
    long least = Long.MAX_VALUE;
    while (before - begin < ROUND_NANOS) {
      work.run();
      long now = System.nanoTime();
      least = Math.min(least, now - before);
      before = now;
    }
    return least;
  }

  /** Computes. */
  @Benchmark
  public Object run() {
    return work.run();
  }
}
