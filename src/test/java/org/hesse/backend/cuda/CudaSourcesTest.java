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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * All kernels compile for GPUs from Turing to Blackwell, without a warning. Needs NVIDIA's compiler
 * in {@code CUDA_HOME} or on the path; the device itself has NVRTC, which takes the same language.
 */
class CudaSourcesTest {
  private static final List<String> ARCHITECTURES = List.of("75", "80", "90", "100");

  static String compiler() {
    List<Path> folders = new ArrayList<>();
    String home = System.getenv("CUDA_HOME");
    if (home != null) {
      folders.add(Path.of(home, "bin"));
    }
    String path = String.valueOf(System.getenv("PATH"));
    Stream.of(path.split(File.pathSeparator)).map(Path::of).forEach(folders::add);
    for (Path folder : folders) {
      if (Files.isExecutable(folder.resolve("nvcc"))) {
        return folder.resolve("nvcc").toString();
      }
    }
    System.out.println("CUDA sources: not compiled, there is no nvcc");
    assumeTrue(false, "no nvcc in CUDA_HOME or on the path to compile kernels with");
    return "";
  }

  @Test
  void compileWithoutWarnings(@TempDir Path folder) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(compiler(), "-std=c++17", "-c", "-t", "0"));
    for (String a : ARCHITECTURES) {
      command.addAll(List.of("-gencode", "arch=compute_" + a + ",code=sm_" + a));
    }
    command.addAll(List.of("-odir", folder.toString()));
    try (Stream<Path> files = Files.list(Path.of("kernels"))) {
      files.map(Path::toString).filter(f -> f.endsWith(".cu")).sorted().forEach(command::add);
    }
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, p.waitFor(), said);
    assertEquals("", said);
  }
}
