package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.hesse.Device;
import org.hesse.backend.cuda.CudaDevices;
import org.hesse.backend.cuda.CudaLibraries;
import org.jspecify.annotations.Nullable;

/**
 * The simulated CUDA device of {@code native/}, for tests: builds it with the host's C++ compiler
 * where it is not up to date, and puts it in the place of CUDA's libraries.
 *
 * <p>A real device takes its place if the system property {@code hesse.cuda} names a folder with
 * CUDA's libraries, or if tests are to run on a GPU ({@code -Dhesse.test.device=cuda}) and there is
 * a driver: then a GPU that cannot be used is a failure and no reason to skip.
 */
public final class SimulatedDevice {
  private static final String PROPERTY = "hesse.cuda";
  private static final Path BUILD = Path.of("native", "build.sh");
  private static final int NO_COMPILER = 3;

  /** In the order in which they need each other; those of other parts may be missing. */
  private static final List<String> LIBRARIES =
      List.of(
          "libcuda.so.1",
          "libnvrtc.so.12",
          "libcublas.so.12",
          "libcusolver.so.11",
          "libcusolverMg.so.11");

  private static boolean chosen;
  private static @Nullable String absent;
  private static @Nullable Path folder;

  private SimulatedDevice() {}

  /**
   * Skips the test that calls it, saying why, unless there is a device; the simulated one is made
   * ready and chosen by the property {@code hesse.cuda}.
   */
  public static synchronized void require() {
    if (!chosen) {
      chosen = true;
      choose();
    }
    if (absent != null) {
      System.out.println("Simulated CUDA device: skipped, " + absent);
    }
    assumeTrue(absent == null, () -> "no simulated CUDA device: " + absent);
  }

  /** As {@link #require}, and skips the test on a real device. */
  public static void requireSimulated() {
    require();
    assumeTrue(folder != null, "this test is about the simulated device");
  }

  /** Whether tests run on the simulated device and not on a real one. */
  public static boolean isSimulated() {
    return folder != null;
  }

  /** What the simulated device found last, in words; the first fault since {@link #clear}. */
  public static String message() {
    try {
      MethodHandle get =
          function("hesse_simulated_message", FunctionDescriptor.of(ValueLayout.ADDRESS));
      return ((MemorySegment) get.invokeExact()).reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Forgets messages, and the errors that contexts are stuck in. */
  public static void clear() {
    try {
      function("hesse_simulated_clear", FunctionDescriptor.ofVoid()).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Sets an option: devices, memory (MiB of each), order, strict, races, capability,
   * multiprocessors; {@code native/README.md} says what they mean.
   */
  public static void option(String name, long value) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG);
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle set = function("hesse_simulated_option", descriptor);
      int result = (int) set.invokeExact(arena.allocateFrom(name), value);
      assertEquals(0, result, () -> "no option " + name);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** How often a function of the driver has been called, such as cuGraphLaunch. */
  public static long calls(String function) {
    return counted("hesse_simulated_calls", function);
  }

  /** How many bytes copies have moved so far, in graphs or not: HtoD, DtoH or DtoD. */
  public static long bytes(String direction) {
    return counted("hesse_simulated_bytes", direction);
  }

  private static long counted(String counter, String name) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
    try (Arena arena = Arena.ofConfined()) {
      MethodHandle get = function(counter, descriptor);
      return (long) get.invokeExact(arena.allocateFrom(name));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Lets a stretch of device memory count as never written. */
  public static void forget(long address, long bytes) {
    FunctionDescriptor descriptor =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    try {
      int result = (int) function("hesse_simulated_forget", descriptor).invokeExact(address, bytes);
      assertEquals(0, result, SimulatedDevice::message);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Path where = folder;
    if (where == null) {
      throw new IllegalStateException("the simulated device is not in use");
    }
    SymbolLookup library =
        SymbolLookup.libraryLookup(where.resolve("libcuda.so.1"), Arena.global());
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
  }

  private static void choose() {
    boolean onGpu = System.getProperty(ChosenDevice.PROPERTY, "").startsWith("cuda");
    String named = System.getProperty(PROPERTY);
    if (named != null || onGpu && CudaLibraries.hasDriver()) {
      Device.Info device = CudaDevices.of(0);
      System.out.println("CUDA tests run on " + device);
      folder = named != null && device.simulated() ? Path.of(named).toAbsolutePath() : null;
      return;
    }
    if (!System.getProperty("os.name").equals("Linux")) {
      absent = "it is for Linux only";
      return;
    }
    if (!Files.exists(BUILD)) {
      absent = "its source, " + BUILD + ", is not here";
      return;
    }
    Path out = Path.of("target", "native").toAbsolutePath();
    try {
      Files.createDirectories(out);
      absent = build(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (absent != null) {
      return;
    }
    for (String library : LIBRARIES) {
      Path file = out.resolve(library);
      if (Files.exists(file)) {
        System.load(file.toString());
      }
    }
    System.setProperty(PROPERTY, out.toString());
    folder = out;
    System.out.println("CUDA tests run on the simulated device");
  }

  /** Builds under a lock, as several test processes may start at once; gives why it cannot. */
  private static @Nullable String build(Path out) throws IOException {
    Path lock = out.resolve("lock");
    Path log = out.resolve("log");
    try (FileChannel channel =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = channel.lock()) {
      Process process =
          new ProcessBuilder("sh", BUILD.toString(), out.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      int result = process.waitFor();
      if (result == NO_COMPILER) {
        return "there is no C++ compiler (set CXX, or install g++ or clang++)";
      }
      if (result != 0) {
        throw new AssertionError("native/build.sh failed:\n" + Files.readString(log));
      }
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "the build was interrupted";
    }
  }
}
