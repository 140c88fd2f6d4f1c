package org.hesse.backend;

import org.jspecify.annotations.Nullable;

/** A prepared schedule. Safe for use by several threads at once. */
public interface Executable {
  /**
   * Runs once.
   *
   * @param inputs one buffer for each input slot of the schedule, read only
   * @param outputs one buffer for each output slot, overwritten; none is an input
   */
  void run(Buffer[] inputs, Buffer[] outputs);

  /**
   * Runs once, where some outputs take the memory of inputs, see {@link Schedule#over}. These
   * inputs are empty from then on. Where something else reads one at this moment, a further input
   * of this run or another run, the output begins as a copy.
   *
   * @param outputs null where the schedule says so: the buffers that they have become
   * @param why what the error says when such an input is read again: a clause
   * @throws IllegalStateException if an input is empty; all others are then as they were
   */
  default void run(Buffer[] inputs, @Nullable Buffer[] outputs, String why) {
    throw new IllegalStateException("this backend writes over no input: " + why);
  }
}
