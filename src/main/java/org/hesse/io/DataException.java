package org.hesse.io;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A file or data set that cannot be read, written or understood. The message is one line that names
 * the file and what is wrong with it.
 */
public final class DataException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int LONGEST_QUOTE = 80;

  /** An error with its message; control characters in it are escaped. */
  public DataException(String message) {
    super(escape(message));
  }

  /** An error with its message and what led to it; control characters in it are escaped. */
  public DataException(String message, Throwable cause) {
    super(escape(message), cause);
  }

  static DataException in(Path file, String problem) {
    return new DataException(file + ": " + problem);
  }

  /** Text found in a file, made fit for a message: in quotes, shortened and without controls. */
  static String quote(String text) {
    String shown =
        text.length() <= LONGEST_QUOTE
            ? text
            : text.substring(0, LONGEST_QUOTE) + "… (" + text.length() + " characters)";
    return '"' + escape(shown) + '"';
  }

  private static String escape(String text) {
    StringBuilder s = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c)
          || Character.isSurrogate(c) && !isPaired(text, i)
          || c == '\u2028'
          || c == '\u2029') {
        s.append(String.format("\\u%04x", (int) c));
      } else {
        s.append(c);
      }
    }
    return s.toString();
  }

  private static boolean isPaired(String text, int i) {
    char c = text.charAt(i);
    return Character.isHighSurrogate(c)
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }
}
