package org.hesse.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a command's page with figures goes. */
final class ReportOption {
  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Write DIR/report.html, a page with figures.")
  @Nullable Path folder;

  /**
   * Fails early where the page could not be written in the end.
   *
   * @throws Failure if the folder cannot be written to
   */
  void check() {
    Outputs.requireFolder("--report", folder);
  }
}
