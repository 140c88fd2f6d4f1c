package org.hesse.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrowsExactly;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.function.Executable;

/** What the tests of bad input share. */
final class Bad {
  private Bad() {}

  /** Asserts a one-line {@link DataException} that names the file and all the parts given. */
  static void assertBad(Path file, Executable call, String... parts) {
    String message = message(call);
    assertTrue(message.contains(file.toString()), message);
    for (String part : parts) {
      assertTrue(message.contains(part), () -> "expected \"" + part + "\" in: " + message);
    }
  }

  static String message(Executable call) {
    String message = assertThrowsExactly(DataException.class, call).getMessage();
    assertEquals(1, message.lines().count(), message);
    assertTrue(message.length() < 1000, message);
    return message;
  }

  static Path write(Path folder, String name, byte[] content) {
    try {
      return Files.write(folder.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path write(Path folder, String name, String content) {
    return write(folder, name, content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }
}
