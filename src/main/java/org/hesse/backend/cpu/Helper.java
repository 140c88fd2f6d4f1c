package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A thread that takes part in the steps of others, one of the team of {@link Workers}. */
final class Helper extends Thread {
  /**
   * How long a helper looks for the next step before it sleeps. Between two steps that threads
   * share in the training of small networks lie some 100 µs; one that has slept may be woken up on
   * the caller's core, where it is for milliseconds.
   */
  private static final long PATIENCE_NANOS = 200_000;

  /** Looks between two glances at the clock. */
  private static final int LOOKS = 64;

  /** All there are; touched by the owner of the team only. */
  private static final List<Helper> TEAM = new ArrayList<>();

  private static volatile @Nullable Job posted;

  /** Helpers of a lower rank are asked first. */
  private final int rank;

  private volatile boolean asleep;

  private Helper(int rank) {
    super("hesse-cpu-" + (rank + 1));
    this.rank = rank;
    setDaemon(true);
  }

  /** Shows a job to as many helpers as it wants. Called by the owner of the team only. */
  static void post(Job job) {
    while (TEAM.size() < job.helpers) {
      Helper fresh = new Helper(TEAM.size());
      fresh.start();
      TEAM.add(fresh);
    }
    posted = job;
    for (int i = 0; i < job.helpers; i++) {
      Helper h = TEAM.get(i);
      if (h.asleep) {
        LockSupport.unpark(h);
      }
    }
  }

  /** Takes the job back, which is finished. */
  static void withdraw() {
    posted = null;
  }

  @Override
  public void run() {
    while (true) {
      await().help();
    }
  }

  /** The next job that wants this helper. */
  private Job await() {
    long until = 0;
    for (int look = 0; ; look++) {
      Job job = posted;
      if (job != null && rank < job.helpers && !job.isTaken()) {
        return job;
      }
      if (look % LOOKS == 0) {
        long now = System.nanoTime();
        until = look == 0 ? now + PATIENCE_NANOS : until;
        if (now - until >= 0 || !Workers.spinning()) {
          sleep();
          look = -1;
          continue;
        }
      }
      Thread.onSpinWait();
    }
  }

  /** Returns when there is a job, or for no reason. */
  private void sleep() {
    asleep = true;
    Job job = posted;
    if (job == null || rank >= job.helpers || job.isTaken()) {
      LockSupport.park(this);
    }
    asleep = false;
  }
}
