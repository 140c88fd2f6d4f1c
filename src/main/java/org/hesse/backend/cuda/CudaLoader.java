package org.hesse.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import jcuda.CudaException;
import jcuda.JCudaVersion;
import jcuda.LibUtils;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcusolver.JCusolver;
import jcuda.nvrtc.JNvrtc;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.backend.NativeFiles;
import org.jspecify.annotations.Nullable;

/**
 * Loads CUDA and JCuda, once: first NVIDIA's libraries by their paths, then JCuda's, which find
 * those they ask for already there, under the same name. Where that name is of CUDA 12 and 13 is
 * loaded, JCuda's libraries are copies that ask for the other one.
 *
 * <p>JCuda itself loads any file of the right name that lies in the temporary folder, whoever put
 * it there. So while it loads, the temporary folder is one that nobody else can write, with our
 * files in it. A failure is remembered, unless another folder is named.
 */
final class CudaLoader {
  private static final String TEMPORARY = "java.io.tmpdir";

  /** Where JCuda looks before it looks there. */
  private static final String LIBRARY_PATH = "java.library.path";

  private static final String COMPILER = "NVRTC";

  /** One at a time, since loading changes a property of the process. */
  private static final Object LOCK = new Object();

  private static final Once DRIVER = new Once(CudaLoader::loadDriver);
  private static final Once LIBRARIES = new Once(CudaLoader::loadLibraries);

  private static @Nullable Path natives;
  private static @Nullable CudaLibraries found;

  /** The property that the search went by; what is loaded stays. */
  private static String setting = "";

  private static boolean loaded;
  private static String compiler = "";

  private CudaLoader() {}

  /** Something that is done once and then known to be done, or not to work. */
  private static final class Once {
    private final Runnable work;
    private volatile boolean done;
    private @Nullable DeviceUnavailableException failure;
    private @Nullable CudaLibraries triedWith;

    Once(Runnable work) {
      this.work = work;
    }

    void run() {
      if (!done) {
        synchronized (LOCK) {
          CudaLibraries now = libraries();
          if (!now.equals(triedWith)) {
            failure = null;
            triedWith = now;
          }
          if (failure != null) {
            throw new DeviceUnavailableException(String.valueOf(failure.getMessage()), failure);
          }
          if (!done) {
            try {
              work.run();
            } catch (DeviceUnavailableException e) {
              failure = e;
              throw e;
            }
            done = true;
            loaded = true;
          }
        }
      }
    }
  }

  /** What was found when it was first asked for, or under the setting that has come since. */
  static CudaLibraries libraries() {
    synchronized (LOCK) {
      String now = String.valueOf(System.getProperty(Place.PROPERTY));
      CudaLibraries known = found;
      if (known == null || !loaded && !now.equals(setting)) {
        known = CudaLibraries.find();
        found = known;
        setting = now;
      }
      return known;
    }
  }

  /**
   * Makes the driver ready for calls.
   *
   * @throws DeviceUnavailableException if there is none, or it does not work
   */
  static void requireDriver() {
    DRIVER.run();
  }

  /**
   * Makes all of CUDA ready for calls.
   *
   * @throws DeviceUnavailableException if something is missing or does not work
   */
  static void requireAll() {
    requireDriver();
    LIBRARIES.run();
  }

  private static void loadDriver() {
    CudaLibrary driver = libraries().driver();
    if (driver.path() == null || !libraries().supported()) {
      throw missing();
    }
    load(driver, driver.path());
    withNatives(() -> JCudaDriver.setExceptionsEnabled(true));
    CudaErrors.required(() -> JCudaDriver.cuInit(0));
  }

  private static void loadLibraries() {
    if (!libraries().complete()) {
      throw missing();
    }
    requireNewDriver();
    SequencedMap<CudaLibrary, Path> files = unpacked(libraries());
    files.forEach((library, file) -> {
      load(library, file);
      if (library.name().equals(COMPILER)) {
        compiler = identity(file);
      }
    });
    withNatives(() -> {
      JNvrtc.setExceptionsEnabled(true);
      JCublas2.setExceptionsEnabled(true);
      JCusolver.setExceptionsEnabled(true);
    });
  }

  /**
   * What tells the compiler that is loaded from others of the same version: NVRTC says the first
   * two numbers of its own only.
   */
  static String compiler() {
    synchronized (LOCK) {
      return compiler;
    }
  }

  private static String identity(Path file) {
    try {
      Path real = file.toRealPath();
      return real.getFileName() + " " + Files.size(real) + " " + Files.getLastModifiedTime(real);
    } catch (IOException e) {
      return file.toString();
    }
  }

  private static DeviceUnavailableException missing() {
    return new DeviceUnavailableException(
        "CUDA cannot be used: "
            + libraries().problem()
            + "\n"
            + String.join("\n", libraries().lines()));
  }

  /** Libraries of one major version run with drivers of that one and later ones. */
  private static void requireNewDriver() {
    int[] version = new int[1];
    CudaErrors.required(() -> JCudaDriver.cuDriverGetVersion(version));
    int major = libraries().major();
    if (version[0] / 1000 < major) {
      throw new DeviceUnavailableException(
          "CUDA cannot be used: the driver is too old: it supports CUDA up to "
              + CudaDevices.version(version[0])
              + ", and the libraries found are of CUDA "
              + major
              + "; update the driver to "
              + (major == 12 ? 525 : 580)
              + " or newer, or install the libraries of CUDA "
              + version[0] / 1000);
    }
  }

