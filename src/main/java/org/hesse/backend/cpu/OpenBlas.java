package org.hesse.backend.cpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.hesse.backend.NativeFiles;
import org.jspecify.annotations.Nullable;

/**
 * The native library with LAPACK in it, loaded when it is first needed: the file that the system
 * property {@code hesse.openblas} names, or else the one that the platform's OpenBLAS jar carries.
 *
 * <p>Each call runs on one thread, so that results do not depend on the number of threads; the
 * matrices of a batch are shared among Hesse's own. The property {@code hesse.openblas.threads}
 * gives a call more threads, though not more than Hesse has, for which the matrices of a batch then
 * wait.
 */
final class OpenBlas {
  /** What decides kernels and block sizes behind our back; Hesse ignores it. */
  private static final List<String> IGNORED = List.of("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE");

  /** How many threads a call is meant to use. */
  private static final int WANTED = Math.max(1, Integer.getInteger("hesse.openblas.threads", 1));

  private static @Nullable SymbolLookup library;

  private OpenBlas() {}

  /** How many threads a call may use: never more than Hesse has. */
  static int threads() {
    return Math.min(WANTED, Workers.threads());
  }

  /** Follows a change of Hesse's number of threads. */
  static synchronized void threadsChanged() {
    if (library != null) {
      limitThreads(library);
    }
  }

  /**
   * A function of the library.
   *
   * @throws IllegalStateException if there is no library for this platform, or it does not load
   */
  static MethodHandle function(String name, FunctionDescriptor type) {
    MemorySegment address =
        require()
            .find(name)
            .orElseThrow(
                () -> new IllegalStateException("linear algebra: OpenBLAS here has no " + name));
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  /**
   * The library, which is loaded by the first call.
   *
   * @throws IllegalStateException if there is none for this platform, or it does not load
   */
  static synchronized SymbolLookup require() {
    SymbolLookup loaded = library;
    if (loaded == null) {
      loaded = load();
      library = loaded;
    }
    return loaded;
  }

  private static SymbolLookup load() {
    List<Path> files;
    String given = System.getProperty("hesse.openblas");
    try {
      files = given != null ? List.of(Path.of(given)) : NativeFiles.of(libraries());
    } catch (IOException e) {
      throw new IllegalStateException(
          "linear algebra: cannot unpack OpenBLAS ("
              + e
              + "); free some space, or name a folder"
              + " that can be written with -Dhesse.cache=DIR",
          e);
    }
    environment(osName().startsWith("windows"));
    SymbolLookup last = null;
    for (Path file : files) {
      last = open(file);
    }
    if (last == null) {
      throw missing();
    }
    limitThreads(last);
    return last;
  }

  private static SymbolLookup open(Path file) {
    String name = String.valueOf(file.getFileName());
    if (name.startsWith("libgcc_s.so")) {
      // The system's, where there is one: two unwinders in one process do not agree.
      try {
        return SymbolLookup.libraryLookup(name, Arena.global());
      } catch (IllegalArgumentException e) {
        // Not there: the one that came along will do.
      }
    }
    try {
      return SymbolLookup.libraryLookup(file, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new IllegalStateException(
          "linear algebra: the library "
              + file
              + " does not load ("
              + e.getMessage()
              + "); name another OpenBLAS that includes LAPACKE with -Dhesse.openblas=FILE",
          e);
    }
  }

  private static String osName() {
    return System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
  }

  /** The platform as the names of the OpenBLAS jars have it. */
  static String platform() {
    String os = osName();
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    String system =
        os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macosx" : os.strip();
    String processor =
        switch (arch) {
          case "amd64", "x86_64" -> "x86_64";
          case "aarch64", "arm64" -> "arm64";
          default -> arch;
        };
    return system + "-" + processor;
  }

  /** The resources that make up the library, each after those that it needs. */
  private static List<String> libraries() {
    String platform = platform();
    List<String> names =
        platform.startsWith("macosx")
            ? List.of(
                "libgcc_s.1.1.dylib",
                "libquadmath.0.dylib",
                "libgfortran.5.dylib",
                "libopenblas.0.dylib")
            : platform.startsWith("windows")
                ? List.of("libopenblas.dll")
                : List.of(
                    "libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0");
    String folder = "org/bytedeco/openblas/" + platform + "/";
    ClassLoader loader = OpenBlas.class.getClassLoader();
    List<String> found =
        names.stream()
            .map(n -> folder + n)
            .filter(n -> loader != null && loader.getResource(n) != null)
            .toList();
    if (found.isEmpty() || !found.getLast().contains("libopenblas")) {
      throw missing();
    }
    return found;
  }

  private static IllegalStateException missing() {
    return new IllegalStateException(
        "linear algebra: there is no OpenBLAS for "
            + platform()
            + " on the class path; put"
            + " org.bytedeco:openblas with the classifier of your platform there, or name a shared"
            + " library that includes LAPACKE with -Dhesse.openblas=FILE");
  }

  /** What OpenBLAS reads from the environment while it is loaded. */
  private static void environment(boolean windows) {
    try {
      for (String name : IGNORED) {
        if (System.getenv(name) != null) {
          setVariable(windows, name, null);
        }
      }
      setVariable(windows, "OPENBLAS_NUM_THREADS", String.valueOf(threads()));
    } catch (IllegalArgumentException e) {
      // No such function here; the number of threads is set again later.
    }
  }

  private static void setVariable(boolean windows, String name, @Nullable String value) {
    Linker linker = Linker.nativeLinker();
    SymbolLookup system =
        windows ? SymbolLookup.libraryLookup("msvcrt.dll", Arena.global()) : linker.defaultLookup();
    ValueLayout p = ValueLayout.ADDRESS;
    ValueLayout i = ValueLayout.JAVA_INT;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment n = arena.allocateFrom(name);
      if (windows) {
        MemorySegment text = arena.allocateFrom(name + "=" + (value == null ? "" : value));
        int _ = (int) handle(system, "_putenv", FunctionDescriptor.of(i, p)).invokeExact(text);
      } else if (value == null) {
        int _ = (int) handle(system, "unsetenv", FunctionDescriptor.of(i, p)).invokeExact(n);
      } else {
        MethodHandle set = handle(system, "setenv", FunctionDescriptor.of(i, p, p, i));
        int _ = (int) set.invokeExact(n, arena.allocateFrom(value), 1);
      }
    } catch (Throwable e) {
      throw Lapack.unexpected(e);
    }
  }

  private static MethodHandle handle(SymbolLookup lookup, String name, FunctionDescriptor type) {
    MemorySegment address =
        lookup.find(name).orElseThrow(() -> new IllegalArgumentException("no function " + name));
    return Linker.nativeLinker().downcallHandle(address, type);
  }

  private static void limitThreads(SymbolLookup lookup) {
    FunctionDescriptor type = FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT);
    if (lookup.find("openblas_set_num_threads").isPresent()) {
      try {
        handle(lookup, "openblas_set_num_threads", type).invokeExact(threads());
      } catch (Throwable e) {
        throw Lapack.unexpected(e);
      }
    }
  }
}
