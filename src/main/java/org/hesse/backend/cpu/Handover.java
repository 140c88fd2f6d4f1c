package org.hesse.backend.cpu;

import org.hesse.backend.Buffer;

/** The inputs whose memory a run's outputs take. */
final class Handover {
  private final int[] over;
  private final boolean[] given;

  /**
   * As a schedule says.
   *
   * @param over for each output the input whose memory it takes, or −1
   */
  Handover(int[] over, int inputs) {
    this.over = over.clone();
    this.given = new boolean[inputs];
    for (int input : over) {
      if (input >= 0) {
        given[input] = true;
      }
    }
  }

  /** Whether an output takes an input's memory. */
  boolean isGiven(int input) {
    return given[input];
  }

  /** Whether an output takes the memory of an input. */
  boolean takes(int output) {
    return over[output] >= 0;
  }

  /**
   * Empties the inputs.
   *
   * @param to gets an array for each output that takes one: the input's own, or a copy where
   *     something else reads that
   * @throws IllegalStateException if one of them is empty; the others are then as they were
   */
  void take(Buffer[] inputs, Object[] to, String why) {
    for (int r = 0; r < over.length; r++) {
      if (over[r] < 0) {
        continue;
      }
      CpuBuffer input = buffer(inputs, r);
      Object array = input.takeOrCopy(why);
      if (array == null) {
        int same = earlier(inputs, r);
        if (same < 0) {
          giveBack(inputs, r);
          throw input.missing();
        }
        array = Arrays.copy(to[same]);
      }
      to[r] = array;
    }
  }

  private CpuBuffer buffer(Buffer[] inputs, int output) {
    return (CpuBuffer) inputs[over[output]];
  }

  /** An output before this one that takes the same buffer, given twice; −1 if there is none. */
  private int earlier(Buffer[] inputs, int output) {
    for (int r = 0; r < output; r++) {
      if (over[r] >= 0 && inputs[over[r]].equals(inputs[over[output]])) {
        return r;
      }
    }
    return -1;
  }

  private void giveBack(Buffer[] inputs, int end) {
    for (int r = 0; r < end; r++) {
      if (over[r] >= 0 && earlier(inputs, r) < 0) {
        buffer(inputs, r).giveBack();
      }
    }
  }

  /** Says of the inputs that the run has failed. */
  void failed(Buffer[] inputs, String why) {
    for (int r = 0; r < over.length; r++) {
      if (over[r] >= 0) {
        buffer(inputs, r).explain(why + " (that call failed as it was computing)");
      }
    }
  }
}
