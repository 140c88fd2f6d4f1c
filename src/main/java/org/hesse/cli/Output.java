package org.hesse.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** A print stream that can tell why it failed, where the others only know that they did. */
final class Output extends PrintStream {
  private final Watched watched;

  Output(OutputStream to, Charset charset) {
    this(new Watched(to), charset);
  }

  private Output(Watched to, Charset charset) {
    super(to, false, charset);
    this.watched = to;
  }

  /**
   * Why a stream could not take all that was printed, or null. That the reader of a pipe, such as
   * {@code head}, had seen enough is no failure.
   */
  static @Nullable String failure(PrintStream stream) {
    if (!stream.checkError()) {
      return null;
    }
    IOException e = stream instanceof Output o ? o.watched.failure : null;
    String reason = e == null ? "" : String.valueOf(e.getMessage());
    if (reason.toLowerCase(Locale.ROOT).contains("pipe")) {
      return null;
    }
    return "the results could not be written to stdout" + (reason.isEmpty() ? "" : ": " + reason);
  }

  /** Remembers the first failure; after it nothing more is tried, lest the middle be missing. */
  private static final class Watched extends OutputStream {
    private final OutputStream to;
    private @Nullable IOException failure;

    Watched(OutputStream to) {
      this.to = to;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (failure != null) {
        throw failure;
      }
      try {
        to.write(bytes, offset, length);
      } catch (IOException e) {
        failure = e;
        throw e;
      }
    }

    @Override
    public void flush() throws IOException {
      to.flush();
    }
  }
}
