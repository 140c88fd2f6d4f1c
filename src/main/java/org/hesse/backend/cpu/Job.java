package org.hesse.backend.cpu;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Tasks of one step, handed out in order to whoever asks first. */
final class Job {
  /** How often the caller looks whether the helpers are done before it sleeps. */
  private static final int SPINS = 4096;

  /** Added to the number of helpers at work when no more of them may begin. */
  private static final int CLOSED = 1 << 30;

  /** How many helpers are wanted. */
  final int helpers;

  /** Null when all is done: a sleeping helper may keep the job, but not the arrays of its tasks. */
  private Workers.@Nullable Task task;

  private final int count;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger active = new AtomicInteger();
  private volatile @Nullable Thread waiting;
  private volatile @Nullable Throwable failure;

  Job(Workers.Task task, int count, int helpers) {
    this.task = task;
    this.count = count;
    this.helpers = helpers;
  }

  /** Whether somebody is doing, or has done, each task. */
  boolean isTaken() {
    return next.get() >= count;
  }

  /** Does tasks until there are none left. */
  void work() {
    Workers.Task mine = Objects.requireNonNull(task, "a job that is not done");
    try {
      Frame frame = Frame.current();
      try {
        for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
          mine.run(i);
        }
      } finally {
        frame.forget();
      }
    } catch (Throwable t) {
      failure = t;
      next.set(count);
    }
  }

  /** Does tasks on another thread than the caller's, unless it is too late for that. */
  void help() {
    if (active.getAndIncrement() < CLOSED) {
      work();
    }
    if (active.decrementAndGet() == CLOSED) {
      LockSupport.unpark(waiting);
    }
  }

  /**
   * Waits for the helpers that have begun; one that has not woken up yet will find nothing to do.
   * An interrupt does not end this, since helpers still write the caller's arrays.
   */
  void finish(Thread caller) {
    await(caller);
    task = null;
  }

  private void await(Thread caller) {
    if (active.addAndGet(CLOSED) == CLOSED) {
      return;
    }
    for (int i = 0; i < SPINS && Workers.spinning(); i++) {
      if (active.get() == CLOSED) {
        return;
      }
      Thread.onSpinWait();
    }
    waiting = caller;
    boolean interrupted = false;
    while (active.get() != CLOSED) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      caller.interrupt();
    }
  }

  /** Throws what a task has thrown. */
  void rethrow() {
    Throwable t = failure;
    if (t instanceof RuntimeException e) {
      throw e;
    } else if (t instanceof Error e) {
      throw e;
    } else if (t != null) {
      throw new IllegalStateException(t);
    }
  }
}
