package org.hesse.cli;

import picocli.CommandLine.Option;

/** Options that every command has. */
final class StandardOptions {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Show the version and exit.")
  boolean version;

  @Option(
      names = Main.STACKTRACE,
      description = "After an error show where in the program it arose.")
  boolean stacktrace;
}
