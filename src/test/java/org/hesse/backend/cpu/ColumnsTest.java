package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reductions along columns and rows repeated down them, where blocks are cut by the row. */
class ColumnsTest {
  private static final String SHAPES =
      """
      1,   2000
      3,   1025
      5,   1024
      37,  768
      200, 700
      300, 512
      999, 300
      64,  256
      32,  64
      31,  83
      17,  16
      100, 255
      70,  2500
      """;

  @ParameterizedTest
  @CsvSource(textBlock = SHAPES)
  void sumsAndMaxima(int rows, int columns) {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor x = RngKey.of(1).normal(dtype, rows, columns);
      double[] in = x.toDoubleArray();
      double[] sum = x.sum(0).toDoubleArray();
      double[] max = x.max(0).toDoubleArray();
      for (int j = 0; j < columns; j++) {
        double exact = 0;
        double size = 0;
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < rows; i++) {
          exact += in[i * columns + j];
          size += Math.abs(in[i * columns + j]);
          most = Math.max(most, in[i * columns + j]);
        }
        // Up to 16 rows are added by halves in the dtype, the rest more exactly. In F64 the sum
        // here rounds in every row.
        double roundings = dtype == DType.F32 ? 2.5 : 1 + rows / 2.0;
        double bound = roundings * dtype.epsilon() * size;
        assertEquals(exact, sum[j], bound, dtype + " column " + j);
        assertEquals(most, max[j], dtype + " column " + j);
      }
    }
  }

  /** As in the gradients of a norm's scale, for each of two matrices, one of which is a part. */
  @ParameterizedTest
  @CsvSource(textBlock = SHAPES)
  void productsWithNumbersOfRows(int rows, int columns) {
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor wide = RngKey.of(1).normal(dtype, 2, rows, columns + 3);
      Tensor z = RngKey.of(2).normal(dtype, 2, rows, columns);
      Tensor a = RngKey.of(3).normal(dtype, 2, rows, 1);
      Tensor b = RngKey.of(4).normal(dtype, 2, rows, 1);
      double[][] in = new double[4][];
      in[0] = wide.slice(2, 1, columns + 1).toDoubleArray();
      in[1] = z.toDoubleArray();
      in[2] = a.toDoubleArray();
      in[3] = b.toDoubleArray();
      checkSums(
          dtype,
          rows,
          columns,
          in,
          (x, u, c, d) -> (x - c) * d * u,
          t -> t.slice(2, 1, columns + 1).sub(a).mul(b).mul(z).sum(1),
          wide);
      checkSums(
          dtype,
          rows,
          columns,
          in,
          (x, u, c, d) -> u * (d * x),
          t -> z.mul(b.mul(t.slice(2, 1, columns + 1))).sum(1),
          wide);
      checkSums(
          dtype,
          rows,
          columns,
          in,
          (x, u, c, d) -> x * u,
          t -> t.slice(2, 1, columns + 1).mul(z).sum(1),
          wide);
      checkSums(
          dtype,
          rows,
          columns,
          in,
          (x, u, c, d) -> x * d,
          t -> t.slice(2, 1, columns + 1).mul(b).sum(1),
          wide);
    }
  }

  private interface Term {
    double of(double x, double z, double a, double b);
  }

  private static void checkSums(
      DType dtype,
      int rows,
      int columns,
      double[][] in,
      Term term,
      Function<Tensor, Tensor> f,
      Tensor x) {
    double[] sums = Autodiff.compile(f).apply(x).toDoubleArray();
    assertEquals(2 * columns, sums.length);
    for (int k = 0; k < 2 * columns; k++) {
      double exact = 0;
      double size = 0;
      for (int r = k / columns * rows; r < (k / columns + 1) * rows; r++) {
        int i = r * columns + k % columns;
        double v = term.of(in[0][i], in[1][i], in[2][r], in[3][r]);
        exact += v;
        size += Math.abs(v);
      }
      // Three roundings in a term, besides those of sums; in F64 the reference has as many.
      double roundings = dtype == DType.F32 ? 4 : 4 + rows / 2.0;
      assertEquals(exact, sums[k], roundings * dtype.epsilon() * size, dtype + " column " + k);
    }
  }

  @ParameterizedTest
  @CsvSource(textBlock = SHAPES)
  void repeatedRows(int rows, int columns) {
    Tensor x = RngKey.of(1).normal(DType.F32, rows, columns);
    Tensor a = RngKey.of(2).normal(DType.F32, columns);
    Tensor b = RngKey.of(3).normal(DType.F32, columns);
    Tensor c = RngKey.of(4).normal(DType.F32, rows, 1);
    Function<Tensor, Tensor> f = Autodiff.compile((Tensor t) -> t.sub(a).mul(b).add(c));
    double[] in = x.toDoubleArray();
    double[] as = a.toDoubleArray();
    double[] bs = b.toDoubleArray();
    double[] cs = c.toDoubleArray();
    double[] y = f.apply(x).toDoubleArray();
    for (int i = 0; i < rows * columns; i++) {
      int j = i % columns;
      float scaled = (float) (in[i] - as[j]) * (float) bs[j];
      assertTrue(scaled + (float) cs[i / columns] == y[i], "element " + i);
    }
  }

  /** Numbers of rows and a row for all of them, along rows of every length up to four vectors. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65})
  void shortRows(int columns) {
    int rows = 701;
    for (DType dtype : new DType[] {DType.F32, DType.F64, DType.I32}) {
      Tensor x = RngKey.of(1).normal(DType.F32, 2, rows, columns).mul(100.0).cast(dtype);
      Tensor a = RngKey.of(2).normal(DType.F32, 2, rows, 1).mul(100.0).cast(dtype);
      Tensor b = RngKey.of(3).normal(DType.F32, 2, 1, columns).mul(100.0).cast(dtype);
      Tensor c = RngKey.of(4).normal(DType.F32, rows, 1).mul(100.0).cast(dtype);
      Function<Tensor, Tensor> f =
          Autodiff.compile((Tensor t) -> t.maximum(a).minimum(b).maximum(c));
      double[] in = x.cast(DType.F64).toDoubleArray();
      double[] as = a.cast(DType.F64).toDoubleArray();
      double[] bs = b.cast(DType.F64).toDoubleArray();
      double[] cs = c.cast(DType.F64).toDoubleArray();
      double[] y = f.apply(x).cast(DType.F64).toDoubleArray();
      for (int i = 0; i < in.length; i++) {
        int item = i / columns / rows;
        double low = Math.max(in[i], as[i / columns]);
        double high = Math.min(low, bs[item * columns + i % columns]);
        double expected = Math.max(high, cs[i / columns % rows]);
        assertEquals(expected, y[i], 0.0, dtype + " element " + i);
      }
    }
  }
}
