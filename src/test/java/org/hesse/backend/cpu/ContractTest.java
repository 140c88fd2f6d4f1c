package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.junit.jupiter.api.Test;

/** Products over windows of a picture against plain loops in double. */
class ContractTest {
  /** Batch, rows, height and width of the result, and of the window. */
  private record Size(int batch, int rows, int channels, int h, int w, int kh, int kw) {}

  private static Object numbers(Random random, DType dtype, int n) {
    double[] d = random.doubles(n, -1, 1).toArray();
    if (dtype == DType.F64) {
      return d;
    }
    float[] f = new float[n];
    Arrays.round(d, 0, f, 0, n);
    return f;
  }

  private static double at(Object array, long i) {
    return array instanceof float[] f ? f[(int) i] : ((double[]) array)[(int) i];
  }

  /** Windows as columns, as in a convolution. */
  private static Step.Contract columns(Size s, DType dtype) {
    int height = s.h + s.kh - 1;
    int width = s.w + s.kw - 1;
    int plane = height * width;
    int taps = s.channels * s.kh * s.kw;
    int out = s.rows * s.h * s.w;
    Slot lhs = Plans.input(0, dtype, (long) s.rows * taps);
    Slot rhs = Plans.input(1, dtype, (long) s.batch * s.channels * plane);
    int[] domain = {s.batch, s.rows, s.h, s.w, s.channels, s.kh, s.kw};
    long image = (long) s.channels * plane;
    return new Step.Contract(
        domain,
        new int[] {1, 1, 2, 3},
        new View(lhs, 0, new long[] {0, taps, 0, 0, (long) s.kh * s.kw, s.kw, 1}),
        new View(rhs, 0, new long[] {image, 0, width, 1, plane, width, 1}),
        new View(
            Plans.output(dtype, (long) s.batch * out),
            0,
            new long[] {out, (long) s.h * s.w, s.w, 1, 0, 0, 0}));
  }

  /** Rows of the picture as pairs, as in the gradient of the weights. */
  private static Step.Contract pairs(Size s, DType dtype) {
    int height = s.h + s.kh - 1;
    int width = s.w + s.kw - 1;
    int taps = s.kh * s.kw;
    long plane = (long) s.h * s.w;
    Slot lhs = Plans.input(0, dtype, (long) s.batch * s.rows * s.channels * plane);
    Slot rhs = Plans.input(1, dtype, (long) s.batch * s.channels * height * width);
    int[] domain = {s.batch, s.rows, s.kh, s.kw, s.channels, s.h, s.w};
    return new Step.Contract(
        domain,
        new int[] {1, 1, 2, 3},
        new View(
            lhs,
            0,
            new long[] {
              (long) s.rows * s.channels * plane, s.channels * plane, 0, 0, plane, s.w, 1
            }),
        new View(
            rhs,
            0,
            new long[] {
              (long) s.channels * height * width, 0, width, 1, (long) height * width, width, 1
            }),
        new View(
            Plans.output(dtype, (long) s.batch * s.rows * taps),
            0,
            new long[] {(long) s.rows * taps, taps, s.kw, 1, 0, 0, 0}));
  }

  private static long position(View v, int[] domain, long index) {
    long p = v.offset();
    for (int a = domain.length - 1; a >= 0; a--) {
      p += index % domain[a] * v.strides()[a];
      index /= domain[a];
    }
    return p;
  }

  private static void check(Random random, Step.Contract c, DType dtype) {
    Object lhs = numbers(random, dtype, (int) c.lhs().slot().size());
    Object rhs = numbers(random, dtype, (int) c.rhs().slot().size());
    int size = (int) c.out().slot().size();
    CpuBackend.setThreads(1);
    Object out = Plans.run(c, dtype, size, lhs, rhs);
    CpuBackend.setThreads(3);
    Object again = Plans.run(c, dtype, size, lhs, rhs);
    CpuBackend.setThreads(Runtime.getRuntime().availableProcessors());
    double[] sum = new double[size];
    double[] magnitude = new double[size];
    long all = BlockProgram.size(c.domain());
    for (long i = 0; i < all; i++) {
      double product =
          at(lhs, position(c.lhs(), c.domain(), i)) * at(rhs, position(c.rhs(), c.domain(), i));
      int to = (int) position(c.out(), c.domain(), i);
      sum[to] += product;
      magnitude[to] += Math.abs(product);
    }
    long terms = all / size;
    double eps = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    for (int i = 0; i < size; i++) {
      assertEquals(at(out, i), at(again, i), "threads");
      double error = Math.abs(at(out, i) - sum[i]);
      assertTrue(error <= (4 + terms) * eps * magnitude[i], c + " at " + i + ": off by " + error);
    }
  }

  @Test
  void equalTheLoops() {
    Random random = new Random(3);
    for (int i = 0; i < 120; i++) {
      Size s =
          new Size(
              1 + random.nextInt(3),
              1 + random.nextInt(9),
              1 + random.nextInt(3),
              1 + random.nextInt(9),
              8 + random.nextInt(40),
              1 + random.nextInt(4),
              1 + random.nextInt(6));
      DType dtype = random.nextBoolean() ? DType.F32 : DType.F64;
      check(random, columns(s, dtype), dtype);
      check(random, pairs(s, dtype), dtype);
    }
  }

  /** Sizes that are cut into tasks and parts. */
  @Test
  void equalTheLoopsAtScale() {
    Random random = new Random(4);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Size s = new Size(9, 13, 5, 30, 35, 3, 3);
      check(random, columns(s, dtype), dtype);
      check(random, pairs(new Size(2, 7, 40, 30, 35, 3, 3), dtype), dtype);
    }
  }
}
