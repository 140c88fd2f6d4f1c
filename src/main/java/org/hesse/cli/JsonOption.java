package org.hesse.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command's results go as JSON. */
final class JsonOption {
  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the results as JSON; - writes them, and only them, to stdout.")
  @Nullable Path file;

  /**
   * Results for people beside the JSON.
   *
   * @throws Failure if the file cannot be written
   */
  Text text(Terminal terminal) {
    Outputs.require("--json", file);
    return new Text(terminal, file);
  }

  /**
   * Writes the results where they are wanted.
   *
   * @throws Failure if that fails
   */
  void write(Object results, Terminal terminal) {
    if (file != null) {
      Json.write(results, file, terminal);
    }
  }
}
