package org.hesse.backend.cuda;

import java.util.Arrays;

/**
 * Which inputs and outputs of a plan are where they were in runs before, so that graphs, which hold
 * addresses, can be replayed. The state of a training loop takes turns in two places, or few; what
 * is in a new place in every run is copied to or from a place of the plan's own, which takes less
 * time than enqueuing the plan's kernels one by one.
 */
final class Bindings {
  /** Decisions are made after so many runs. */
  private static final int RUNS = 8;

  /** In so many places, graphs for each are fewer than are kept. */
  private static final int PLACES = 3;

  private final long[][] history;
  private final boolean[] staged;
  private int runs;

  Bindings(int slots) {
    this.history = new long[slots][RUNS];
    this.staged = new boolean[slots];
  }

  /** Whether a slot has a place of the plan's own. */
  boolean isStaged(int slot) {
    return staged[slot];
  }

  /** Takes note of the addresses of a run. */
  void observe(long[] addresses) {
    for (int i = 0; i < addresses.length; i++) {
      history[i][runs] = addresses[i];
    }
    if (++runs == RUNS) {
      runs = 0;
      for (int i = 0; i < staged.length; i++) {
        staged[i] |= Arrays.stream(history[i]).distinct().count() > PLACES;
      }
    }
  }
}
