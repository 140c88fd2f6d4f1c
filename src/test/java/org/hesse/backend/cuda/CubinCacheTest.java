package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
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
    new CubinCache(folder, CubinCache.LIMIT).write(key("90", "a"), code);
    assertArrayEquals(code, new CubinCache(folder, CubinCache.LIMIT).read(key("90", "a")));
    assertNull(new CubinCache(folder, CubinCache.LIMIT).read(key("80", "a")));
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
    CubinCache cache = new CubinCache(folder, CubinCache.LIMIT);
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
                CubinCache cache = new CubinCache(folder, CubinCache.LIMIT);
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

  /** What was used last stays, and what others have not finished writing. */
  @Test
  void theFolderIsBounded() throws IOException {
    CubinCache cache = new CubinCache(folder, 16_000);
    Instant start = Instant.now().minus(Duration.ofDays(9));
    for (int i = 0; i < 15; i++) {
      cache.write(key("90", "old " + i), code(i, 1000));
      Path file = folder.resolve(key("90", "old " + i) + ".cubin");
      Files.setLastModifiedTime(file, FileTime.from(start.plus(Duration.ofHours(i))));
    }
    assertArrayEquals(code(0, 1000), cache.read(key("90", "old 0")));
    Path left = Files.createFile(folder.resolve("left.part"));
    Files.setLastModifiedTime(left, FileTime.from(start));
    Path beingWritten = Files.createFile(folder.resolve("now.part"));
    Path other = Files.createFile(folder.resolve("notes"));
    for (int i = 0; i < 5; i++) {
      cache.write(key("90", "new " + i), code(100 + i, 1000));
    }
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(code(100 + i, 1000), cache.read(key("90", "new " + i)));
    }
    assertArrayEquals(code(0, 1000), cache.read(key("90", "old 0")), "used just before");
    assertNull(cache.read(key("90", "old 1")), "not used for longest");
    assertArrayEquals(code(14, 1000), cache.read(key("90", "old 14")));
    assertEquals(
        List.of(false, true, true),
        Stream.of(left, beingWritten, other).map(Files::exists).toList());
    try (Stream<Path> files = Files.list(folder)) {
      long bytes = files.mapToLong(f -> f.toFile().length()).sum();
      assertTrue(bytes <= 16_000 && bytes > 12_000, bytes + " bytes");
    }
  }

  @Test
  void withoutAFolderNothingIsKept() {
    CubinCache none = new CubinCache(null, CubinCache.LIMIT);
    none.write("key", new byte[3]);
    assertNull(none.read("key"));
    CubinCache gone = new CubinCache(folder.resolve("gone"), CubinCache.LIMIT);
    gone.write(key("90", "a"), new byte[3]);
    assertNull(gone.read(key("90", "a")));
  }
}
