package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.hesse.io.DataException;
import org.hesse.io.Disk;
import org.jspecify.annotations.Nullable;

/**
 * Files that a command leaves. That they can be written is found out before any work is done, and
 * is bad usage where they cannot; what goes wrong later, such as a full disk, is a failure.
 */
final class Outputs {
  /** Under this name a report is found in its folder. */
  static final String REPORT = "report.html";

  private Outputs() {}

  /** Writes something. */
  @FunctionalInterface
  interface Action {
    void run() throws IOException;
  }

  /**
   * Tries whether a file can be written at the end; none and {@code -} can.
   *
   * @throws Failure if not
   */
  static void require(String option, @Nullable Path file) {
    if (file == null || file.toString().equals("-")) {
      return;
    }
    try {
      Disk.requireReplaceable(file);
    } catch (DataException e) {
      throw Failure.badInput(option + ": " + e.getMessage());
    }
  }

  /**
   * Tries whether a report's folder is there or can be made at the end.
   *
   * @throws Failure if not
   */
  static void requireFolder(String option, @Nullable Path folder) {
    if (folder == null) {
      return;
    }
    Path next = folder.toAbsolutePath().resolve(REPORT);
    Path existing = next.getParent();
    while (existing != null && !Files.exists(existing)) {
      next = existing;
      existing = existing.getParent();
    }
    if (existing == null || !Files.isDirectory(existing)) {
      throw Failure.badInput(option + ": " + existing + " is not a folder");
    }
    require(option, next);
  }

  /**
   * Refuses to write to a file that another option names.
   *
   * @param other a file's name, or anything else
   * @throws Failure if both are the same file
   */
  static void requireOther(
      String option, @Nullable Path file, String otherOption, @Nullable Object other) {
    if (file == null || other == null || file.toString().equals("-")) {
      return;
    }
    try {
      Path path = Path.of(other.toString());
      boolean same = file.toAbsolutePath().normalize().equals(path.toAbsolutePath().normalize());
      if (same || Files.exists(file) && Files.isSameFile(file, path)) {
        throw Failure.badInput(option + ": " + file + " is the file of " + otherOption + ", too");
      }
    } catch (InvalidPathException | IOException e) {
      return; // not the name of a file, or not of one that is there
    }
  }

  /**
   * Writes a file at the end.
   *
   * @throws Failure if that fails, with the reason
   */
  static void write(Action action) {
    try {
      action.run();
    } catch (IOException e) {
      throw Failure.failed(String.valueOf(e.getMessage()));
    }
  }
}
