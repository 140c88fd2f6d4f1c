package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WorkersTest {
  private final int before = Workers.threads();

  @AfterEach
  void restore() {
    Workers.setThreads(before);
  }

  private static void requireEachOnce(AtomicIntegerArray seen) {
    for (int i = 0; i < seen.length(); i++) {
      assertEquals(1, seen.get(i), "task " + i);
    }
  }

  /** With fewer and more threads than cores, and helpers awake and asleep. */
  @Test
  void everyTaskRunsOnce() {
    for (int threads = 1; threads <= 6; threads++) {
      Workers.setThreads(threads);
      for (int count : new int[] {0, 1, 2, 3, 7, 64, 1000}) {
        for (int round = 0; round < 50; round++) {
          AtomicIntegerArray seen = new AtomicIntegerArray(count);
          Workers.run(count, seen::incrementAndGet);
          requireEachOnce(seen);
        }
        LockSupport.parkNanos(200_000);
      }
    }
  }

  @Test
  void whatTasksWroteIsSeen() {
    Workers.setThreads(4);
    double[] numbers = new double[5000];
    for (int round = 1; round <= 200; round++) {
      int add = round;
      Workers.run(
          50,
          task -> {
            for (int i = 100 * task; i < 100 * (task + 1); i++) {
              numbers[i] += add;
            }
          });
      for (double n : numbers) {
        assertEquals(round * (round + 1) / 2.0, n);
      }
    }
  }

  /**
   * A thread that sleeps may still know the last job, but must not keep the arrays of its tasks.
   */
  @Test
  void aJobThatIsDoneKeepsNothing() throws InterruptedException {
    int[] numbers = new int[3];
    WeakReference<int[]> kept = new WeakReference<>(numbers);
    Job job = job(numbers);
    job.work();
    job.finish(Thread.currentThread());
    assertEquals(3, numbers[2]);
    numbers = null;
    for (int i = 0; i < 100 && kept.get() != null; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertNull(kept.get());
    assertTrue(job.isTaken());
  }

  private static Job job(int[] numbers) {
    return new Job(i -> numbers[i] = i + 1, numbers.length, 0);
  }

  @Test
  void tasksMayRunTasks() {
    Workers.setThreads(3);
    AtomicIntegerArray seen = new AtomicIntegerArray(40 * 30);
    Workers.run(40, outer -> Workers.run(30, inner -> seen.incrementAndGet(30 * outer + inner)));
    requireEachOnce(seen);
  }

  /** Nothing runs any more when the error arrives, and the team goes on working. */
  @Test
  void whatATaskThrowsIsThrown() {
    Workers.setThreads(4);
    for (int round = 0; round < 300; round++) {
      int bad = round % 40;
      AtomicInteger running = new AtomicInteger();
      IllegalStateException thrown = new IllegalStateException("task " + bad);
      Throwable caught =
          assertThrows(
              IllegalStateException.class,
              () ->
                  Workers.run(
                      40,
                      task -> {
                        running.incrementAndGet();
                        try {
                          if (task == bad) {
                            throw thrown;
                          }
                          Thread.onSpinWait();
                        } finally {
                          running.decrementAndGet();
                        }
                      }));
      assertSame(thrown, caught);
      assertEquals(0, running.get());
    }
    AtomicIntegerArray seen = new AtomicIntegerArray(100);
    Workers.run(100, seen::incrementAndGet);
    requireEachOnce(seen);
  }

  @Test
  void severalCallersAtOnce() throws Exception {
    Workers.setThreads(3);
    try (ExecutorService callers = Executors.newFixedThreadPool(4)) {
      List<Future<Long>> sums = new ArrayList<>();
      for (int c = 0; c < 4; c++) {
        sums.add(
            callers.submit(() -> {
              long total = 0;
              for (int round = 0; round < 2000; round++) {
                long[] partial = new long[20];
                Workers.run(20, task -> partial[task] = task);
                for (long p : partial) {
                  total += p;
                }
              }
              return total;
            }));
      }
      for (Future<Long> sum : sums) {
        assertEquals(2000L * 190, sum.get());
      }
    }
  }

  @Test
  void anInterruptIsKeptForTheCaller() {
    Workers.setThreads(3);
    AtomicIntegerArray seen = new AtomicIntegerArray(200);
    Thread.currentThread().interrupt();
    try {
      Workers.run(
          200,
          task -> {
            long until = System.nanoTime() + 20_000;
            while (System.nanoTime() < until) {
              Thread.onSpinWait();
            }
            seen.incrementAndGet(task);
          });
    } finally {
      assertTrue(Thread.interrupted());
    }
    requireEachOnce(seen);
  }

  @Test
  void threadsMustBePositive() {
    assertThrows(IllegalArgumentException.class, () -> Workers.setThreads(0));
  }
}
