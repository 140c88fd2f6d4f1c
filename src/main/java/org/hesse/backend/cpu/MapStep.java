package org.hesse.backend.cpu;

import org.hesse.backend.Step;

/** Runs a block program over its whole domain. */
final class MapStep implements Prepared {
  /** A task is about as long as this many additions, some 5 to 20 microseconds. */
  private static final int TASK_COST = 1 << 17;

  private final BlockProgram program;
  private final long taskSize;

  MapStep(Step.Map step) {
    this.program = new BlockProgram(step.domain(), step.code(), step.stores(), -1);
    int blocks = Math.max(1, TASK_COST / (program.width() * program.cost()));
    this.taskSize = (long) blocks * program.width();
  }

  /** Whether it is too short for more than one thread. */
  boolean isOneTask() {
    return program.size() <= taskSize;
  }

  @Override
  public void run(Memory memory) {
    long size = program.size();
    if (isOneTask()) {
      run(memory, 0, size);
      return;
    }
    Workers.run(
        Math.toIntExact((size + taskSize - 1) / taskSize),
        task -> run(memory, task * taskSize, Math.min(size, (task + 1) * taskSize)));
  }

  /** Evaluates the elements from … to−1 of the domain. */
  void run(Memory memory, long from, long to) {
    Frame frame = Frame.current();
    int width = program.width();
    for (long at = from; at < to; at += width) {
      program.run(frame, memory, at, (int) Math.min(width, to - at));
    }
  }

  /** Whether parts of rows of so many elements can be done some at a time. */
  boolean hasRows(int length) {
    return program.hasRows(length);
  }

  /**
   * Evaluates n elements of each of some rows, from number {@code start} of the domain on; see
   * {@link #hasRows}.
   */
  void run(Memory memory, long start, int n, int rows, int length) {
    Frame frame = Frame.current();
    int most = Math.max(1, BlockProgram.BLOCK / n);
    for (int r = 0; r < rows; r += most) {
      int some = Math.min(most, rows - r);
      program.run(frame, memory, start + (long) r * length, n, some, length);
    }
  }
}
