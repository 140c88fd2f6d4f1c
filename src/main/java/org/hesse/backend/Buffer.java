package org.hesse.backend;

import org.hesse.DType;
import org.hesse.Device;
import org.jspecify.annotations.Nullable;

/** A tensor's storage: elements of one dtype in row-major order on one device. */
public interface Buffer {
  /** Where the elements are. */
  Device device();

  /** Their type. */
  DType dtype();

  /** How many there are. */
  long size();

  /**
   * A copy of the elements in a fresh {@code float[]}, {@code double[]}, {@code int[]} or {@code
   * boolean[]}, whichever the dtype asks for.
   */
  Object toArray();

  /**
   * Moves the storage to a new buffer, so that it can be written again. From then on this buffer is
   * empty, and reading it is an error.
   *
   * @param why what the error says: a clause, such as "it was donated"
   * @return null if a run is reading the storage at this moment, or it has been taken before; in
   *     the first case this buffer is empty from now on, too, and the storage is left to that run
   */
  @Nullable Buffer take(String why);

  /**
   * Gives the storage back now. From then on this buffer is empty, and reading it is an error; runs
   * that are reading it at this moment are not disturbed. Nothing happens if it was empty already.
   *
   * @param why what the error says: a clause, such as "it was closed"
   */
  void close(String why);

  /** Why there is nothing in this buffer; null if there is. */
  @Nullable String given();
}
