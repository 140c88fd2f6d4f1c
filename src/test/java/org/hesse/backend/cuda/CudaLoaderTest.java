package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.jcusolver.JCusolver;
import jcuda.nvrtc.JNvrtc;
import org.hesse.backend.DeviceUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Loads stand-ins through JCuda, each time in a process of its own. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class CudaLoaderTest {
  /** What runs in that process. */
  static final class Loads {
    public static void main(String[] args) {
      String temporary = System.getProperty("java.io.tmpdir");
      try {
        CudaLoader.requireAll();
        int[] a = new int[1];
        int[] b = new int[1];
        JNvrtc.nvrtcVersion(a, b);
        System.out.println("nvrtc " + a[0] + "." + b[0]);
        JCublas2.cublasGetVersion(new cublasHandle(), a);
        System.out.println("cublas " + a[0]);
        CudaDevices.list().forEach(System.out::println);
        System.out.println(CudaDevices.of(7));
      } catch (DeviceUnavailableException e) {
        System.out.println("unavailable: " + e.getMessage());
      }
      try {
        CudaLoader.requireAll();
      } catch (DeviceUnavailableException e) {
        System.out.println("again: " + e.getMessage().lines().findFirst().orElse(""));
      }
      System.out.println("restored " + temporary.equals(System.getProperty("java.io.tmpdir")));
    }
  }

  /** Folders of a test. */
  private record Folders(Path cuda, Path cache, Path temporary) {
    static Folders in(Path folder) throws Exception {
      Path temporary = Files.createDirectories(folder.resolve("tmp"));
      // As somebody else might leave them there for JCuda to load.
      for (String name : List.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver")) {
        Files.writeString(
            temporary.resolve("lib" + name + "-12.6.0-linux-x86_64.so"), "no library");
      }
      return new Folders(folder.resolve("cuda"), folder.resolve("cache"), temporary);
    }

    String load(String... flags) throws Exception {
      List<String> all = new ArrayList<>(List.of(flags));
      all.add("-Dhesse.cuda=" + cuda);
      all.add("-Dhesse.cache=" + cache);
      all.add("-Djava.io.tmpdir=" + temporary);
      return StandIns.java(Loads.class, all, List.of());
    }
  }

  @Test
  void loadsCuda12(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 2, 12040);
    StandIns.toolkit(f.cuda, 12);
    String said = f.load();
    assertTrue(
        said.startsWith(
            """
            nvrtc 12.7
            cublas 120700
            cuda:0: Stand-in GPU 0, 8.0 GB, compute capability 9.0, driver for CUDA 12.4
            cuda:1: Stand-in GPU 1, 8.0 GB, compute capability 9.1, driver for CUDA 12.4
            unavailable: cuda:7 is not there; expected one of:
            cuda:0: Stand-in GPU 0,\
            """),
        said);
    assertTrue(said.endsWith("restored true\n"), said);
  }

  @Test
  void loadsCuda13ThroughPatchedCopies(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 13000);
    StandIns.toolkit(f.cuda, 13);
    for (int run = 0; run < 2; run++) {
      String said = f.load();
      assertTrue(said.startsWith("nvrtc 13.7\ncublas 130700\ncuda:0: Stand-in GPU 0, "), said);
      assertTrue(said.endsWith("restored true\n"), said);
    }
    try (Stream<Path> made = Files.list(f.cache)) {
      List<Path> folders = made.toList();
      assertEquals(1, folders.size());
      assertEquals(
          "rwx------",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(folders.getFirst())));
    }
  }

  /** Files that are not what they should be are replaced, and never loaded. */
  @Test
  void repairsItsOwnFolder(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 13000);
    StandIns.toolkit(f.cuda, 13);
    assertTrue(f.load().startsWith("nvrtc 13.7"));
    try (Stream<Path> files = Files.walk(f.cache)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.writeString(file, "no library");
      }
    }
    String said = f.load();
    assertTrue(said.startsWith("nvrtc 13.7"), said);
  }

  @Test
  void saysThatADriverIsTooOld(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 12080);
    StandIns.toolkit(f.cuda, 13);
    String said = f.load();
    assertTrue(
        said.startsWith(
            "unavailable: CUDA cannot be used: the driver is too old: it supports CUDA up to 12.8,"
                + " and the libraries found are of CUDA 13; update the driver to 580 or newer, or"
                + " install the libraries of CUDA 12\n"
                + "again: CUDA cannot be used: the driver is too old"),
        said);
  }

  @Test
  void saysWhichCallFailed(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 0, 12080);
    StandIns.toolkit(f.cuda, 12);
    String said = f.load();
    assertTrue(
        said.startsWith(
            "unavailable: CUDA cannot be used: cuInit failed with CUDA_ERROR_NO_DEVICE: there is no"
                + " NVIDIA GPU, or none that this process may see; look at nvidia-smi"),
        said);
    assertTrue(said.contains("again: CUDA cannot be used: cuInit failed"), said);
  }

  /** Whatever it is that fails, it is the device that is not there. */
  @Test
  void saysThatADriverFailsForNoKnownReason(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.library(f.cuda, "libcuda.so.1", "", "int cuInit(unsigned f) { return 101; }");
    StandIns.toolkit(f.cuda, 12);
    String said = f.load();
    assertTrue(
        said.startsWith(
            "unavailable: CUDA cannot be used: cuInit failed with CUDA_ERROR_INVALID_DEVICE\n"),
        said);
    assertTrue(said.contains("again: CUDA cannot be used: cuInit failed"), said);
  }

  @Test
  void namesALibraryThatCannotBeLoaded(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 12080);
    StandIns.toolkit(f.cuda, 12);
    StandIns.library(
        f.cuda,
        "libcublasLt.so.12",
        "",
        "extern int absent(void); int (*p)(void) = absent; int lt(void) { return p(); }");
    String said = f.load();
    assertTrue(said.contains("libcublasLt.so.12 cannot be loaded: "), said);
    assertTrue(said.contains("undefined symbol: absent"), said);
    assertTrue(said.contains("install cuBLASLt anew"), said);
  }

  @Test
  void listsWhatIsMissing(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 12080);
    StandIns.toolkit(f.cuda, 12);
    Files.delete(f.cuda.resolve("libcusparse.so.12"));
    String said = f.load();
    assertTrue(
        said.startsWith("unavailable: CUDA cannot be used: libcusparse.so.12 cannot be had\n"),
        said);
    assertTrue(said.contains("\nlibcuda.so.1: " + f.cuda.resolve("libcuda.so.1") + "\n"), said);
    assertTrue(said.contains("\nlibcusparse.so.12: missing\nlibcusolver.so.11: /"), said);
    assertTrue(
        said.contains(
            "\nfor the libraries: install the CUDA 12 toolkit, or 'pip install"
                + " nvidia-cusparse-cu12', or build with 'mvn -Pcuda-redist package'\n"),
        said);
    assertTrue(said.contains("\nlooked in: hesse.cuda=" + f.cuda), said);
    assertFalse(said.contains("nvrtc 12"), said);
  }

  /** JCuda would take it, and ask it for another version of CUDA. */
  @Test
  void namesALibraryOfJCudasThatComesBeforeOurs(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 12080);
    StandIns.toolkit(f.cuda, 12);
    String said = f.load("-Djava.library.path=" + f.temporary);
    Path first = f.temporary.resolve("libJCudaDriver-12.6.0-linux-x86_64.so");
    assertTrue(
        said.startsWith("unavailable: CUDA cannot be used: JCuda would load " + first + " in"),
        said);
    assertTrue(said.contains("; take the folder out of -Djava.library.path"), said);
    assertTrue(f.load("-Djava.library.path=" + f.cuda).startsWith("nvrtc 12.7"));
  }

  @Test
  void exceptionsAreOnInEveryClass(@TempDir Path folder) throws Exception {
    Folders f = Folders.in(folder);
    StandIns.driver(f.cuda, 1, 12080);
    StandIns.toolkit(f.cuda, 12);
    String said =
        StandIns.java(
            Flags.class, List.of("-Dhesse.cuda=" + f.cuda, "-Dhesse.cache=" + f.cache), List.of());
    assertEquals("true true true true\n", said);
  }

  /** Prints whether errors are exceptions; solver classes share a flag. */
  static final class Flags {
    public static void main(String[] args) throws ReflectiveOperationException {
      CudaLoader.requireAll();
      StringBuilder line = new StringBuilder();
      for (Class<?> c :
          List.of(jcuda.driver.JCudaDriver.class, JNvrtc.class, JCublas2.class, JCusolver.class)) {
        var field = c.getDeclaredField("exceptionsEnabled");
        field.setAccessible(true);
        line.append(line.isEmpty() ? "" : " ").append(field.getBoolean(null));
      }
      System.out.println(line);
    }
  }
}
