package org.hesse.backend.cuda;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a run ended that can fail, or that reads what such runs write, once that is known.
 *
 * @see Ledger
 */
final class Outcome {
  private final long ticket;
  private final Faults faults;

  /** Runs that wrote its inputs and whose outcome was not known when it was enqueued. */
  private volatile Set<Outcome> before;

  private volatile @Nullable RuntimeException failure;

  /**
   * @param ticket its place among the runs that can fail, from 1 on; 0 if it cannot
   */
  Outcome(long ticket, Faults faults, Set<Outcome> before) {
    this.ticket = ticket;
    this.faults = faults;
    this.before = before;
  }

  long ticket() {
    return ticket;
  }

  Set<Outcome> before() {
    return before;
  }

  void fail(int code, long value, int[] rounds) {
    failure = faults.exception(code, value, rounds);
  }

  void fail(RuntimeException e) {
    failure = e;
  }

  /** Ends it, and with it those before it, which are then not needed any more. */
  void end() {
    failure = failure();
    before = Set.of();
  }

  /** The exception that it, or one before it, failed with; null if none is known. */
  @Nullable RuntimeException failure() {
    RuntimeException own = failure;
    if (own != null) {
      return own;
    }
    for (Outcome o : before) {
      if (o.failure != null) {
        return o.failure;
      }
    }
    return null;
  }
}
