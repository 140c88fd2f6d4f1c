package org.hesse.cli;

import org.jspecify.annotations.Nullable;

/** Ends a command with a message of one line and an exit code. */
final class Failure extends RuntimeException {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int BAD_INPUT = 2;
  static final int MISSING = 3;

  private static final long serialVersionUID = 1L;

  private final int code;

  private Failure(int code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  /** The computation did not succeed. */
  static Failure failed(String message) {
    return new Failure(FAILED, message, null);
  }

  /** What the user gave cannot be used. */
  static Failure badInput(String message) {
    return new Failure(BAD_INPUT, message, null);
  }

  /** A device or library that was asked for is not there; further lines list what is. */
  static Failure missing(String message, @Nullable Throwable cause) {
    return new Failure(MISSING, message, cause);
  }

  int code() {
    return code;
  }
}
