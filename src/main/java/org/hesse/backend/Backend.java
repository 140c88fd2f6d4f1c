package org.hesse.backend;

import org.hesse.DType;
import org.hesse.Device;
import org.hesse.ir.Node;

/** The service through which plans run on one device. */
public interface Backend {
  /** The device served. */
  Device device();

  /**
   * Copies a {@code float[]}, {@code double[]}, {@code int[]} or {@code boolean[]} to the device.
   */
  Buffer upload(Object array);

  /** What is held on a device: so many buffers of so many bytes in all. */
  record Live(long buffers, long bytes) {}

  /** What is held at the moment, for tests of leaks. */
  Live live();

  /** Storage with unspecified contents. */
  Buffer allocate(DType dtype, long size);

  /**
   * Whether a composite is to be computed by a kernel, as a {@link Step.Composite}, and not by the
   * primitives of its body.
   *
   * @param composite a node whose primitive is {@link org.hesse.ir.Op.Composite}; no input is empty
   */
  default boolean hasKernel(Node composite) {
    return false;
  }

  /** Whether runs write outputs over inputs where the schedule says so, see {@link Schedule}. */
  default boolean overwrites() {
    return false;
  }

  /**
   * Waits for all runs of what {@link #prepare} has made.
   *
   * @throws RuntimeException the first error since the last call that nobody has been told of
   */
  default void synchronize() {}

  /** Turns a schedule into something that can be run many times. */
  Executable prepare(Schedule schedule);
}
