package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Results that do not get out are a failure. */
class OutputTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Takes some bytes, then no more. */
  private static final class Full extends OutputStream {
    private final String reason;
    private int room;

    Full(int room, String reason) {
      this.room = room;
      this.reason = reason;
    }

    @Override
    public void write(int b) throws IOException {
      if (room-- <= 0) {
        throw new IOException(reason);
      }
    }
  }

  private int run(PrintStream out, String... args) {
    try (PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      return Main.run(args, out, err);
    }
  }

  private String err() {
    return bytes.toString(StandardCharsets.UTF_8).replace("\r\n", "\n");
  }

  @ParameterizedTest
  @CsvSource({
    "0,inspect two-moons:9 --json -",
    "40,inspect two-moons:9",
    "0,--help",
    "0,--version"
  })
  void aFullDiskIsNamed(int room, String command) {
    PrintStream out = new Output(new Full(room, "No space left on device"), StandardCharsets.UTF_8);
    assertEquals(1, run(out, command.split(" ")));
    assertEquals(
        "hesse: the results could not be written to stdout: No space left on device\n", err());
  }

  @Test
  void aStreamOfSomeOtherKindIsAskedToo() {
    PrintStream out = new PrintStream(new Full(0, "full"), false, StandardCharsets.UTF_8);
    assertEquals(1, run(out, "inspect", "two-moons:9"));
    assertEquals("hesse: the results could not be written to stdout\n", err());
  }

  /** As of {@code hesse … | head -1}. */
  @Test
  void aReaderThatHasSeenEnoughIsNoFailure() {
    PrintStream out = new Output(new Full(10, "Broken pipe"), StandardCharsets.UTF_8);
    assertEquals(0, run(out, "inspect", "two-moons:9"));
    assertEquals("", err());
  }

  @Test
  void anEarlierFailureKeepsItsCode() {
    PrintStream out = new Output(new Full(0, "full"), StandardCharsets.UTF_8);
    assertEquals(2, run(out, "train", "--data", "two-moons:1"));
    assertEquals(1, err().lines().count());
  }
}
