package org.hesse.backend.cpu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The threads that share the tasks of a large step. How tasks are cut never depends on the number
 * of threads, and each task writes memory of its own, so results do not depend on it either.
 */
final class Workers {
  /** One of the tasks that a step is cut into. */
  interface Task {
    void run(int index);
  }

  /** Tasks of one step, handed out in order to whoever asks first. */
  private static final class Job implements Runnable {
    final Task task;
    final int count;
    final AtomicInteger next = new AtomicInteger();
    final CountDownLatch helpers;
    volatile @Nullable Throwable failure;

    Job(Task task, int count, int helpers) {
      this.task = task;
      this.count = count;
      this.helpers = new CountDownLatch(helpers);
    }

    @Override
    public void run() {
      boolean outer = BUSY.get();
      BUSY.set(true);
      try {
        for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
          task.run(i);
        }
      } catch (Throwable t) {
        failure = t;
        next.set(count);
      } finally {
        BUSY.set(outer);
      }
    }

    void help() {
      run();
      helpers.countDown();
    }
  }

  private static final ThreadLocal<Boolean> BUSY = ThreadLocal.withInitial(() -> false);
  private static final AtomicInteger NAMES = new AtomicInteger();
  private static final ExecutorService POOL =
      Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(r, "hesse-cpu-" + NAMES.incrementAndGet());
        t.setDaemon(true);
        return t;
      });

  private static volatile int threads =
      Integer.getInteger("hesse.threads", Runtime.getRuntime().availableProcessors());

  private Workers() {}

  static int threads() {
    return threads;
  }

  static void setThreads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("threads: " + count + "; at least one is needed");
    }
    threads = count;
  }

  /** Runs tasks 0 … count−1 and returns when all are done; the calling thread takes its share. */
  static void run(int count, Task task) {
    int helpers = Math.min(threads, count) - 1;
    if (helpers <= 0 || BUSY.get()) {
      for (int i = 0; i < count; i++) {
        task.run(i);
      }
      return;
    }
    Job job = new Job(task, count, helpers);
    for (int i = 0; i < helpers; i++) {
      POOL.execute(job::help);
    }
    job.run();
    await(job.helpers);
    Throwable failure = job.failure;
    if (failure instanceof RuntimeException e) {
      throw e;
    } else if (failure instanceof Error e) {
      throw e;
    } else if (failure != null) {
      throw new IllegalStateException(failure);
    }
  }

  /** Waits although interrupted: helpers still write the caller's arrays until they are done. */
  private static void await(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
