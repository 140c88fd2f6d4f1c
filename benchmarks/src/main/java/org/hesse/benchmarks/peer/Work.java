package org.hesse.benchmarks.peer;

import java.util.SplittableRandom;

/** A computation that is timed; operands and compiled functions are ready when it is made. */
interface Work {
  /** Computes once. */
  Object run();

  /** Computes once more, and gives all numbers that come out, one result after the other. */
  float[] numbers();

  /** Normal numbers of a seed, the same for both libraries. */
  static float[] normal(long seed, int count, double scale) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  /** Labels of a seed. */
  static int[] labels(long seed, int count, int classes) {
    return new SplittableRandom(seed).ints(count, 0, classes).toArray();
  }

  /** The product of extents. */
  static int product(int... dims) {
    int n = 1;
    for (int d : dims) {
      n *= d;
    }
    return n;
  }

  /** The standard deviation of initial weights [out, in…]. */
  static double spread(int... dims) {
    return 1 / Math.sqrt(Math.max(1, product(dims) / dims[0]));
  }
}
