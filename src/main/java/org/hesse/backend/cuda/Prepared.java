package org.hesse.backend.cuda;

/** A step made ready to run on a device. */
interface Prepared {
  /**
   * Enqueues the step's work on the run's stream: in each run that is not replayed, and while a
   * graph is captured. It must not wait for the device, allocate device memory or read results,
   * unless the step is not {@link #capturable}.
   */
  void enqueue(Run run);

  /** Bytes of scratch memory that the step's work needs while it runs; steps share one stretch. */
  default long scratchBytes() {
    return 0;
  }

  /** Whether the work can be part of a graph. What cannot be stands between two graphs. */
  default boolean capturable() {
    return true;
  }

  /** About how many kernels it enqueues. */
  default int kernels() {
    return 1;
  }
}
