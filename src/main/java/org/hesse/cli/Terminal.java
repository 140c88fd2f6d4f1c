package org.hesse.cli;

import java.io.BufferedOutputStream;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Where a command writes.
 *
 * @param out results
 * @param err progress and errors
 * @param interactive whether {@code err} is a terminal on which a line can be redrawn
 * @param colour whether colour codes are welcome there
 */
record Terminal(PrintStream out, PrintStream err, boolean interactive, boolean colour) {
  private static final int USUAL_WIDTH = 80;

  /** The streams of this process. */
  static Terminal ofProcess() {
    PrintStream out =
        new Output(new FileOutputStream(FileDescriptor.out), charset("stdout.encoding"));
    PrintStream err = errorStream();
    boolean terminal = isErrorTerminal() && !"dumb".equals(System.getenv("TERM"));
    String noColour = System.getenv("NO_COLOR");
    return new Terminal(out, err, terminal, terminal && (noColour == null || noColour.isEmpty()));
  }

  /** Streams that are no terminal. */
  static Terminal plain(PrintStream out, PrintStream err) {
    return new Terminal(out, err, false, false);
  }

  /** The launcher keeps the real stderr as another descriptor and names it, as /dev/fd/3. */
  private static PrintStream errorStream() {
    String name = System.getProperty("hesse.stderr", "");
    if (!name.matches("/dev/fd/\\d{1,4}")) {
      return new PrintStream(
          new FileOutputStream(FileDescriptor.err), true, charset("stderr.encoding"));
    }
    int descriptor = Integer.parseInt(name.substring(name.lastIndexOf('/') + 1));
    OutputStream to = new BufferedOutputStream(new DescriptorStream(descriptor));
    return new PrintStream(to, true, charset("stderr.encoding"));
  }

  /** UTF-8, whatever the locale says, but on Windows what its console understands. */
  private static Charset charset(String property) {
    String name = System.getProperty(property);
    return isWindows() && name != null && Charset.isSupported(name)
        ? Charset.forName(name)
        : StandardCharsets.UTF_8;
  }

  static boolean isWindows() {
    return System.getProperty("os.name", "").startsWith("Windows");
  }

  @SuppressWarnings("SystemConsoleNull") // null is declared possible
  private static boolean isErrorTerminal() {
    if (Boolean.getBoolean("hesse.stderr.terminal")) {
      return true;
    }
    Path link = Path.of("/proc/self/fd/2");
    try {
      String target = Files.readSymbolicLink(link).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      @Nullable Console console = System.console();
      return console != null && console.isTerminal();
    }
  }

  /** Columns of the terminal; 80 where that cannot be found out. */
  int width() {
    String columns = System.getenv("COLUMNS");
    if (columns != null && columns.matches("[1-9]\\d{1,3}")) {
      return Integer.parseInt(columns);
    }
    if (!interactive || isWindows()) {
      return USUAL_WIDTH;
    }
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String[] size =
          new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
              .trim()
              .split(" ");
      boolean known = stty.waitFor(1, TimeUnit.SECONDS) && size.length == 2;
      int width = known ? Integer.parseInt(size[1]) : 0;
      return width > 0 ? width : USUAL_WIDTH;
    } catch (IOException | NumberFormatException e) {
      return USUAL_WIDTH;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return USUAL_WIDTH;
    }
  }
}
