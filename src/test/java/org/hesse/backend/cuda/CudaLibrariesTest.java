package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The search on machines that are folders of a test. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class CudaLibrariesTest {
  @TempDir Path root;

  private final Map<String, String> variables = new HashMap<>();
  private final Map<String, String> properties =
      new HashMap<>(Map.of("os.name", "Linux", "os.arch", "amd64"));
  private final Set<String> resources = new HashSet<>();

  private CudaLibraries find() {
    return CudaLibraries.find(
        new Host() {
          @Override
          public String variable(String name) {
            return variables.get(name);
          }

          @Override
          public String property(String name) {
            return properties.get(name);
          }

          @Override
          public Path root() {
            return root;
          }

          @Override
          public boolean hasResource(String path) {
            return resources.contains(path);
          }
        });
  }

  private Path driver() throws Exception {
    Path folder = root.resolve("usr/lib/x86_64-linux-gnu");
    StandIns.driver(folder, 1, 13000);
    return folder;
  }

  private static Path path(CudaLibraries found, String file) {
    return Objects.requireNonNull(
        found.libraries().stream()
            .filter(l -> l.file().equals(file))
            .findFirst()
            .orElseThrow()
            .path());
  }

  @Test
  void findsNothingWhereThereIsNothing() {
    CudaLibraries found = find();
    assertFalse(found.complete());
    assertEquals("there is no NVIDIA driver (libcuda.so.1)", found.problem());
    assertEquals(12, found.major());
    List<String> lines = found.lines();
    assertEquals("libcuda.so.1: missing", lines.getFirst());
    assertTrue(lines.contains("libcublas.so.12: missing"));
    assertTrue(
        lines.contains(
            "for the libraries: install the CUDA 12 toolkit, or 'pip install nvidia-cublas-cu12"
                + " nvidia-cuda-nvrtc-cu12 nvidia-cusolver-cu12', or build with 'mvn -Pcuda-redist package'"),
        lines.toString());
    String looked = lines.getLast();
    for (String place :
        List.of(
            "LD_LIBRARY_PATH (not set)",
            "CUDA_HOME (not set)",
            "toolkits in /usr/local and /opt (none)",
            "Python's nvidia wheels (none)",
            "-Dhesse.cuda=FOLDER or HESSE_CUDA=FOLDER names another place")) {
      assertTrue(looked.contains(place), looked);
    }
  }

  @Test
  void findsAToolkitAndTheSystemsDriver() throws Exception {
    driver();
    Path lib = root.resolve("usr/local/cuda-12.6/targets/x86_64-linux/lib");
    StandIns.toolkit(lib, 12);
    CudaLibraries found = find();
    assertTrue(found.complete(), found.lines().toString());
    assertEquals("", found.problem());
    assertEquals(
        List.of(
            "libnvrtc.so.12",
            "libcublasLt.so.12",
            "libcublas.so.12",
            "libnvJitLink.so.12",
            "libcusparse.so.12",
            "libcusolver.so.11",
            "libcusolverMg.so.11"),
        found.libraries().stream().map(CudaLibrary::file).toList());
    assertEquals(
        List.of("NVRTC", "cuBLASLt", "cuBLAS", "nvJitLink", "cuSPARSE", "cuSOLVER", "cuSOLVERMg"),
        found.libraries().stream().map(CudaLibrary::name).toList());
    assertEquals(lib.resolve("libcublas.so.12"), path(found, "libcublas.so.12"));
  }

  @Test
  void takesTheNewestToolkitAndTheDefaultBeforeIt() throws Exception {
    driver();
    StandIns.toolkit(root.resolve("usr/local/cuda-12.9/lib64"), 12);
    StandIns.toolkit(root.resolve("usr/local/cuda-12.10/lib64"), 12);
    assertTrue(path(find(), "libcublas.so.12").toString().contains("cuda-12.10"));
    Files.createSymbolicLink(root.resolve("usr/local/cuda"), Path.of("cuda-12.9"));
    assertTrue(path(find(), "libcublas.so.12").toString().contains("local/cuda/lib64"));
  }

  @Test
  void prefersTwelveAndTakesThirteenWhereTwelveIsNotComplete() throws Exception {
    driver();
    StandIns.toolkit(root.resolve("opt/cuda/lib64"), 13);
    assertEquals(13, find().major());
    assertTrue(find().complete());
    Path twelve = root.resolve("usr/local/cuda-12.6/lib64");
    StandIns.toolkit(twelve, 12);
    assertEquals(12, find().major());
    Files.delete(twelve.resolve("libnvJitLink.so.12"));
    assertEquals(13, find().major());
    assertTrue(find().complete());
  }

  /** Each wheel has a folder of its own; dependencies are in those of others. */
  @Test
  void findsPythonsWheels() throws Exception {
    driver();
    Path all = root.resolve("all");
    StandIns.toolkit(all, 12);
    Path site = root.resolve("venv/lib/python3.12/site-packages/nvidia");
    Map<String, List<String>> wheels =
        Map.of(
            "cuda_nvrtc", List.of("libnvrtc.so.12"),
            "cublas", List.of("libcublas.so.12", "libcublasLt.so.12"),
            "nvjitlink", List.of("libnvJitLink.so.12"),
            "cusparse", List.of("libcusparse.so.12"),
            "cusolver", List.of("libcusolver.so.11", "libcusolverMg.so.11"));
    for (Map.Entry<String, List<String>> w : wheels.entrySet()) {
      Path lib = Files.createDirectories(site.resolve(w.getKey()).resolve("lib"));
      for (String file : w.getValue()) {
        Files.copy(all.resolve(file), lib.resolve(file));
      }
    }
    assertFalse(find().complete());
    variables.put("VIRTUAL_ENV", root.resolve("venv").toString());
    CudaLibraries found = find();
    assertTrue(found.complete(), found.lines().toString());
    assertEquals("Python's nvidia wheels", found.libraries().getFirst().where());
    variables.clear();
    // The same by the interpreter that PATH has.
    Path python = Files.createDirectories(root.resolve("venv/bin")).resolve("python3");
    Files.createFile(python);
    assertTrue(python.toFile().setExecutable(true));
    variables.put("PATH", root.resolve("nowhere") + ":" + python.getParent());
    assertTrue(find().complete());
  }

  @Test
  void theSettingReplacesTheSearchForAllButTheDriver() throws Exception {
    Path system = driver();
    StandIns.toolkit(root.resolve("usr/local/cuda/lib64"), 12);
    Path own = root.resolve("own");
    StandIns.toolkit(own, 13);
    properties.put("hesse.cuda", own.toString());
    CudaLibraries found = find();
    assertEquals(13, found.major());
    assertEquals(own.resolve("libcublas.so.13"), path(found, "libcublas.so.13"));
    assertEquals(system.resolve("libcuda.so.1"), found.driver().path());
    // A driver there comes first: this is how the simulated one is chosen.
    StandIns.driver(own, 1, 13000);
    assertEquals(own.resolve("libcuda.so.1"), find().driver().path());
    Files.delete(own.resolve("libcublasLt.so.13"));
    assertFalse(find().complete());
    properties.remove("hesse.cuda");
    variables.put("HESSE_CUDA", "/nowhere:" + own);
    assertEquals("libcublasLt.so.13 cannot be had", find().problem());
  }

  @Test
  void readsTheLinkersSettings() throws Exception {
    StandIns.driver(root.resolve("somewhere/nvidia"), 1, 13000);
    assertFalse(find().driver().found());
    Path conf = Files.createDirectories(root.resolve("etc/ld.so.conf.d"));
    Files.writeString(conf.resolve("gpu.conf"), "# the driver\n/somewhere/nvidia\n");
    assertTrue(find().driver().found());
  }

  /** A toolkit's stub is to link with, and cannot be run with. */
  @Test
  void passesStubsOver() throws Exception {
    Path lib = root.resolve("usr/local/cuda/lib64");
    StandIns.toolkit(lib, 12);
    StandIns.driver(lib.resolve("stubs"), 1, 13000);
    variables.put("LD_LIBRARY_PATH", lib + ":" + lib.resolve("stubs"));
    assertFalse(find().driver().found());
    assertEquals(
        "LD_LIBRARY_PATH=" + variables.get("LD_LIBRARY_PATH"),
        find().libraries().getFirst().where());
  }

  @Test
  void takesAJarWhereFoldersHaveNotAll() throws Exception {
    driver();
    resources.add("org/bytedeco/cuda/linux-x86_64/libnvrtc.so.12");
    CudaLibraries found = find();
    assertTrue(found.complete());
    assertEquals("the class path", found.libraries().getFirst().where());
    StandIns.toolkit(root.resolve("opt/cuda/lib64"), 12);
    assertEquals("toolkits in /usr/local and /opt", find().libraries().getFirst().where());
  }

  @Test
  void namesADamagedLibrary() throws Exception {
    driver();
    Path lib = root.resolve("opt/cuda/lib64");
    StandIns.toolkit(lib, 12);
    Files.writeString(lib.resolve("libcublas.so.12"), "no library");
    CudaLibraries found = find();
    assertEquals("libcublas.so.12 cannot be had", found.problem());
    assertTrue(
        found.lines().toString().contains("libcublas.so.12 cannot be used (no shared library of a"),
        found.lines().toString());
  }

  @Test
  void readsVersionsFromTheNamesThatLinksLeadTo() throws Exception {
    Path lib = root.resolve("opt/cuda/lib64");
    StandIns.toolkit(lib, 12);
    Files.move(lib.resolve("libcublas.so.12"), lib.resolve("libcublas.so.12.6.4.1"));
    Files.createSymbolicLink(lib.resolve("libcublas.so.12"), Path.of("libcublas.so.12.6.4.1"));
    Map<String, String> versions = new HashMap<>();
    find().libraries().forEach(l -> versions.put(l.name(), l.version()));
    assertEquals("12.6.4.1", versions.get("cuBLAS"));
    assertEquals("12", versions.get("NVRTC"));
  }

  @Test
  void saysWhichSystemsItIsFor() {
    properties.put("os.name", "Mac OS X");
    properties.put("os.arch", "aarch64");
    assertEquals(
        "CUDA is used on Linux on x86-64 only; this is Mac OS X on aarch64", find().problem());
  }
}
