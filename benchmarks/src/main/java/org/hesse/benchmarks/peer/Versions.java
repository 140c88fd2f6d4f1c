package org.hesse.benchmarks.peer;

import java.io.File;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * Times a workload by several versions of the library, or by libtorch, in one process, in turn every
 * few milliseconds, so that whatever slows the machine down meets all of them. What placement in
 * memory and the JIT compiler do differs from process to process: only what repeats is a difference.
 *
 * <p>Arguments: threads, seconds, the workload's name, and jars of the library or {@code libtorch}. The
 * class path has the rest.
 */
public final class Versions {
  private static final long WARM_UP_NANOS = 4_000_000_000L;
  private static final long SETTLE_NANOS = 8_000_000;
  private static final long WINDOW_NANOS = 10_000_000;
  private static final int WINDOWS = 4;

  private Versions() {}

  /** Runs. */
  public static void main(String[] args) throws Throwable {
    List<MethodHandle> works = new ArrayList<>();
    List<List<Double>> times = new ArrayList<>();
    for (int i = 3; i < args.length; i++) {
      int threads = Integer.parseInt(args[0]);
      works.add(
          args[i].equals("libtorch")
              ? libtorch(threads, args[2])
              : hesse(Path.of(args[i]), threads, args[2]));
      times.add(new ArrayList<>());
    }
    for (MethodHandle work : works) {
      var _ = time(work, WARM_UP_NANOS);
    }
    long end = System.nanoTime() + Long.parseLong(args[1]) * 1_000_000_000L;
    while (System.nanoTime() < end) {
      for (int i = 0; i < works.size(); i++) {
        var _ = time(works.get(i), SETTLE_NANOS);
        for (int w = 0; w < WINDOWS; w++) {
          times.get(i).add(time(works.get(i), WINDOW_NANOS));
        }
      }
    }
    for (int i = 0; i < works.size(); i++) {
      List<Double> sorted = times.get(i);
      Collections.sort(sorted);
      System.out.printf(
          Locale.ROOT,
          "| %s | %s | %s | %.1f | %.1f | %.1f |%n",
          args[2],
          args[0],
          Path.of(args[3 + i]).getFileName().toString().replace(".jar", ""),
          sorted.getFirst(),
          sorted.get(sorted.size() / 10),
          sorted.get(sorted.size() / 2));
    }
  }

  /** Microseconds of a run, over so long a time. */
  private static double time(MethodHandle work, long nanos) throws Throwable {
    long begin = System.nanoTime();
    long now;
    int runs = 0;
    do {
      var _ = work.invoke();
      runs++;
      now = System.nanoTime();
    } while (now - begin < nanos);
    return (now - begin) / 1e3 / runs;
  }

  /** The workload's {@code run}, by libtorch. */
  private static MethodHandle libtorch(int threads, String workload)
      throws ReflectiveOperationException {
    TorchSide.setThreads(threads);
    Method run = open(Work.class.getDeclaredMethod("run"));
    return MethodHandles.lookup().unreflect(run).bindTo(Workload.of(workload).on("libtorch"));
  }

  /** The workload's {@code run}, by the classes of a jar. */
  private static MethodHandle hesse(Path jar, int threads, String workload)
      throws ReflectiveOperationException, IOException {
    ClassLoader loader = new URLClassLoader(urls(jar), ClassLoader.getPlatformClassLoader());
    Class.forName("org.hesse.backend.cpu.CpuBackend", true, loader)
        .getMethod("setThreads", int.class)
        .invoke(null, threads);
    Class<?> kind = Class.forName(Workload.class.getName(), true, loader);
    Object named = open(kind.getDeclaredMethod("of", String.class)).invoke(null, workload);
    Object work = open(kind.getDeclaredMethod("on", String.class)).invoke(named, "hesse");
    Class<?> runnable = Class.forName(Work.class.getName(), true, loader);
    Method run = open(runnable.getDeclaredMethod("run"));
    return MethodHandles.lookup().unreflect(run).bindTo(work);
  }

  private static Method open(Method method) {
    method.setAccessible(true);
    return method;
  }

  private static URL[] urls(Path jar) throws MalformedURLException {
    List<URL> urls = new ArrayList<>(List.of(jar.toUri().toURL()));
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.endsWith("hesse.jar")) {
        urls.add(Path.of(entry).toUri().toURL());
      }
    }
    return urls.toArray(URL[]::new);
  }
}
