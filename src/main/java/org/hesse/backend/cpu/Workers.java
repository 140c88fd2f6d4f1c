package org.hesse.backend.cpu;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The threads that share the tasks of a large step. How tasks are cut never depends on the number
 * of threads, and each task writes memory of its own, so results do not depend on it either.
 *
 * <p>There is one team of helpers, which works for one calling thread at a time: what another one
 * runs meanwhile, or a task itself, stays on the thread that runs it, so that there are never more
 * busy threads than callers and helpers together. Helpers look for the next step for some hundred
 * microseconds before they sleep, since waking one up takes as long as many a step.
 */
final class Workers {
  /** One of the tasks that a step is cut into. */
  interface Task {
    void run(int index);
  }

  /** Whom the team works for; only this thread posts jobs and hires helpers. */
  private static final AtomicReference<@Nullable Thread> OWNER = new AtomicReference<>();

  private static volatile int threads =
      Integer.getInteger("hesse.threads", Runtime.getRuntime().availableProcessors());

  /** Whether waiting threads may keep a core: not where there are fewer of these than threads. */
  private static volatile boolean spinning = threads <= Runtime.getRuntime().availableProcessors();

  private Workers() {}

  static int threads() {
    return threads;
  }

  static void setThreads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("threads: " + count + "; at least one is needed");
    }
    threads = count;
    spinning = count <= Runtime.getRuntime().availableProcessors();
  }

  static boolean spinning() {
    return spinning;
  }

  /** Runs tasks 0 … count−1 and returns when all are done; the calling thread takes its share. */
  static void run(int count, Task task) {
    int helpers = Math.min(threads, count) - 1;
    Thread caller = Thread.currentThread();
    if (helpers <= 0 || caller instanceof Helper || !OWNER.compareAndSet(null, caller)) {
      for (int i = 0; i < count; i++) {
        task.run(i);
      }
      return;
    }
    Job job = new Job(task, count, helpers);
    try {
      Helper.post(job);
      job.work();
      job.finish(caller);
    } finally {
      Helper.withdraw();
      OWNER.set(null);
    }
    job.rethrow();
  }
}
