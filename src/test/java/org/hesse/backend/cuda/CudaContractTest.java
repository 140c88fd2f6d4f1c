package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Products over any axes against plain loops in double. */
@Tag("kernels")
class CudaContractTest {
  private static long position(View v, int[] domain, long index) {
    long p = v.offset();
    for (int a = domain.length - 1; a >= 0; a--) {
      p += index % domain[a] * v.strides()[a];
      index /= domain[a];
    }
    return p;
  }

  private static void check(OneStep s, Object lhs, Object rhs, Step.Contract c) {
    Object out = s.cuda(c);
    int size = Array.getLength(out);
    double[] sum = new double[size];
    double[] magnitude = new double[size];
    long all = OneStep.size(c.domain());
    for (long i = 0; i < all; i++) {
      double a = Array.getDouble(lhs, (int) position(c.lhs(), c.domain(), i));
      double b = Array.getDouble(rhs, (int) position(c.rhs(), c.domain(), i));
      int to = (int) position(c.out(), c.domain(), i);
      sum[to] += a * b;
      magnitude[to] += Math.abs(a * b);
    }
    double eps = out instanceof float[] ? 0x1p-24 : 0x1p-53;
    for (int i = 0; i < size; i++) {
      double error = Math.abs(Array.getDouble(out, i) - sum[i]);
      double most = (4 + (double) all / size) * eps * magnitude[i];
      assertTrue(error <= most, c + " at " + i + ": off by " + error);
    }
    assertEquals(size, c.out().slot().size());
  }

  private static int[] extents(Random random, int axes, int size) {
    int[] extents = new int[axes];
    for (int a = 0; a < axes; a++) {
      extents[a] = 1 + random.nextInt(a == axes - 1 ? size : 4);
    }
    return extents;
  }

  /** A view of an operand that has some of the groups of axes only; along the others it repeats. */
  private static View spread(View v, int[] domain, boolean[] has) {
    long[] strides = new long[domain.length];
    int own = 0;
    for (int a = 0; a < domain.length; a++) {
      strides[a] = has[a] ? v.strides()[own++] : 0;
    }
    return new View(v.slot(), v.offset(), strides);
  }

  private static void random(Random random, int[][] groups, DType dtype, boolean scattered) {
    int[] counts = new int[4];
    int rank = 0;
    for (int g = 0; g < 4; g++) {
      counts[g] = groups[g].length;
      rank += counts[g];
    }
    int[] domain = new int[rank];
    int[] group = new int[rank];
    int at = 0;
    for (int g = 0; g < 4; g++) {
      for (int n : groups[g]) {
        group[at] = g;
        domain[at++] = n;
      }
    }
    OneStep s = new OneStep(random);
    View[] views = new View[3];
    Object[] arrays = new Object[2];
    int[] absent = {2, 1, 3};
    for (int v = 0; v < 3; v++) {
      int without = absent[v];
      boolean[] has = new boolean[rank];
      int[] own = new int[rank - counts[without]];
      int n = 0;
      for (int a = 0; a < rank; a++) {
        has[a] = group[a] != without;
        if (has[a]) {
          own[n++] = domain[a];
        }
      }
      View view;
      if (v == 2) {
        view = scattered ? s.output(dtype, own) : s.denseOutput(dtype, own);
      } else if (scattered) {
        view = s.input(dtype, own, 0);
      } else {
        view = s.dense(TwoBackends.numbers(random, dtype, OneStep.size(own)), own);
      }
      if (v < 2) {
        arrays[v] = s.array(view);
      }
      views[v] = spread(view, domain, has);
    }
    check(s, arrays[0], arrays[1], new Step.Contract(domain, counts, views[0], views[1], views[2]));
  }

  @Test
  void groupsOfAxesAnywhereInMemory() {
    SimulatedDevice.require();
    Random random = new Random(1);
    for (int i = 0; i < 40; i++) {
      int[][] groups = {
        extents(random, random.nextInt(3), 3),
        extents(random, random.nextInt(3), 20),
        extents(random, 1 + random.nextInt(2), 20),
        extents(random, 1 + random.nextInt(3), 20)
      };
      random(random, groups, random.nextBoolean() ? DType.F32 : DType.F64, i % 3 > 0);
    }
  }

  /** Tiles of all sizes, several in each direction, and terms that blocks share. */
  @Test
  void sizesOfSeveralTiles() {
    SimulatedDevice.require();
    Random random = new Random(2);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      random(random, new int[][] {{2}, {130}, {140}, {9}}, dtype, false);
      random(random, new int[][] {{}, {70}, {67}, {35}}, dtype, false);
      random(random, new int[][] {{}, {7}, {9}, {1_500}}, dtype, false);
      random(random, new int[][] {{2}, {150}, {5}, {20}}, dtype, true);
      random(random, new int[][] {{3}, {2, 3}, {5, 30}, {2, 3, 3}}, dtype, true);
    }
  }

  /** Windows of a picture that overlap, as in a convolution. */
  @Test
  void overlappingWindows() {
    SimulatedDevice.require();
    Random random = new Random(3);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      int[] domain = {2, 5, 6, 7, 3, 3, 3};
      OneStep s = new OneStep(random);
      Object weights = TwoBackends.numbers(random, dtype, 5 * 27);
      Object pictures = TwoBackends.numbers(random, dtype, 2 * 3 * 8 * 9);
      Slot lhs = s.dense(weights, 5 * 27).slot();
      Slot rhs = s.dense(pictures, 2 * 3 * 8 * 9).slot();
      View out = s.denseOutput(dtype, 2, 5, 6, 7);
      check(
          s,
          weights,
          pictures,
          new Step.Contract(
              domain,
              new int[] {1, 1, 2, 3},
              new View(lhs, 0, new long[] {0, 27, 0, 0, 9, 3, 1}),
              new View(rhs, 0, new long[] {216, 0, 9, 1, 72, 9, 1}),
              new View(out.slot(), 0, new long[] {210, 42, 7, 1, 0, 0, 0})));
    }
  }
}
