package org.hesse.io;

/**
 * SplitMix64 (Steele, Lea and Flood, 2014), written out so that shuffles and generated data are the
 * same bits with every Java release and on every platform.
 */
final class SplitMix {
  private static final long GAMMA = 0x9E3779B97F4A7C15L;

  private long state;

  SplitMix(long seed) {
    state = mix(seed + GAMMA);
  }

  /** The stream that belongs to one item of a seeded sequence. */
  SplitMix(long seed, long index) {
    state = mix(mix(seed + GAMMA) + (index + 1) * 0xD1B54A32D192ED03L);
  }

  private static long mix(long bits) {
    long z = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GAMMA;
    return mix(state);
  }

  /** Uniform in [0, 1). */
  double uniform() {
    return (nextLong() >>> 11) * 0x1.0p-53;
  }

  /** Uniform in [low, high). */
  double uniform(double low, double high) {
    return low + (high - low) * uniform();
  }

  /** Normal with mean 0 and standard deviation 1, by Box and Muller. */
  double gaussian() {
    double radius = Math.sqrt(-2 * StrictMath.log(1 - uniform()));
    return radius * StrictMath.cos(2 * Math.PI * uniform());
  }

  /** Uniform in 0 … bound − 1; the bias is below 2⁻³². */
  int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(nextLong(), bound);
  }

  /** The numbers 0 … n − 1 in random order. */
  int[] permutation(int n) {
    int[] p = new int[n];
    for (int i = 0; i < n; i++) {
      p[i] = i;
    }
    shuffle(p);
    return p;
  }

  void shuffle(int[] a) {
    for (int i = a.length - 1; i > 0; i--) {
      int j = below(i + 1);
      int t = a[i];
      a[i] = a[j];
      a[j] = t;
    }
  }
}
