package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the native library is found and loaded, tried in processes of their own. */
class OpenBlasTest {
  @TempDir Path folder;

  /** Does something that needs no factorisation, then, if asked, something that does. */
  static final class Program {
    public static void main(String[] arguments) throws IOException {
      Tensor a = Tensor.eye(DType.F64, 3).mul(4);
      System.out.println("product " + a.matmul(a).sum().item());
      if (arguments.length > 0) {
        try {
          System.out.println("cholesky " + Matrices.cholesky(a).sum().item());
        } catch (IllegalStateException e) {
          System.out.println("error " + e.getMessage());
        }
      }
      Path maps = Path.of("/proc/self/maps");
      if (Files.isReadable(maps)) {
        boolean mapped =
            Files.readString(maps, StandardCharsets.ISO_8859_1).contains("libopenblas");
        System.out.println("mapped " + mapped);
      }
    }
  }

  private String run(Map<String, String> environment, List<String> flags, String... arguments)
      throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Program.class.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out;
  }

  private static void contains(String text, String part) {
    assertTrue(text.contains(part), () -> "'" + part + "' is not in: " + text);
  }

  @Test
  void nothingIsLoadedBeforeItIsNeeded() throws Exception {
    String out = run(Map.of(), List.of("-Dhesse.openblas=" + folder.resolve("none.so")));
    contains(out, "product 48.0");
    assertTrue(!out.contains("mapped true"), out);
  }

  @Test
  void aLibraryThatDoesNotLoadIsAnErrorWithARemedy() throws Exception {
    String out = run(Map.of(), List.of("-Dhesse.openblas=" + folder.resolve("none.so")), "go");
    contains(out, "error linear algebra: the library");
    contains(out, "-Dhesse.openblas=FILE");
  }

  @Test
  void aPlatformWithoutALibraryIsAnErrorWithARemedy() throws Exception {
    String out = run(Map.of(), List.of("-Dos.arch=riscv64"), "go");
    contains(out, "error linear algebra: there is no OpenBLAS for");
    contains(out, "riscv64 on the class path; put org.bytedeco:openblas");
  }

  /** A core that does not exist would be reported, or worse, if the variable were heeded. */
  @Test
  void environmentVariablesOfOpenBlasAreIgnored() throws Exception {
    Map<String, String> environment =
        Map.of("OPENBLAS_CORETYPE", "Nonsense", "OPENBLAS_L2_SIZE", "1", "OPENBLAS_VERBOSE", "2");
    String out = run(environment, List.of("-Dhesse.cache=" + folder), "go");
    contains(out, "cholesky 6.0");
    assertTrue(!out.contains("Nonsense"), out);
  }

  @Test
  void aDamagedFileInTheCacheIsReplaced() throws Exception {
    List<String> flags = List.of("-Dhesse.cache=" + folder);
    contains(run(Map.of(), flags, "go"), "cholesky 6.0");
    Path library = library();
    byte[] whole = Files.readAllBytes(library);
    byte[] damaged = whole.clone();
    damaged[damaged.length / 2] ^= 1;
    // A new file: the other one may be mapped.
    Files.delete(library);
    Files.write(library, damaged);
    contains(run(Map.of(), flags, "go"), "cholesky 6.0");
    assertArrayEquals(whole, Files.readAllBytes(library));
    try (Stream<Path> files = Files.list(library.getParent())) {
      assertTrue(files.noneMatch(f -> f.toString().endsWith(".part")));
    }
  }

  private Path library() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(f -> f.getFileName().toString().startsWith("libopenblas"))
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void aCacheThatCannotBeWrittenIsNoObstacle() throws Exception {
    Path file = Files.createFile(folder.resolve("file"));
    contains(run(Map.of(), List.of("-Dhesse.cache=" + file), "go"), "cholesky 6.0");
  }

  @Test
  void moreThreadsMayBeAskedFor() throws Exception {
    contains(run(Map.of(), List.of("-Dhesse.openblas.threads=2"), "go"), "cholesky 6.0");
  }
}
