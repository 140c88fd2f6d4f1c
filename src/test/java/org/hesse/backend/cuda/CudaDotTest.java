package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.get;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Products of every shape and layout against a triple loop in double. */
@Tag("kernels")
class CudaDotTest {
  enum Types {
    F32(DType.F32, DType.F32),
    F64(DType.F64, DType.F64),
    MIXED(DType.F32, DType.F64),
    I32(DType.I32, DType.I32);

    final DType from;
    final DType to;

    Types(DType from, DType to) {
      this.from = from;
      this.to = to;
    }
  }

  /** How the elements of a matrix lie. */
  private enum Layout {
    ROWS,
    COLUMNS,
    APART,
    REVERSED,
    REPEATED,
    REPEATED_APART,
    OVERLAPPING
  }

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  @ParameterizedTest
  @EnumSource(Types.class)
  void smallProductsOfEveryLayout(Types types) {
    Random random = new Random(types.name().hashCode());
    int[] sides = {1, 2, 4, 5, 17, 33, 40};
    for (int m : sides) {
      for (int n : sides) {
        int k = new int[] {1, 3, 4, 5, 16, 31, 70}[random.nextInt(7)];
        check(random, types, 1 + random.nextInt(3), m, n, k, layout(random), layout(random));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Types.class)
  void batchesOfSmallProducts(Types types) {
    Random random = new Random(types.name().hashCode());
    for (int i = 0; i < 12; i++) {
      int batch = 2 + random.nextInt(40);
      int m = 5 + random.nextInt(12);
      int n = 5 + random.nextInt(12);
      int k = 5 + random.nextInt(60);
      check(random, types, batch, m, n, k, layout(random), layout(random));
    }
  }

  @ParameterizedTest
  @EnumSource(Types.class)
  void productsThatAreSplitAlongTheirPairs(Types types) {
    Random random = new Random(types.name().hashCode());
    check(random, types, 1, 1, 1, 5000, Layout.ROWS, Layout.ROWS);
    check(random, types, 1, 40, 2, 2000, Layout.ROWS, Layout.COLUMNS);
    check(random, types, 1, 3, 70, 1999, Layout.COLUMNS, Layout.COLUMNS);
    check(random, types, 1, 20, 30, 1000, Layout.REVERSED, Layout.ROWS);
    check(random, types, 1, 9, 7, 600, Layout.COLUMNS, Layout.APART);
  }

  @ParameterizedTest
  @EnumSource(
      value = Types.class,
      names = {"F32", "F64"})
  void largeProductsByCublas(Types types) {
    Random random = new Random(types.name().hashCode());
    for (Layout left : new Layout[] {Layout.ROWS, Layout.COLUMNS}) {
      for (Layout right : new Layout[] {Layout.ROWS, Layout.COLUMNS}) {
        check(random, types, 1, 131, 97, 83, left, right);
        check(random, types, 5, 60, 50, 71, left, right);
      }
    }
    check(random, types, 5, 60, 50, 71, Layout.ROWS, Layout.REPEATED);
  }

  /** Two kernels copy, cuBLAS multiplies. */
  @Test
  void largeProductsOfWhatCublasCannotRead() {
    Random random = new Random(3);
    check(random, Types.F32, 1, 260, 258, 251, Layout.APART, Layout.REVERSED);
    check(random, Types.F32, 3, 180, 175, 180, Layout.REPEATED_APART, Layout.ROWS);
  }

  @Test
  void precisionIsAChoice() {
    Random random = new Random(5);
    float[] a = (float[]) TwoBackends.uniform(random, DType.F32, 128 * 128);
    float[] b = (float[]) TwoBackends.uniform(random, DType.F32, 128 * 128);
    float[] exact = squares(a, b);
    try {
      double float32 = error("float32", a, b, exact);
      double tf32 = error("TF32", a, b, exact);
      double bf16 = error("bf16", a, b, exact);
      assertEquals(0, float32);
      assertTrue(tf32 > 0 && tf32 < 128 * 0x1p-10, () -> "tf32: " + tf32);
      assertTrue(bf16 > tf32 && bf16 < 128 * 0x1p-7, () -> "bf16: " + bf16);
      System.setProperty("hesse.cuda.products", "half");
      String message =
          assertThrows(IllegalArgumentException.class, () -> squares(a, b)).getMessage();
      assertTrue(message.contains("hesse.cuda.products=half"), message);
      assertTrue(message.contains("float32 (the default), tf32 or bf16"), message);
    } finally {
      System.clearProperty("hesse.cuda.products");
    }
  }

  private static double error(String setting, float[] a, float[] b, float[] exact) {
    System.setProperty("hesse.cuda.products", setting);
    float[] c = squares(a, b);
    double most = 0;
    for (int i = 0; i < c.length; i++) {
      most = Math.max(most, Math.abs(c[i] - exact[i]));
    }
    return most;
  }

  private static float[] squares(float[] a, float[] b) {
    View va = new View(TwoBackends.input(0, a), 0, new long[] {0, 128, 1});
    View vb = new View(TwoBackends.input(1, b), 0, new long[] {0, 128, 1});
    Slot out = TwoBackends.output(0, DType.F32, a.length);
    View vc = new View(out, 0, new long[] {0, 128, 1});
    Step dot = new Step.Dot(1, 128, 128, 128, va, vb, vc);
    return (float[]) TwoBackends.run(CudaBackend.of(0), dot, out, 1, a, b);
  }

  private static Layout layout(Random random) {
    List<Layout> all = List.of(Layout.values());
    return all.get(random.nextInt(all.size()));
  }

  /** Strides over (batch, rows, columns), with gaps and an offset. */
  private static View view(Random random, Slot slot, int batch, int rows, int columns, Layout l) {
    int gap = random.nextInt(2);
    long width = (long) columns + gap;
    long[] s =
        switch (l) {
          case ROWS -> new long[] {rows * width, width, 1};
          case COLUMNS -> new long[] {(long) columns * (rows + gap), 1, rows + gap};
          case APART -> new long[] {2L * rows * width, 2 * width, 2};
          case REVERSED -> new long[] {rows * width, -width, -1};
          case REPEATED -> new long[] {0, width, 1};
          case REPEATED_APART -> new long[] {0, 2 * width, 2};
          case OVERLAPPING -> new long[] {1, 1, 1};
        };
    long first = 0;
    int[] extents = {batch, rows, columns};
    for (int a = 0; a < s.length; a++) {
      first -= Math.min(0, s[a] * (extents[a] - 1));
    }
    return new View(slot, first + random.nextInt(3), s);
  }

  private static void check(
      Random random, Types types, int batch, int m, int n, int k, Layout left, Layout right) {
    Object a = TwoBackends.numbers(random, types.from, 2 * batch * m * (k + 1) + m + k + 4);
    Object b = TwoBackends.numbers(random, types.from, 2 * batch * n * (k + 1) + n + k + 4);
    View va = view(random, TwoBackends.input(0, a), batch, m, k, left);
    View vb = view(random, TwoBackends.input(1, b), batch, n, k, right);
    Slot out = TwoBackends.output(0, types.to, 2 * batch * m * (n + 1) + m + n + batch * n + 4);
    Layout[] separate = {Layout.ROWS, Layout.COLUMNS, Layout.APART, Layout.REVERSED};
    View vc = view(random, out, batch, m, n, separate[random.nextInt(4)]);
    Step.Dot dot = new Step.Dot(batch, m, n, k, va, vb, vc);
    Object c = TwoBackends.run(CudaBackend.of(0), dot, out, 1, a, b);
    Object again = TwoBackends.run(CudaBackend.of(0), dot, out, 3, a, b);
    String what = types + " " + dot;
    switch (c) {
      case float[] x -> assertArrayEquals(x, (float[]) again, what);
      case double[] x -> assertArrayEquals(x, (double[]) again, what);
      default -> assertArrayEquals((int[]) c, (int[]) again, what);
    }
    double eps = types.to == DType.F32 ? 0x1p-24 : 0x1p-53;
    for (int i = 0; i < batch * m * n; i++) {
      int[] at = {i / n / m, i / n % m, i % n};
      double sum = 0;
      double size = 0;
      for (int p = 0; p < k; p++) {
        double x = get(a, va, at[0], at[1], p) * get(b, vb, at[0], at[2], p);
        sum += x;
        size += Math.abs(x);
      }
      double actual = get(c, vc, at[0], at[1], at[2]);
      double bound = (4 + k) * eps * size + k * 0x1p-53 * size;
      if (!(Math.abs(actual - sum) <= bound)) {
        assertEquals(sum, actual, bound, what + " at " + i);
      }
    }
  }
}
