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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

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
  void compileWithoutWarnings() throws Exception {
    String compiler = compiler();
    Path folder = Files.createDirectories(Path.of("target", "nvcc"));
    String headers = run(List.of(compiler, "--version")) + text(".cuh");
    List<Path> sources = files(".cu");
    try (ExecutorService pool =
        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
      List<Future<String>> said = new ArrayList<>();
      for (Path source : sources) {
        said.add(pool.submit(() -> compile(compiler, source, headers, folder)));
      }
      for (int i = 0; i < said.size(); i++) {
        assertEquals("", said.get(i).get(), sources.get(i).toString());
      }
    }
  }

  /** What the compiler says, once for each text: nothing, if it has taken the same one before. */
  private static String compile(String compiler, Path source, String headers, Path folder)
      throws Exception {
    String text = headers + Files.readString(source);
    Path taken = folder.resolve(source.getFileName() + ".txt");
    if (Files.exists(taken) && Files.readString(taken).equals(text)) {
      return "";
    }
    List<String> command = new ArrayList<>(List.of(compiler, "-std=c++17", "-fatbin"));
    for (String a : ARCHITECTURES) {
      command.addAll(List.of("-gencode", "arch=compute_" + a + ",code=sm_" + a));
    }
    Path to = folder.resolve(source.getFileName() + ".fatbin");
    command.addAll(List.of("-o", to.toString(), source.toString()));
    String said = run(command);
    Files.deleteIfExists(to);
    if (said.isEmpty()) {
      Files.writeString(taken, text);
    }
    return said;
  }

  private static String run(List<String> command) throws Exception {
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return p.waitFor() == 0 ? said : "failed: " + said;
  }

  private static List<Path> files(String ending) throws IOException {
    try (Stream<Path> files = Files.list(Path.of("kernels"))) {
      return files.filter(f -> f.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static String text(String ending) throws IOException {
    StringBuilder all = new StringBuilder();
    for (Path file : files(ending)) {
      all.append(Files.readString(file));
    }
    return all.toString();
  }
}
