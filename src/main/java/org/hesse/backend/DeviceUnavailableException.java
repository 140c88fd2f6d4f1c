package org.hesse.backend;

/** A device was asked for that is not there or cannot be used; the message says what to do. */
public final class DeviceUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The first line of the message says what is wrong, further lines give details. */
  public DeviceUnavailableException(String message) {
    super(message);
  }

  /** The same with what it came from. */
  public DeviceUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
