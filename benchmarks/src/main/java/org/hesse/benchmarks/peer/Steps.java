package org.hesse.benchmarks.peer;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.hesse.backend.cpu.CpuBackend;

/**
 * Prints what each step of a workload takes, as Flight Recorder has it, beside the operations and
 * bytes that it cannot do without. Arguments: threads and the workload's name.
 */
public final class Steps {
  private static final long WARM_UP_NANOS = 8_000_000_000L;
  private static final long MEASURED_NANOS = 1_000_000_000L;
  private static final int MOST_RUNS = 5_000;

  /** A step among those of its compiled function, functions in the order they were compiled. */
  private record Place(long sequence, int number) implements Comparable<Place> {
    @Override
    public int compareTo(Place o) {
      return Comparator.comparingLong(Place::sequence).thenComparing(Place::number).compare(this, o);
    }
  }

  private Steps() {}

  /** Runs. */
  public static void main(String[] args) throws IOException {
    PrintStream out = System.out;
    CpuBackend.setThreads(Integer.parseInt(args[0]));
    Work work = Workload.of(args[1]).on("hesse");
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WARM_UP_NANOS) {
      work.run();
    }
    int runs = 0;
    List<RecordedEvent> events;
    Path file = Files.createTempFile("steps", ".jfr");
    try (Recording recording = new Recording()) {
      recording.enable("org.hesse.Step").withThreshold(Duration.ZERO);
      recording.start();
      begin = System.nanoTime();
      for (; runs < MOST_RUNS && System.nanoTime() - begin < MEASURED_NANOS; runs++) {
        work.run();
      }
      recording.stop();
      recording.dump(file);
      events = RecordingFile.readAllEvents(file);
    } finally {
      Files.delete(file);
    }
    print(out, events, runs);
  }

  private static void print(PrintStream out, List<RecordedEvent> events, int runs) {
    Map<Place, List<RecordedEvent>> steps = new TreeMap<>();
    for (RecordedEvent e : events) {
      if (e.getEventType().getName().equals("org.hesse.Step")) {
        Place at = new Place(e.getLong("sequence"), e.getInt("number"));
        steps.computeIfAbsent(at, p -> new ArrayList<>()).add(e);
      }
    }
    out.println("| step | runs | us | Mop | Gop/s | kB | GB/s |");
    out.println("|---|---:|---:|---:|---:|---:|---:|");
    double all = 0;
    for (List<RecordedEvent> same : steps.values()) {
      RecordedEvent e = same.getFirst();
      double times = same.size() / (double) runs;
      double us = median(same) / 1e3;
      all += times * us;
      long operations = e.getLong("operations");
      long bytes = e.getLong("bytes");
      out.printf(
          Locale.ROOT,
          "| %s | %.0f | %.2f | %.3f | %.0f | %.1f | %.0f |%n",
          e.getString("step"),
          times,
          us,
          operations / 1e6,
          operations / us / 1e3,
          bytes / 1e3,
          bytes / us / 1e3);
    }
    out.printf(Locale.ROOT, "| all | | %.2f | | | | |%n", all);
  }

  private static double median(List<RecordedEvent> events) {
    long[] nanos = events.stream().mapToLong(e -> e.getDuration().toNanos()).sorted().toArray();
    return nanos[nanos.length / 2];
  }
}
