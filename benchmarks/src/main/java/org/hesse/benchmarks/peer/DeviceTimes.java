package org.hesse.benchmarks.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;

/**
 * Times workloads on one device, as the scripts in {@code benchmarks/peers} do. Arguments: a file of
 * names, a line each, and a device, {@code cuda} by default. Prints lines of "hesse", name and the
 * median microseconds.
 */
public final class DeviceTimes {
  private static final double WARM_UP_SECONDS = 2;
  private static final double BATCH_SECONDS = 0.02;
  private static final int MOST_CALLS = 2000;
  private static final int BATCHES = 25;
  private static final int LEAST_BATCHES = 3;

  /** After so many seconds no more batches are timed. */
  private static final double ENOUGH_SECONDS = 3;

  /** How the process ends when the device is of no use any more. */
  private static final int DEVICE_LOST = 3;

  private DeviceTimes() {}

  public static void main(String[] arguments) throws IOException {
    Hesse.setDevice(Device.parse(arguments.length > 1 ? arguments[1] : "cuda"));
    List<String> lines = Files.readAllLines(Path.of(arguments[0]));
    for (String name : lines) {
      if (name.isBlank() || name.startsWith("#")) {
        continue;
      }
      try {
        double median = median(new HesseSide().make(new Workload(name, 0)));
        System.out.printf(Locale.ROOT, "hesse\t%s\t%.3f%n", name, median * 1e6);
      } catch (RuntimeException | Error e) {
        // One workload that fails does not end the others, unless the device is lost with it.
        System.out.println("# hesse " + name + ": " + e.toString().replaceAll("\\s+", " "));
        requireDevice();
      }
    }
  }

  private static void requireDevice() {
    try {
      var _ = Tensor.scalar(1, DType.F32).add(1).item();
      Hesse.synchronize();
    } catch (RuntimeException e) {
      System.exit(DEVICE_LOST);
    }
  }

  /** Seconds of a call, the median over batches that are waited for at their ends. */
  private static double median(Work work) {
    int calls = 1;
    long end = System.nanoTime() + (long) (WARM_UP_SECONDS * 1e9);
    while (System.nanoTime() < end) {
      double seconds = batch(work, calls);
      calls = (int) Math.max(1, Math.min(MOST_CALLS, BATCH_SECONDS / Math.max(seconds, 1e-7)));
    }
    double[] times = new double[BATCHES];
    int done = 0;
    end = System.nanoTime() + (long) (ENOUGH_SECONDS * 1e9);
    while (done < LEAST_BATCHES || done < BATCHES && System.nanoTime() < end) {
      times[done++] = batch(work, calls);
    }
    Arrays.sort(times, 0, done);
    return times[done / 2];
  }

  private static double batch(Work work, int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      work.run();
    }
    Hesse.synchronize();
    return (System.nanoTime() - start) * 1e-9 / calls;
  }
}
