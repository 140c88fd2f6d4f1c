package org.hesse.backend;

/** A prepared schedule. Safe for use by several threads at once. */
public interface Executable {
  /**
   * Runs once.
   *
   * @param inputs one buffer for each input slot of the schedule, read only
   * @param outputs one buffer for each output slot, overwritten; none is an input
   */
  void run(Buffer[] inputs, Buffer[] outputs);
}
