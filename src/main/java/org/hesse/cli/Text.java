package org.hesse.cli;

import java.nio.file.Path;
import org.hesse.io.Dataset;
import org.jspecify.annotations.Nullable;

/** Results for people, on stdout unless that is wanted for JSON. */
final class Text {
  private final Terminal terminal;
  private final boolean silent;

  Text(Terminal terminal, @Nullable Path json) {
    this.terminal = terminal;
    this.silent = json != null && json.toString().equals("-");
  }

  void line(String text) {
    if (!silent) {
      terminal.out().println(text);
      terminal.out().flush();
    }
  }

  /** Whether there is none of it. */
  boolean isSilent() {
    return silent;
  }

  /** A data set in words. */
  static String describe(Dataset d) {
    String targets =
        d.classes() > 0
            ? Numbers.count(d.classes(), "class")
            : Numbers.count(d.y().dim(1), "target value");
    return d.name()
        + ": "
        + Numbers.count(d.size(), "sample")
        + " of "
        + Numbers.count(d.features(), "feature")
        + ", "
        + targets;
  }
}
