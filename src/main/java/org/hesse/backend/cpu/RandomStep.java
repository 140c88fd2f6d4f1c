package org.hesse.backend.cpu;

import org.hesse.backend.Step;

/** Threefry-2x32 with 20 rounds (Salmon et al., 2011): word i is a function of key and i alone. */
final class RandomStep implements Prepared {
  private static final int TASK_SIZE = 1 << 13;
  private static final int PARITY = 0x1BD11BDA;

  private final Step.RandomBits step;
  private final long tasksPerKey;

  RandomStep(Step.RandomBits step) {
    this.step = step;
    this.tasksPerKey = (step.count() + TASK_SIZE - 1) / TASK_SIZE;
  }

  @Override
  public void run(Memory memory) {
    int[] keys = (int[]) memory.array(step.key().slot());
    int[] out = (int[]) memory.array(step.out().slot());
    long keyAt = step.key().slot().offset() + step.key().offset();
    long outAt = step.out().slot().offset() + step.out().offset();
    Workers.run(
        Math.toIntExact(step.keys() * tasksPerKey),
        task -> {
          int key = (int) (task / tasksPerKey);
          long from = task % tasksPerKey * TASK_SIZE;
          int k = (int) (keyAt + 2L * key);
          int n = (int) Math.min(TASK_SIZE, step.count() - from);
          words(keys[k], keys[k + 1], from / 2, out, (int) (outAt + key * step.count() + from), n);
        });
  }

  /** Writes n words, the first of which is the first of the given counter's two. */
  private static void words(int k0, int k1, long counter, int[] out, int at, int n) {
    for (int i = 0; i < n; i += 2) {
      long both = threefry(k0, k1, (int) counter, (int) (counter >>> 32));
      out[at + i] = (int) both;
      if (i + 1 < n) {
        out[at + i + 1] = (int) (both >>> 32);
      }
      counter++;
    }
  }

  /** The two words for one counter, the first in the low half. */
  static long threefry(int k0, int k1, int c0, int c1) {
    int k2 = PARITY ^ k0 ^ k1;
    long x = pack(c0 + k0, c1 + k1);
    x = inject(rounds(x, 13, 15, 26, 6), k1, k2 + 1);
    x = inject(rounds(x, 17, 29, 16, 24), k2, k0 + 2);
    x = inject(rounds(x, 13, 15, 26, 6), k0, k1 + 3);
    x = inject(rounds(x, 17, 29, 16, 24), k1, k2 + 4);
    return inject(rounds(x, 13, 15, 26, 6), k2, k0 + 5);
  }

  private static long rounds(long x, int r0, int r1, int r2, int r3) {
    int x0 = (int) x;
    int x1 = (int) (x >>> 32);
    x0 += x1;
    x1 = Integer.rotateLeft(x1, r0) ^ x0;
    x0 += x1;
    x1 = Integer.rotateLeft(x1, r1) ^ x0;
    x0 += x1;
    x1 = Integer.rotateLeft(x1, r2) ^ x0;
    x0 += x1;
    x1 = Integer.rotateLeft(x1, r3) ^ x0;
    return pack(x0, x1);
  }

  private static long inject(long x, int a, int b) {
    return pack((int) x + a, (int) (x >>> 32) + b);
  }

  private static long pack(int low, int high) {
    return low & 0xffffffffL | (long) high << 32;
  }
}
