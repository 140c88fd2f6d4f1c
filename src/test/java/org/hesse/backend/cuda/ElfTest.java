package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.hesse.backend.NativeFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** JCuda's own libraries are the examples; what they need is as readelf prints it. */
class ElfTest {
  private static final Map<String, String> TO_13 =
      Map.of(
          "libnvrtc.so.12", "libnvrtc.so.13",
          "libcublas.so.12", "libcublas.so.13",
          "libcusolver.so.11", "libcusolver.so.12",
          "libcusolverMg.so.11", "libcusolverMg.so.12");

  private static byte[] library(String name) throws IOException {
    String path = "lib/lib" + name + "-12.6.0-linux-x86_64.so";
    assumeTrue(NativeFiles.has(path), "JCuda's libraries for Linux are not on the class path");
    return NativeFiles.contents(path);
  }

  private static List<String> needed(Path folder, byte[] library) throws IOException {
    return Elf.needed(Files.write(folder.resolve("library.so"), library));
  }

  @Test
  void readsWhatALibraryNeeds(@TempDir Path folder) throws IOException {
    assertEquals(
        List.of(
            "libpthread.so.0",
            "librt.so.1",
            "libdl.so.2",
            "libcusolver.so.11",
            "libcusolverMg.so.11",
            "libstdc++.so.6",
            "libc.so.6",
            "ld-linux-x86-64.so.2"),
        needed(folder, library("JCusolver")));
    assertEquals("libJCusolver-12.6.0-linux-x86_64.so", Elf.soname(library("JCusolver")));
  }

  @Test
  void asksForOtherNames(@TempDir Path folder) throws IOException {
    byte[] solver = Elf.renamed(library("JCusolver"), TO_13);
    assertTrue(
        needed(folder, solver).containsAll(List.of("libcusolver.so.12", "libcusolverMg.so.12")));
    byte[] blas = Elf.renamed(library("JCublas2"), TO_13);
    assertTrue(needed(folder, blas).contains("libcublas.so.13"));
  }

  @Test
  void changesNothingElse() throws IOException {
    byte[] before = library("JCublas2");
    byte[] after = Elf.renamed(before, TO_13);
    long changed = 0;
    for (int i = 0; i < before.length; i++) {
      changed += before[i] == after[i] ? 0 : 1;
    }
    assertEquals(before.length, after.length);
    // One letter of a name that is the library's and the version's, and one byte of its hash.
    assertEquals(2, changed);
    Map<String, String> back = Map.of("libcublas.so.13", "libcublas.so.12");
    assertArrayEquals(before, Elf.renamed(after, back));
  }

  /** The linker has written the hashes that are there, so rewriting them changes nothing. */
  @Test
  void hashesAsTheLinkerDoes() throws IOException {
    for (String name : List.of("JCudaDriver", "JNvrtc", "JCublas2", "JCusolver")) {
      byte[] before = library(name);
      Map<String, String> same =
          Map.of(
              "libnvrtc.so.12", "libnvrtc.so.12",
              "libcublas.so.12", "libcublas.so.12",
              "libcusolver.so.11", "libcusolver.so.11",
              "libcusolverMg.so.11", "libcusolverMg.so.11",
              "GLIBC_2.2.5", "GLIBC_2.2.5",
              "CXXABI_1.3.9", "CXXABI_1.3.9");
      assertArrayEquals(before, Elf.renamed(before, same));
    }
    // "GLIBC_2.2.5" in every GNU library.
    assertEquals(0x09691a75, Elf.hash("GLIBC_2.2.5"));
  }

  @Test
  void refusesWhatItCannotChange() throws IOException {
    byte[] driver = library("JCudaDriver");
    assertThrows(IOException.class, () -> Elf.renamed(new byte[100], TO_13));
    assertThrows(IOException.class, () -> Elf.renamed(new byte[0], TO_13));
    assertThrows(
        IOException.class, () -> Elf.renamed(Arrays.copyOf(driver, driver.length / 50), TO_13));
    assertThrows(
        IOException.class, () -> Elf.renamed(driver, Map.of("libcuda.so.1", "libcuda.so.10")));
  }
}
