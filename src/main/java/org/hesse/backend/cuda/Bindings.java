package org.hesse.backend.cuda;

import java.util.Arrays;

/**
 * Which inputs and outputs of a plan are where they were in runs before, so that graphs, which hold
 * addresses, can be replayed. The state of a training loop takes turns in two places, or few; what
 * is in a new place in every run is copied to or from a place of the plan's own, if that takes less
 * time than enqueuing the plan's kernels one by one, and memory is left for it.
 */
final class Bindings {
  /** Decisions are made after so many runs. */
  private static final int RUNS = 8;

  /** In so many places, graphs for each are fewer than are kept. */
  private static final int PLACES = 3;

  /** A device copies about so many bytes while the host enqueues one kernel. */
  private static final long BYTES_PER_KERNEL = 1 << 20;

  private final long[][] history;
  private final boolean[] staged;
  private final long[] bytes;
  private long spare;
  private int runs;
  private boolean steady = true;

  /**
   * @param bytes of each input and output
   * @param kernels how many a run has
   */
  Bindings(long[] bytes, long kernels) {
    this.history = new long[bytes.length][RUNS];
    this.staged = new boolean[bytes.length];
    this.bytes = bytes.clone();
    this.spare = kernels * BYTES_PER_KERNEL;
  }

  /** Whether a slot has a place of the plan's own. */
  boolean isStaged(int slot) {
    return staged[slot];
  }

  /** Whether all else is in few places, so that a graph made now is likely to be replayed. */
  boolean isSteady() {
    return steady;
  }

  /** Leaves a slot where it is, as there is no memory for a place of the plan's own. */
  void forgo(int slot) {
    staged[slot] = false;
    steady = false;
    // More than the slot has: it is not asked for again.
    bytes[slot] = Long.MAX_VALUE;
  }

  /** Takes note of the addresses of a run. */
  void observe(long[] addresses) {
    for (int i = 0; i < addresses.length; i++) {
      history[i][runs] = addresses[i];
    }
    if (++runs == RUNS) {
      runs = 0;
      steady = true;
      for (int i = 0; i < staged.length; i++) {
        if (!staged[i] && Arrays.stream(history[i]).distinct().count() > PLACES) {
          staged[i] = bytes[i] <= spare;
          spare -= staged[i] ? bytes[i] : 0;
          steady &= staged[i];
        }
      }
    }
  }
}
