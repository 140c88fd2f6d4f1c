package org.hesse.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Range checks of options, before any work is done. */
final class Checks {
  private Checks() {}

  static void atLeast(String option, long value, long least) {
    if (value < least) {
      throw Failure.badInput(option + ": " + value + "; expected " + least + " or more");
    }
  }

  static void positive(String option, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw Failure.badInput(option + ": " + value + "; expected a positive number");
    }
  }

  static void notNegative(String option, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw Failure.badInput(option + ": " + value + "; expected 0 or a positive number");
    }
  }

  static void fraction(String option, double value, boolean zero) {
    if (!(value < 1) || !(zero ? value >= 0 : value > 0)) {
      throw Failure.badInput(
          option
              + ": "
              + value
              + "; expected a number "
              + (zero ? "from 0" : "above 0")
              + " and below 1");
    }
  }

  /** That a file can be written at the end. */
  static void writableFile(String option, @Nullable Path file) {
    if (file == null || file.toString().equals("-")) {
      return;
    }
    if (Files.isDirectory(file)) {
      throw Failure.badInput(option + ": " + file + " is a folder; expected a file's name");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw Failure.badInput(option + ": " + file + ": there is no folder " + folder);
    }
    if (!Files.isWritable(Files.exists(file) ? file : folder)) {
      throw Failure.badInput(option + ": " + file + " cannot be written");
    }
  }

  /** That a folder is there or can be made at the end. */
  static void writableFolder(String option, @Nullable Path folder) {
    if (folder == null) {
      return;
    }
    Path existing = folder.toAbsolutePath();
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    if (existing == null || !Files.isDirectory(existing)) {
      throw Failure.badInput(option + ": " + existing + " is not a folder");
    }
    if (!Files.isWritable(existing)) {
      throw Failure.badInput(option + ": " + existing + " cannot be written to");
    }
  }
}
