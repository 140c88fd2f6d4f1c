package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** What kernels divide by the extents of a domain with. */
class DomainsTest {
  /** As {@code hesse_digit} does it. */
  private static long quotient(int[] axes, long i) {
    long high = i * Integer.toUnsignedLong(axes[1 + 12]) >>> 32;
    return (high + i & 0xffffffffL) >>> axes[1 + 24];
  }

  private static void check(int extent, long i) {
    int[] axes = Domains.axes(new int[] {extent}).values();
    assertEquals(i / extent, quotient(axes, i), i + " by " + extent);
  }

  @Test
  void multiplicationDivides() {
    Random random = new Random(1);
    int[] special = {1, 2, 3, 5, 7, 641, 1 << 16, (1 << 30) + 1, Integer.MAX_VALUE};
    for (int round = 0; round < 20_000; round++) {
      int extent =
          round < special.length ? special[round] : 1 + random.nextInt(1 << random.nextInt(31));
      for (long i : new long[] {0, 1, extent - 1L, extent, Integer.MAX_VALUE}) {
        check(extent, i);
      }
      long multiple = Integer.MAX_VALUE / extent * (long) extent;
      check(extent, multiple);
      check(extent, multiple - 1);
      check(extent, random.nextInt(Integer.MAX_VALUE));
    }
  }

  @Test
  void tooManyAxesAreNamed() {
    int[] domain = new int[13];
    java.util.Arrays.fill(domain, 2);
    var e = assertThrows(UnsupportedOperationException.class, () -> Domains.axes(domain));
    assertTrue(e.getMessage().contains("12 axes"), e.getMessage());
  }
}
