package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products of every shape and layout against a triple loop in double. */
class DotTest {
  private enum Types {
    F32,
    F64,
    MIXED
  }

  private static int[] small() {
    return IntStream.rangeClosed(1, 40).toArray();
  }

  @ParameterizedTest
  @MethodSource("small")
  void smallShapes(int m) {
    Random random = new Random(m);
    for (int n : new int[] {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 40}) {
      for (int k : new int[] {1, 2, 5, 16, 39}) {
        check(random, 1 + random.nextInt(3), m, n, k);
      }
    }
  }

  @Test
  void largeShapes() {
    Random random = new Random(7);
    check(random, 1, 300, 200, 600);
    check(random, 1, 517, 97, 259);
    check(random, 1, 301, 470, 70);
    check(random, 1, 131, 100, 1050);
    check(random, 3, 260, 50, 40);
    check(random, 1, 9, 300, 513);
    check(random, 2, 350, 10, 530);
    check(random, 1, 150, 11, 1024);
    check(random, 1, 97, 600, 70);
    check(random, 2, 130, 65, 530);
    check(random, 3, 100, 10, 64);
    check(random, 2, 64, 3, 20);
    check(random, 2, 130, 10, 784);
    check(random, 1, 10, 67, 301);
    check(random, 3, 9, 5, 131);
    check(random, 1, 3, 2, 2047);
    check(random, 2, 5, 5, 129);
    check(random, 1, 70, 13, 100);
    check(random, 1, 12, 5, 20_000);
    check(random, 2, 33, 49, 9001);
    check(random, 1, 97, 570, 540);
    check(random, 2, 66, 520, 37);
    check(random, 1, 131, 530, 100);
    check(random, 1, 70, 513, 5);
    check(random, 1, 7, 512, 33);
    check(random, 1, 6200, 513, 5);
    check(random, 1, 130, 8300, 5);
    check(random, 1, 1, 1, 300_000);
    check(random, 1, 1, 1500, 300);
    check(random, 1, 40_000, 1, 17);
    check(random, 1, 5, 1, 70_000);
    check(random, 2, 6, 1, 66_003);
  }

  /** What is read beyond the pairs and columns of a product must not be seen in it. */
  @Test
  void infinitiesStayWhereTheyAre() {
    int[][] sizes = {
      {9, 5, 301}, {9, 3, 45}, {9, 10, 143}, {9, 13, 100}, {9, 37, 29}, {67, 520, 37}
    };
    for (int[] size : sizes) {
      int m = size[0];
      int n = size[1];
      int k = size[2];
      for (boolean along : new boolean[] {true, false}) {
        float[] a = new float[m * k];
        float[] b = new float[k * n];
        java.util.Arrays.fill(a, 1);
        java.util.Arrays.fill(b, 1);
        a[2 * k + k - 1] = Float.POSITIVE_INFINITY;
        a[4 * k + k - 20] = Float.NEGATIVE_INFINITY;
        a[5 * k] = Float.NaN;
        b[along ? k - 18 : (k - 18) * n] = Float.POSITIVE_INFINITY;
        View va = Plans.dense(Plans.input(0, DType.F32, a.length), 1, m, k);
        long[] strides = along ? new long[] {0, k, 1} : new long[] {0, 1, n};
        View vb = new View(Plans.input(1, DType.F32, b.length), 0, strides);
        View vc = Plans.dense(Plans.output(DType.F32, (long) m * n), 1, m, n);
        Step.Dot dot = new Step.Dot(1, m, n, k, va, vb, vc);
        float[] c = (float[]) Plans.run(dot, DType.F32, m * n, a, b);
        for (int i = 0; i < c.length; i++) {
          float sum = 0;
          for (int p = 0; p < k; p++) {
            sum += a[i / n * k + p] * b[along ? i % n * k + p : p * n + i % n];
          }
          assertEquals(sum, c[i], dot + " at " + i);
        }
      }
    }
  }

  /** Of an operand that goes backwards the first pair is the last line of an array. */
  @Test
  void reversedOperands() {
    for (int[] size : new int[][] {{97, 5, 300}, {2, 40, 600}, {70, 70, 70}, {3, 3, 1000}}) {
      int m = size[0];
      int n = size[1];
      int k = size[2];
      float[] a = Samples.floats(m, m * k);
      float[] b = Samples.floats(n, k * n);
      View va = Plans.dense(Plans.input(0, DType.F32, a.length), 1, m, k);
      long[] back = {0, 1, -n};
      View vb = new View(Plans.input(1, DType.F32, b.length), (k - 1L) * n, back);
      View vc = Plans.dense(Plans.output(DType.F32, (long) m * n), 1, m, n);
      Step.Dot dot = new Step.Dot(1, m, n, k, va, vb, vc);
      float[] c = (float[]) Plans.run(dot, DType.F32, m * n, a, b);
      for (int i = 0; i < c.length; i++) {
        double sum = 0;
        double terms = 0;
        for (int p = 0; p < k; p++) {
          double term = (double) a[i / n * k + p] * b[(k - 1 - p) * n + i % n];
          sum += term;
          terms += Math.abs(term);
        }
        assertEquals(sum, c[i], 1e-5 * terms, dot + " at " + i);
      }
    }
  }

  private static void check(Random random, int batch, int m, int n, int k) {
    for (Types types : Types.values()) {
      for (int layout = 0; layout < 8; layout++) {
        int a = layout & 1;
        int b = layout >> 1 & 1;
        int c = layout >> 2;
        if (batch * m * n * k < 40_000 && random.nextInt(4) != 0) {
          continue;
        }
        check(random, types, batch, m, n, k, a, b, c);
      }
      int[] strided = random.ints(3, 0, 3).toArray();
      strided[random.nextInt(3)] = 2;
      check(random, types, batch, m, n, k, strided[0], strided[1], strided[2]);
    }
  }

