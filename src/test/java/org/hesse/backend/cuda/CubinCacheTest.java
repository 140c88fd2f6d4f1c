package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files that compiled kernels are kept in. */
class CubinCacheTest {
  @TempDir Path folder;

  private static String key(String device, String source) {
    return CubinCache.key(device, "NVRTC 12.6", List.of("-a"), Map.of("h", "text"), source);
  }

  private static byte[] code(long seed, int length) {
    byte[] code = new byte[length];
    new Random(seed).nextBytes(code);
    return code;
  }

  @Test
  void whatIsWrittenIsReadByOthers() throws IOException {
    byte[] code = code(1, 1000);
    new CubinCache(folder).write(key("90", "a"), code);
    assertArrayEquals(code, new CubinCache(folder).read(key("90", "a")));
    assertNull(new CubinCache(folder).read(key("80", "a")));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(1, files.count());
    }
  }

  /** Texts are told apart, and not only all of them in a row. */
  @Test
  void keysDependOnEverything() {
    String key = key("90", "a");
    assertEquals(key, key("90", "a"));
    assertNotEquals(key, key("simulated 90", "a"));
    assertNotEquals(key, key("90", "b"));
    Map<String, String> headers = Map.of("h", "text");
    assertNotEquals(key, CubinCache.key("90", "NVRTC 13.0", List.of("-a"), headers, "a"));
    assertNotEquals(key, CubinCache.key("90", "NVRTC 12.6", List.of("-b"), headers, "a"));
    assertNotEquals(key, CubinCache.key("90", "NVRTC 12.6", List.of("-", "a"), headers, "a"));
    Map<String, String> other = Map.of("h", "texT");
    assertNotEquals(key, CubinCache.key("90", "NVRTC 12.6", List.of("-a"), other, "a"));
  }

  @Test
  void damagedFilesAreAsGoodAsNone() throws IOException {
    CubinCache cache = new CubinCache(folder);
    String key = key("90", "a");
    byte[] code = code(2, 500);
    cache.write(key, code);
    Path file;
    try (Stream<Path> files = Files.list(folder)) {
      file = files.findFirst().orElseThrow();
    }
    byte[] whole = Files.readAllBytes(file);
    byte[] changed = whole.clone();
    changed[400] ^= 1;
    for (byte[] damaged :
        List.of(changed, java.util.Arrays.copyOf(whole, 300), new byte[0], new byte[10])) {
      Files.write(file, damaged);
      assertNull(cache.read(key));
    }
    cache.write(key, code);
    assertArrayEquals(code, cache.read(key));
    cache.remove(key);
    assertNull(cache.read(key));
  }

  /** Whoever reads finds nothing or all, whoever writes at the same time. */
  @Test
  void manyMayWriteTheSameAtOnce() throws InterruptedException {
    String key = key("90", "a");
    byte[] code = code(3, 200_000);
    List<Throwable> problems = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 6; t++) {
      boolean writes = t % 2 == 0;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                CubinCache cache = new CubinCache(folder);
                try {
                  for (int i = 0; i < 30; i++) {
                    if (writes) {
                      cache.write(key, code);
                    }
                    byte[] read = cache.read(key);
                    if (read != null || writes) {
                      assertArrayEquals(code, read);
                    }
                  }
                } catch (Throwable e) {
                  problems.add(e);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), problems);
  }

  @Test
  void withoutAFolderNothingIsKept() {
    CubinCache none = new CubinCache(null);
    none.write("key", new byte[3]);
    assertNull(none.read("key"));
    CubinCache gone = new CubinCache(folder.resolve("gone"));
    gone.write(key("90", "a"), new byte[3]);
    assertNull(gone.read(key("90", "a")));
  }
}
