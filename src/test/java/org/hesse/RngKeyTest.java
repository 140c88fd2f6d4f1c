package org.hesse;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.hesse.testing.Scalars;
import org.junit.jupiter.api.Test;

/** Random numbers: the generator's own vectors, and the distributions made from it. */
class RngKeyTest {
  /** Known answers of Random123 1.14 (kat_vectors, threefry2x32 with 20 rounds). */
  @Test
  void referenceHasTheGeneratorsKnownAnswers() {
    assertArrayEquals(new int[] {0x6b200159, 0x99ba4efe}, Scalars.threefryBlock(0, 0, 0, 0));
    assertArrayEquals(new int[] {0x1cb996fc, 0xbb002be7}, Scalars.threefryBlock(-1, -1, -1, -1));
    assertArrayEquals(
        new int[] {0xc4923a9c, 0x483df7a0},
        Scalars.threefryBlock(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3));
  }

  @Test
  void bitsAreTheGenerators() {
    int[] got = RngKey.of(0).bits(2).toIntArray();
    assertArrayEquals(new int[] {0x6b200159, 0x99ba4efe}, got);
    long seed = 0x123456789abcdef0L;
    int[] many = RngKey.of(seed).bits(3, 1001).toIntArray();
    for (int i = 0; i < many.length; i++) {
      assertEquals(Scalars.threefry(0x12345678, 0x9abcdef0, i), many[i], "word " + i);
    }
  }

  @Test
  void uniformNumbersAreTheBits() {
    RngKey key = RngKey.of(7);
    int[] words = key.bits(1000).toIntArray();
    float[] single = key.uniform(DType.F32, 1000).toFloatArray();
    double[] twice = key.uniform(DType.F64, 500).toDoubleArray();
    for (int i = 0; i < single.length; i++) {
      assertEquals((words[i] >>> 8) * 0x1p-24f, single[i]);
    }
    for (int i = 0; i < twice.length; i++) {
      long bits = (long) (words[2 * i] >>> 5) << 26 | words[2 * i + 1] >>> 6;
      assertEquals(bits * 0x1p-53, twice[i]);
    }
  }

  @Test
  void momentsOfTheDistributions() {
    int n = 200_000;
    double[] u = RngKey.of(1).uniform(DType.F64, n).toDoubleArray();
    // Five standard errors.
    assertEquals(0.5, mean(u, 1), 5 * Math.sqrt(1 / 12.0 / n));
    assertTrue(Arrays.stream(u).allMatch(x -> x >= 0 && x < 1));
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      double[] z = RngKey.of(2).normal(dtype, n).toDoubleArray();
      assertEquals(0, mean(z, 1), 5 / Math.sqrt(n));
      assertEquals(1, mean(z, 2), 5 * Math.sqrt(2.0 / n));
      assertEquals(0, mean(z, 3), 5 * Math.sqrt(15.0 / n));
      assertEquals(3, mean(z, 4), 5 * Math.sqrt(96.0 / n));
      double inside = Arrays.stream(z).filter(x -> Math.abs(x) < 1).count() / (double) n;
      assertEquals(0.6826894921, inside, 5 * Math.sqrt(0.217 / n));
    }
    double[] r = RngKey.of(3).rademacher(DType.F64, n).toDoubleArray();
    assertTrue(Arrays.stream(r).allMatch(x -> Math.abs(x) == 1));
    assertEquals(0, mean(r, 1), 5 / Math.sqrt(n));
  }

  private static double mean(double[] x, int power) {
    return Arrays.stream(x).map(v -> Math.pow(v, power)).average().orElseThrow();
  }

  @Test
  void derivedKeysDiffer() {
    RngKey key = RngKey.of(5);
    Set<String> seen = new HashSet<>();
    seen.add(name(key));
    for (RngKey k : key.split(50)) {
      assertTrue(seen.add(name(k)));
    }
    for (int i = 0; i < 50; i++) {
      assertTrue(seen.add(name(key.fold(i))));
    }
    assertEquals(name(key.fold(3)), name(key.fold(Tensor.scalar(3, DType.I32))));
    assertEquals(name(key.split(4)[1]), name(key.split(9)[1]), "a key does not depend on count");
  }

  private static String name(RngKey key) {
    return Arrays.toString(key.words().toIntArray());
  }

  @Test
  void mappedKeysDrawAsAloneOnes() {
    Tensor keys = RngKey.of(11).bits(4, 2);
    Tensor mapped =
        Autodiff.vmap((Tensor k) -> new RngKey(k).fold(2).normal(DType.F64, 3)).apply(keys);
    for (int i = 0; i < 4; i++) {
      Tensor alone = new RngKey(keys.select(0, i)).fold(2).normal(DType.F64, 3);
      assertClose("key " + i, alone, mapped.select(0, i), 1e-15);
    }
  }

  @Test
  void foldingKeepsSeedsApart() {
    assertNotEquals(name(RngKey.of(1L << 32).fold(0)), name(RngKey.of(0).fold(1)));
    assertNotEquals(name(RngKey.of(-1).fold(0)), name(RngKey.of(0xffffffffL).fold(-1)));
  }
}
