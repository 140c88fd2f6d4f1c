package org.hesse.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTest {
  @TempDir Path folder;

  private static Disk.Writer text(String text) {
    return out -> out.write(text.getBytes(StandardCharsets.UTF_8));
  }

  private long files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.count();
    }
  }

  @Test
  void tryingLeavesNothingBehind() throws IOException {
    Path file = Files.writeString(folder.resolve("old"), "old");
    Disk.requireReplaceable(file);
    Disk.requireReplaceable(folder.resolve("new"));
    assertEquals("old", Files.readString(file));
    assertEquals(1, files());
  }

  @Test
  void aReplacedLinkStaysALink() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    Disk.replace(link, text("new"));
    assertEquals("new", Files.readString(file));
    assertTrue(Files.isSymbolicLink(link));
    assertEquals(2, files());
  }

  /** A pipe or a device must not be replaced by a file of its name. */
  @Test
  void pipesAreWrittenTo() throws Exception {
    Path pipe = folder.resolve("pipe");
    try {
      Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
      Assumptions.assumeTrue(made.waitFor() == 0, "mkfifo");
    } catch (IOException e) {
      Assumptions.abort("there is no mkfifo");
    }
    Disk.requireReplaceable(pipe);
    CompletableFuture<String> read =
        CompletableFuture.supplyAsync(() -> {
          try {
            return Files.readString(pipe);
          } catch (IOException e) {
            return e.toString();
          }
        });
    Disk.replace(pipe, text("through"));
    assertEquals("through", read.get(60, TimeUnit.SECONDS));
    assertFalse(Files.isRegularFile(pipe));
    assertEquals(1, files());
    assertEquals("is a device or a pipe, not a file", Disk.describe(pipe));
  }

  @Test
  void failuresSayWhatIsWrong() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    assertFails(folder, "is a folder");
    assertFails(folder.resolve("none").resolve("x"), "there is no folder " + folder);
    assertFails(file.resolve("x"), file + " is not a folder");
    assertTrue(file.toFile().setWritable(false));
    Assumptions.assumeFalse(Files.isWritable(file), "may write to everything");
    assertFails(file, "no permission");
    assertEquals("old", Files.readString(file));
  }

  private static void assertFails(Path file, String reason) {
    for (boolean trying : new boolean[] {true, false}) {
      DataException e =
          assertThrows(
              DataException.class,
              () -> {
                if (trying) {
                  Disk.requireReplaceable(file);
                } else {
                  Disk.replace(file, text("new"));
                }
              });
      assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
      assertTrue(e.getMessage().contains(reason), e.getMessage());
    }
  }

  @Test
  void namesThatNoFileCanHaveAreExplained() {
    InvalidPathException e = assertThrows(InvalidPathException.class, () -> Path.of("a\0b"));
    assertTrue(Disk.describe(e).startsWith("cannot be a file's name: "), Disk.describe(e));
  }
}
