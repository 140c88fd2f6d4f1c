package org.hesse.backend;

import org.hesse.DType;
import org.hesse.Device;

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
}
