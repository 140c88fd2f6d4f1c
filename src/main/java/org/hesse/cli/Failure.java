package org.hesse.cli;

/** Ends a command with a message of one line and an exit code. */
final class Failure extends RuntimeException {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int BAD_INPUT = 2;
  static final int MISSING = 3;

  private static final long serialVersionUID = 1L;

  private final int code;

  private Failure(int code, String message) {
    super(message);
    this.code = code;
  }

  /** The computation did not succeed. */
  static Failure failed(String message) {
    return new Failure(FAILED, message);
  }

  /** What the user gave cannot be used. */
  static Failure badInput(String message) {
    return new Failure(BAD_INPUT, message);
  }

  /** A device or library that was asked for is not there. */
  static Failure missing(String message) {
    return new Failure(MISSING, message);
  }

  int code() {
    return code;
  }
}
