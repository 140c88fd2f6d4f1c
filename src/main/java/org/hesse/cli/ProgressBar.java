package org.hesse.cli;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Shows how far a long computation is: on a terminal a bar that is redrawn in place and cleared
 * when done or interrupted, elsewhere a line every ten seconds.
 */
final class ProgressBar implements AutoCloseable {
  private static final long REDRAW = 100_000_000L;
  private static final long LINE = 10_000_000_000L;
  private static final long TELLING = 1_000_000_000L;
  private static final int LONGEST_BAR = 40;
  private static final String CLEAR = "\r\u001b[K";

  private final Terminal terminal;
  private final boolean quiet;
  private final LongSupplier clock;
  private final boolean unicode;
  private String stage = "";
  private long begun;
  private long shown;
  private boolean drawn;
  private boolean closed;
  private @Nullable Thread onExit;
  private int width;

  ProgressBar(Terminal terminal, boolean quiet) {
    this(terminal, quiet, System::nanoTime);
  }

  /** With a clock that counts nanoseconds. */
  ProgressBar(Terminal terminal, boolean quiet, LongSupplier clock) {
    this.terminal = terminal;
    this.quiet = quiet;
    this.clock = clock;
    this.unicode = terminal.err().charset().equals(StandardCharsets.UTF_8);
  }

  /** Shows a step; always answers that the computation may go on. */
  boolean step(String what, long done, long total) {
    return step(what, done, total, "");
  }

  /** Shows a step with a note. */
  synchronized boolean step(String what, long done, long total, String note) {
    if (quiet || closed) {
      return true;
    }
    long now = clock.getAsLong();
    if (!what.equals(stage)) {
      stage = what;
      begun = now;
      shown = terminal.interactive() ? now - REDRAW : now;
    }
    if (now - shown >= (terminal.interactive() ? REDRAW : LINE)) {
      shown = now;
      String left = left(now - begun, done, total);
      if (terminal.interactive()) {
        draw(done, total, joined(note, left));
      } else {
        String counts = Numbers.whole(done) + " of " + Numbers.whole(total);
        terminal.err().println(what + ": " + joined(joined(counts, note), left));
      }
    }
    return true;
  }

  private static String joined(String a, String b) {
    return a.isEmpty() || b.isEmpty() ? a + b : a + ", " + b;
  }

  /** Empty while it is too early to tell. */
  private static String left(long elapsed, long done, long total) {
    if (done <= 0 || done >= total || elapsed < TELLING) {
      return "";
    }
    long s = Math.round(1e-9 * elapsed * (total - done) / done);
    return s < 3600
        ? String.format(Locale.ROOT, "%d:%02d left", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d left", s / 3600, s / 60 % 60, s % 60);
  }

  private void draw(long done, long total, String note) {
    if (width == 0) {
      width = terminal.width();
      onExit = new Thread(this::end);
      Runtime.getRuntime().addShutdownHook(onExit);
    }
    String counts = " " + Numbers.whole(done) + "/" + Numbers.whole(total);
    String end = counts + (note.isEmpty() ? "" : "  " + note);
    int room = Math.min(LONGEST_BAR, width - 1 - stage.length() - 2 - end.length());
    String line = room < 5 ? shortened(stage + end) : stage + "  " + bar(room, done, total) + end;
    terminal.err().print(CLEAR + line);
    terminal.err().flush();
    drawn = true;
  }

  private String shortened(String line) {
    return line.length() < width ? line : line.substring(0, Math.max(0, width - 1));
  }

  private String bar(int room, long done, long total) {
    double share = total <= 0 ? 0 : Math.clamp((double) done / total, 0, 1);
    int full = (int) Math.round(share * room);
    String a = (unicode ? "━" : "#").repeat(full);
    String b = (unicode ? "─" : "-").repeat(room - full);
    return terminal.colour() ? "\u001b[36m" + a + "\u001b[2m" + b + "\u001b[0m" : a + b;
  }

  /** Clears the bar, so that other output may follow. */
  synchronized void clear() {
    if (drawn) {
      terminal.err().print(CLEAR);
      terminal.err().flush();
      drawn = false;
    }
  }

  /** Clears the bar for good, also when the process is interrupted while others still draw. */
  synchronized void end() {
    clear();
    closed = true;
  }

  @Override
  public void close() {
    end();
    if (onExit != null) {
      try {
        Runtime.getRuntime().removeShutdownHook(onExit);
      } catch (IllegalStateException e) {
        onExit = null; // already on the way out
      }
    }
  }
}
