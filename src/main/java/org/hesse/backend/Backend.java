package org.hesse.backend;

import org.hesse.DType;
import org.hesse.Device;

/** The service through which plans run on one device. */
public interface Backend {
  /** The device served. */
  Device device();

  /**
   * Copies a {@code float[]}, {@code double[]}, {@code int[]} or {@code boolean[]} to the device.
   */
  Buffer upload(Object array);

  /** Storage with unspecified contents. */
  Buffer allocate(DType dtype, long size);

  /** Turns a schedule into something that can be run many times. */
  Executable prepare(Schedule schedule);
}
