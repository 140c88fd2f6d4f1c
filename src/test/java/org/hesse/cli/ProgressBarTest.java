package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressBarTest {
  private static final long SECOND = 1_000_000_000L;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long now;

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void linesAreSparseWithoutATerminal() {
    ProgressBar bar = new ProgressBar(Terminal.plain(err, err), false, () -> now);
    for (int i = 0; i <= 100; i++) {
      bar.step("density", i, 100);
      now += SECOND / 4;
    }
    bar.close();
    assertEquals(
        "density: 40 of 100, 0:15 left\ndensity: 80 of 100, 0:05 left\n",
        shown().replace("\r\n", "\n"));
  }

  @Test
  void shortWorkIsNotMentionedWithoutATerminal() {
    ProgressBar bar = new ProgressBar(Terminal.plain(err, err), false, () -> now);
    for (int i = 0; i <= 100; i++) {
      bar.step("training", i, 100);
      now += SECOND / 100;
    }
    bar.close();
    assertEquals("", shown());
  }

  @Test
  void aTerminalHasABarThatIsClearedAndThrottled() {
    ProgressBar bar = new ProgressBar(new Terminal(err, err, true, false), false, () -> now);
    for (int i = 0; i <= 1000; i++) {
      bar.step("density", i, 1000);
      now += SECOND / 100;
    }
    bar.close();
    String s = shown();
    assertTrue(s.contains("density  ━") && s.contains("left"), s);
    assertFalse(s.contains("\u001b[36m"), "no colours");
    assertFalse(s.contains("\n"));
    assertTrue(s.endsWith("\r\u001b[K"));
    assertTrue(s.split("\r", -1).length < 110, "throttled");
    for (String line : s.split("\r\u001b\\[K")) {
      assertTrue(line.length() < 80, line);
    }
  }

  /** The process ends by a signal while other threads still compute. */
  @Test
  void anInterruptedBarIsClearedAndStaysAway() {
    ProgressBar bar = new ProgressBar(new Terminal(err, err, true, false), false, () -> now);
    bar.step("density", 1, 10);
    now += SECOND;
    bar.step("density", 2, 10);
    bar.end();
    String cleared = shown();
    assertTrue(cleared.endsWith("\r\u001b[K"), cleared);
    now += SECOND;
    bar.step("density", 3, 10);
    bar.close();
    assertEquals(cleared, shown());
  }

  @Test
  void quietShowsNothing() {
    ProgressBar bar = new ProgressBar(new Terminal(err, err, true, true), true, () -> now);
    for (int i = 0; i <= 100; i++) {
      bar.step("density", i, 100);
      now += SECOND;
    }
    bar.close();
    assertEquals("", shown());
  }
}