  /** The libraries and their files, those that a jar has among them. */
  private static SequencedMap<CudaLibrary, Path> unpacked(CudaLibraries found) {
    SequencedMap<CudaLibrary, Path> files = new LinkedHashMap<>();
    List<CudaLibrary> packed = found.libraries().stream().filter(l -> l.path() == null).toList();
    List<Path> made = packed.isEmpty() ? List.of() : fromJar(found.version(), packed);
    for (CudaLibrary library : found.libraries()) {
      Path path = library.path();
      files.put(library, path != null ? path : made.get(packed.indexOf(library)));
    }
    return files;
  }

  private static List<Path> fromJar(CudaVersion version, List<CudaLibrary> packed) {
    Stream<String> builtins =
        version.builtins().stream().filter(b -> NativeFiles.has(CudaVersion.FOLDER_IN_JAR + b));
    try {
      return NativeFiles.of(
          Stream.concat(packed.stream().map(CudaLibrary::file), builtins)
              .map(file -> CudaVersion.FOLDER_IN_JAR + file)
              .toList());
    } catch (IOException e) {
      throw new DeviceUnavailableException(
          "CUDA cannot be used: its libraries cannot be unpacked from their jar: "
              + e.getMessage()
              + "; they take 2 GB, and -Dhesse.cache=FOLDER names another place",
          e);
    }
  }

  private static void load(CudaLibrary library, Path file) {
    try {
      beside(library, file).forEach(f -> System.load(f.toString()));
      System.load(file.toAbsolutePath().toString());
    } catch (UnsatisfiedLinkError e) {
      throw new DeviceUnavailableException(
          "CUDA cannot be used: "
              + file
              + " cannot be loaded: "
              + e.getMessage()
              + "; install "
              + library.name()
              + " anew, or name another folder with -D"
              + Place.PROPERTY
              + "=FOLDER",
          e);
    }
  }

  /**
   * What the compiler opens by name when it is called, and finds where the dynamic linker looks, or
   * as it is already there.
   */
  private static List<Path> beside(CudaLibrary library, Path file) {
    List<Path> found = new ArrayList<>();
    Path folder = file.toAbsolutePath().getParent();
    if (library.name().equals(COMPILER) && folder != null) {
      for (String name : libraries().version().builtins()) {
        Path path = folder.resolve(name);
        if (found.isEmpty() && Files.isRegularFile(path)) {
          found.add(path);
        }
      }
    }
    return found;
  }

  /** Runs what makes JCuda load its own libraries. */
  private static void withNatives(Runnable load) {
    String before = System.getProperty(TEMPORARY);
    try {
      System.setProperty(TEMPORARY, natives().toString());
      load.run();
    } catch (IOException | UnsatisfiedLinkError | CudaException | NoClassDefFoundError e) {
      throw new DeviceUnavailableException(
          "CUDA cannot be used: JCuda's own libraries cannot be loaded: " + firstLines(e), e);
    } finally {
      if (before == null) {
        System.clearProperty(TEMPORARY);
      } else {
        System.setProperty(TEMPORARY, before);
      }
    }
  }

  /** JCuda's message is a page of stack traces; the cause is in its lines that name a library. */
  private static String firstLines(Throwable e) {
    String text = String.valueOf(e.getMessage());
    return text.lines()
        .filter(l -> l.contains("UnsatisfiedLinkError: /") || !text.contains("stack trace"))
        .map(l -> l.replaceFirst("^.*UnsatisfiedLinkError: ", ""))
        .findFirst()
        .orElse(text.lines().findFirst().orElse(""));
  }

  /** The folder with JCuda's libraries. */
  private static Path natives() throws IOException {
    Path folder = natives;
    if (folder == null) {
      SequencedMap<String, byte[]> contents = new LinkedHashMap<>();
      Map<String, String> renames = libraries().version().renames();
      for (String name : List.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver")) {
        String file =
            LibUtils.createLibraryFileName(
                LibUtils.createPlatformLibraryName(name + "-" + JCudaVersion.get()));
        byte[] original = NativeFiles.contents("lib/" + file);
        contents.put(file, renames.isEmpty() ? original : Elf.renamed(original, renames));
      }
      requireNoOthers(contents);
      Path first = NativeFiles.of(contents).getFirst();
      folder = first.toAbsolutePath().getParent();
      natives = folder;
    }
    if (folder == null) {
      throw new IOException("no folder");
    }
    return folder;
  }

  /**
   * JCuda takes a file of the right name from the library path first, and nothing can keep it from
   * that. Files with the same contents do no harm.
   */
  private static void requireNoOthers(Map<String, byte[]> contents) throws IOException {
    String path = System.getProperty(LIBRARY_PATH, "");
    for (String folder : path.split(File.pathSeparator)) {
      for (Map.Entry<String, byte[]> ours : contents.entrySet()) {
        Path file = Path.of(folder, ours.getKey());
        if (Files.isRegularFile(file)
            && !Arrays.equals(Files.readAllBytes(file), ours.getValue())) {
          throw new DeviceUnavailableException(
              "CUDA cannot be used: JCuda would load "
                  + file.toAbsolutePath()
                  + " in place of the library that comes with Hesse, since its folder is in "
                  + LIBRARY_PATH
                  + "; take the folder out of -D"
                  + LIBRARY_PATH
                  + " and of LD_LIBRARY_PATH, or remove the file");
        }
      }
    }
  }
}
