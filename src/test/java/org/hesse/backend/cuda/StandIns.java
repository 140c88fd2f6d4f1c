package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Libraries with the names, the symbol versions and a few of the functions of CUDA's, built by the
 * host's C compiler. They compute nothing: what is tested is that they are found and loaded.
 */
final class StandIns {
  private StandIns() {}

  /** The compiler's command; without one the test is skipped, visibly. */
  static String compiler() {
    String path = String.valueOf(System.getenv("PATH"));
    boolean found =
        Stream.of(path.split(File.pathSeparator))
            .anyMatch(f -> Files.isExecutable(Path.of(f, "cc")));
    assumeTrue(found, "no C compiler (cc) to build stand-ins for CUDA's libraries with");
    return "cc";
  }

  /** A driver with so many GPUs that supports CUDA up to a version, 12040 for 12.4. */
  static void driver(Path folder, int devices, int version) throws Exception {
    library(
        folder,
        "libcuda.so.1",
        "",
        """
        #include <string.h>
        int cuInit(unsigned f) { return %d == 0 ? 100 : 0; }
        int cuDriverGetVersion(int *v) { *v = %d; return 0; }
        int cuDeviceGetCount(int *n) { *n = %d; return 0; }
        int cuDeviceGet(int *d, int i) { *d = i; return 0; }
        int cuDeviceGetName(char *s, int n, int d) {
          strcpy(s, "Stand-in GPU 0"); s[13] += d; return 0;
        }
        int cuDeviceTotalMem_v2(size_t *b, int d) { *b = 8000000000ul + d; return 0; }
        int cuDeviceGetAttribute(int *v, int which, int d) {
          *v = which == 75 ? 9 : which == 76 ? d : 1; return 0;
        }
        """
            .formatted(devices, version, devices));
  }

  /** The other libraries of a version of CUDA, in one folder. */
  static void toolkit(Path folder, int major) throws Exception {
    int solver = major - 1;
    library(
        folder,
        "libnvrtc.so." + major,
        "libnvrtc.so." + major,
        "int nvrtcVersion(int *a, int *b) { *a = " + major + "; *b = 7; return 0; }");
    library(folder, "libcublasLt.so." + major, "", "int lt(void) { return 0; }");
    library(
        folder,
        "libcublas.so." + major,
        "libcublas.so." + major,
        "int cublasGetVersion_v2(void *h, int *v) { *v = " + major + "0700; return 0; }",
        "libcublasLt.so." + major);
    library(folder, "libnvJitLink.so." + major, "", "int link(void) { return 0; }");
    library(
        folder, "libcusparse.so.12", "", "int sp(void) { return 0; }", "libnvJitLink.so." + major);
    library(
        folder,
        "libcusolver.so." + solver,
        "libcusolver.so." + solver,
        "int cusolverGetVersion(int *v) { *v = " + solver + "0700; return 0; }",
        "libcublas.so." + major,
        "libcusparse.so.12");
    library(
        folder,
        "libcusolverMg.so." + solver,
        "libcusolverMg.so." + solver,
        "int cusolverMgCreate(void **h) { *h = h; return 0; }",
        "libcublasLt.so." + major);
  }

  /** Compiles one; its symbols have the given version unless that is empty. */
  static void library(Path folder, String name, String version, String source, String... needed)
      throws Exception {
    Files.createDirectories(folder);
    Path c = Files.writeString(folder.resolve(name + ".c"), source);
    List<String> command =
        new ArrayList<>(List.of(compiler(), "-shared", "-fPIC", "-w", "-o", name, c.toString()));
    command.add("-Wl,--no-as-needed,-soname," + name);
    if (!version.isEmpty()) {
      Path script = folder.resolve(name + ".map");
      Files.writeString(script, version + " { global: *; };\n");
      command.add("-Wl,--version-script," + script);
    }
    command.add("-L.");
    for (String n : needed) {
      command.add("-l:" + n);
    }
    Process p =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, p.waitFor(), said);
    Files.delete(c);
  }

  /** Runs a class's main method in a process of its own. */
  static String java(Class<?> main, List<String> flags, List<String> arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1"));
    command.addAll(flags);
    String path = System.getProperty("surefire.test.class.path");
    command.addAll(List.of("-cp", path != null ? path : System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(List.of("HESSE_CUDA", "LD_LIBRARY_PATH"));
    Process p = builder.start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    p.waitFor(1, TimeUnit.MINUTES);
    return said.lines()
        .filter(l -> !l.startsWith("WARNING: Using incubator"))
        .reduce("", (a, b) -> a + b + "\n");
  }
}