  /**
   * Strides over (batch, rows, columns), with gaps and offsets: contiguous rows, contiguous
   * columns, or neither.
   */
  private static View view(
      Random random,
      org.hesse.backend.Slot slot,
      int rows,
      int columns,
      int layout,
      boolean repeat) {
    int gap = slot.size() == 0 ? 0 : random.nextInt(2);
    long[] s =
        switch (layout) {
          case 0 -> new long[] {0, columns + gap, 1};
          case 1 -> new long[] {0, 1, rows + gap};
          default -> new long[] {0, 2L * columns + gap, 2};
        };
    s[0] = repeat ? 0 : layout == 1 ? columns * s[2] : rows * s[1];
    return new View(slot, random.nextInt(3), s);
  }

  private static void check(
      Random random, Types types, int batch, int m, int n, int k, int la, int lb, int lc) {
    DType from = types == Types.F64 ? DType.F64 : DType.F32;
    DType to = types == Types.F32 ? DType.F32 : DType.F64;
    int sizeA = 2 * batch * (m + 1) * (k + 1) + 3;
    int sizeB = 2 * batch * (n + 1) * (k + 1) + 3;
    int sizeC = 2 * batch * (m + 1) * (n + 1) + 3;
    Object a = numbers(random, from, sizeA);
    Object b = numbers(random, from, sizeB);
    View va = view(random, Plans.input(0, from, sizeA), m, k, la, false);
    View vb = view(random, Plans.input(1, from, sizeB), n, k, lb, random.nextInt(4) == 0);
    View vc = view(random, Plans.output(to, sizeC), m, n, lc, false);
    Step.Dot dot = new Step.Dot(batch, m, n, k, va, vb, vc);
    CpuBackend.setThreads(1);
    Object c = Plans.run(dot, to, sizeC, a, b);
    CpuBackend.setThreads(3);
    Object again = Plans.run(dot, to, sizeC, a, b);
    Object seen = finishedParts(dot, to, sizeC, a, b);
    CpuBackend.setThreads(Runtime.getRuntime().availableProcessors());
    String what = types + " " + dot;
    if (to == DType.F32) {
      assertArrayEquals((float[]) c, (float[]) again, what);
      assertArrayEquals((float[]) c, (float[]) seen, what);
    } else {
      assertArrayEquals((double[]) c, (double[]) again, what);
      assertArrayEquals((double[]) c, (double[]) seen, what);
    }
    double eps = to == DType.F32 ? 0x1p-24 : 0x1p-53;
    for (int g = 0; g < batch; g++) {
      double[][] rows = matrix(a, va, g, m, k);
      double[][] columns = matrix(b, vb, g, n, k);
      double[][] products = matrix(c, vc, g, m, n);
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          double size = 0;
          for (int p = 0; p < k; p++) {
            double x = rows[i][p] * columns[j][p];
            sum += x;
            size += Math.abs(x);
          }
          double actual = products[i][j];
          double bound = (4 + Math.min(k, 512)) * eps * size + k * 0x1p-53 * size;
          if (!(Math.abs(actual - sum) <= bound)) {
            String at = " at " + List.of(g, i, j) + ": ";
            assertTrue(false, what + at + actual + " instead of " + sum);
          }
        }
      }
    }
  }

  /** What a tail finds in the parts that it is told are finished, each element once. */
  private static Object finishedParts(Step.Dot dot, DType to, int size, Object a, Object b) {
    Object out = Arrays.allocate(to, size);
    Object seen = Arrays.allocate(to, size);
    AtomicIntegerArray times = new AtomicIntegerArray(size);
    Tail tail =
        (memory, batch, i0, i1, j0, j1) -> {
          for (int i = i0; i < i1; i++) {
            for (int j = j0; j < j1; j++) {
              long[] s = dot.out().strides();
              int at = (int) (dot.out().offset() + batch * s[0] + i * s[1] + j * s[2]);
              System.arraycopy(out, at, seen, at, 1);
              times.incrementAndGet(at);
            }
          }
        };
    Memory memory = new Memory(new Object[] {a, b}, new Object[] {out}, new EnumMap<>(DType.class));
    DotStep.prepare(dot, tail).run(memory);
    int elements = 0;
    for (int i = 0; i < size; i++) {
      int at = i;
      assertTrue(times.get(i) <= 1, () -> dot + " at " + at);
      elements += times.get(i);
    }
    assertEquals(dot.batch() * dot.m() * dot.n(), elements, dot.toString());
    return seen;
  }

  private static Object numbers(Random seed, DType dtype, int n) {
    SplittableRandom random =
        new SplittableRandom(seed.nextLong()); // a Random takes ten times as long
    double[] x = new double[n];
    float[] f = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = random.nextDouble() * 2 - 1;
      f[i] = (float) x[i];
    }
    return dtype == DType.F64 ? x : f;
  }

  /** Matrix {@code number} of a view as rows of doubles. */
  private static double[][] matrix(Object array, View v, int number, int rows, int columns) {
    long[] s = v.strides();
    double[][] x = new double[rows][columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        int at = (int) (v.offset() + number * s[0] + i * s[1] + j * s[2]);
        x[i][j] = array instanceof float[] f ? f[at] : ((double[]) array)[at];
      }
    }
    return x;
  }
}
