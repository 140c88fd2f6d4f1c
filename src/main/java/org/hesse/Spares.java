package org.hesse;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.plan.Plan;
import org.jspecify.annotations.Nullable;

/**
 * Memory that callers of a compiled function have given away, until a later call writes its results
 * there: one buffer at most for each result. Safe for use by several threads.
 */
final class Spares {
  private final boolean[] donated;

  /** Whether the same call writes a result over an input. */
  private final boolean[] overwritten;

  /** For each input the result that its memory is kept for, or −1. */
  private final int[] heirs;

  private final int results;

  /** What one call has left; as a whole, since each look at what threads share takes its time. */
  private final AtomicReference<@Nullable Buffer @Nullable []> kept = new AtomicReference<>();

  private final boolean any;

  /** Whether the memory of anything donated is written in the next call. */
  private final boolean later;

  /** What the error says when something donated is used again. */
  private final String why;

  private Spares(boolean[] donated, boolean[] overwritten, String where, int[] heirs, int results) {
    this.donated = donated;
    this.overwritten = overwritten;
    this.heirs = heirs;
    this.results = results;
    boolean some = false;
    boolean left = false;
    for (int i = 0; i < donated.length; i++) {
      some |= donated[i];
      left |= donated[i] && !overwritten[i];
    }
    this.any = some;
    this.later = left;
    this.why =
        "it was donated to the function compiled"
            + where
            + " and its memory reused; use the function's result instead, or compile it without"
            + " donation";
  }

  /**
   * Pairs each donated input that no result takes in the same call with the first result of its
   * dtype and size that takes none.
   *
   * @param where the function was compiled, as {@link CallSite#here} has it
   */
  static Spares of(
      boolean[] donated, String where, Plan plan, List<Node> inputs, List<Node> results) {
    int[] heirs = new int[donated.length];
    boolean[] served = new boolean[results.size()];
    boolean[] overwritten = new boolean[donated.length];
    for (int i = 0; i < heirs.length; i++) {
      int heir = plan.heir(i);
      overwritten[i] = heir >= 0;
      if (heir >= 0) {
        served[heir] = true;
      }
    }
    for (int i = 0; i < heirs.length; i++) {
      heirs[i] = -1;
      boolean kept = donated[i] && !overwritten[i];
      for (int r = 0; r < served.length && kept && heirs[i] < 0; r++) {
        if (!served[r] && fits(inputs.get(i), results.get(r))) {
          served[r] = true;
          heirs[i] = r;
        }
      }
    }
    return new Spares(donated, overwritten, where, heirs, served.length);
  }

  private static boolean fits(Node a, Node b) {
    return a.dtype() == b.dtype() && a.shape().size() == b.shape().size();
  }

  /** Refuses to take what the function itself needs in its next call. */
  void requireOwn(Tree<?> tree, Buffer[] inputs, List<Buffer> captured) {
    if (!any || captured.isEmpty()) {
      return;
    }
    for (int i = 0; i < donated.length; i++) {
      if (donated[i] && captured.contains(inputs[i])) {
        throw new IllegalArgumentException(
            "compile: leaf '"
                + tree.paths().get(i)
                + "' is to be donated, but the function captures the same tensor, and would read"
                + " it in its next call; pass copy(), or use the argument in the function");
      }
    }
  }

  /** What the error says when something donated is used again. */
  String why() {
    return why;
  }

  /** Memory for each result of one call, or null. */
  @Nullable Buffer @Nullable [] take() {
    return later ? kept.getAndSet(null) : null;
  }

  /** Takes those donated inputs of a call that has ended whose memory it has not written over. */
  void keep(Buffer[] inputs) {
    if (!later) {
      return;
    }
    @Nullable Buffer[] all = new @Nullable Buffer[results];
    for (int i = 0; i < donated.length; i++) {
      Buffer taken = donated[i] && !overwritten[i] ? inputs[i].take(why) : null;
      if (taken != null && heirs[i] >= 0) {
        all[heirs[i]] = taken;
      }
    }
    kept.lazySet(all);
  }
}
