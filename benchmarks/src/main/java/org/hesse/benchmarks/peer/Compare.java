package org.hesse.benchmarks.peer;

import static java.util.stream.Collectors.joining;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Times workloads by Hesse and by libtorch in turn, and prints a row of a table for each and each
 * number of threads.
 *
 * <p>Arguments: numbers of threads, how often to take turns, milliseconds to warm up Hesse, and
 * patterns of workloads' names; or {@code check} and patterns, to compare what they compute.
 */
public final class Compare {
  private static final int ITERATIONS = 6;

  private final int[] threads;
  private final int rounds;
  private final int warmup;
  private final PrintStream out = System.out;

  private Compare(String threads, String rounds, String warmup) {
    this.threads = Arrays.stream(threads.split(",")).mapToInt(Integer::parseInt).toArray();
    this.rounds = Integer.parseInt(rounds);
    this.warmup = Integer.parseInt(warmup);
  }

  /** Runs. */
  public static void main(String[] args) throws RunnerException {
    if (args[0].equals("check")) {
      check(select(args, 1));
      return;
    }
    Compare compare = new Compare(args[0], args[1], args[2]);
    // JMH repeats on standard output what its processes say.
    System.setOut(System.err);
    for (Workload w : select(args, 3)) {
      compare.rows(w);
    }
  }

  private static List<Workload> select(String[] args, int from) {
    List<Workload> chosen = new ArrayList<>();
    for (Workload w : Workload.all()) {
      boolean named = from == args.length;
      for (int i = from; i < args.length; i++) {
        named |= Pattern.compile(args[i]).matcher(w.name()).find();
      }
      if (named) {
        chosen.add(w);
      }
    }
    if (chosen.isEmpty()) {
      throw new IllegalArgumentException(
          "no workload matches " + Arrays.toString(args) + "; there are " + Workload.all());
    }
    return chosen;
  }

  /** Compares results by the largest difference, relative to the largest number. */
  private static void check(List<Workload> workloads) {
    boolean same = true;
    for (Workload w : workloads) {
      Work ours = w.on("hesse");
      Work theirs = w.on("libtorch");
      double worst = 0;
      for (int i = 0; i < 3; i++) {
        worst = Math.max(worst, difference(w, ours.numbers(), theirs.numbers()));
      }
      // Sums in F32 in another order, passed on by a few layers; a step moves weights by more.
      boolean ok = worst < 1e-5;
      same &= ok;
      System.err.printf(Locale.ROOT, "%-45s %.1e %s%n", w.name(), worst, ok ? "" : "DIFFERS");
    }
    if (!same) {
      throw new IllegalStateException("the two sides compute different numbers");
    }
  }

  private static double difference(Workload w, float[] a, float[] b) {
    if (a.length != b.length) {
      throw new IllegalStateException(w.name() + ": " + a.length + " and " + b.length + " numbers");
    }
    double largest = 0;
    double off = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(b[i]));
      double d = Math.abs(a[i] - b[i]);
      off = d > off || Double.isNaN(d) ? d : off;
    }
    return off / largest;
  }

  private void rows(Workload w) throws RunnerException {
    List<List<Double>> ours = lists();
    List<List<Double>> theirs = lists();
    for (int round = 0; round < rounds; round++) {
      time(w, "hesse", warmup, ours);
      time(w, "libtorch", Math.min(warmup, 500), theirs);
    }
    String target = w.target() == 0 ? "" : Double.toString(w.target());
    for (int i = 0; i < threads.length; i++) {
      double a = median(ours.get(i));
      double b = median(theirs.get(i));
      out.printf(
          Locale.ROOT,
          "| %s | %d | %s | %s | %.2f | %s |%n",
          w.name(),
          threads[i],
          micros(a),
          micros(b),
          b / a,
          threads[i] == 1 ? "" : target);
    }
  }

  private List<List<Double>> lists() {
    return Arrays.stream(threads).mapToObj(n -> (List<Double>) new ArrayList<Double>()).toList();
  }

  private static String micros(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value);
  }

  /** Adds the mean time of each iteration, in microseconds, to the list of its threads. */
  private void time(Workload w, String side, int milliseconds, List<List<Double>> times)
      throws RunnerException {
    String counts = Arrays.stream(threads).mapToObj(Integer::toString).collect(joining(","));
    Options options =
        new OptionsBuilder()
            .include(PeerBenchmark.class.getName())
            .param("workload", w.name())
            .param("side", side)
            .param("threads", counts)
            .forks(1)
            .warmupIterations(1)
            .warmupTime(TimeValue.milliseconds(milliseconds))
            .measurementIterations(ITERATIONS * threads.length)
            .measurementTime(TimeValue.milliseconds(100))
            .shouldFailOnError(true)
            .verbosity(VerboseMode.SILENT)
            .build();
    for (RunResult result : new Runner(options).run()) {
      for (BenchmarkResult fork : result.getBenchmarkResults()) {
        int i = 0;
        for (IterationResult iteration : fork.getIterationResults()) {
          times.get(i++ % threads.length).add(iteration.getPrimaryResult().getScore());
        }
      }
    }
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int n = sorted.size();
    return (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
  }
}
