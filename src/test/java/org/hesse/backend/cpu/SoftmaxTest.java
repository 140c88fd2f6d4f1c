package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Donate;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Softmax of rows that have little in common with the row before, against the definition. */
class SoftmaxTest {
  private static final int ROWS = 37;

  /** Row r is about 300 (r mod 5 − 2), and its largest element is at r mod n. */
  private static double[] logits(int n) {
    Random random = new Random(n);
    double[] x = new double[ROWS * n];
    for (int i = 0; i < x.length; i++) {
      int r = i / n;
      double v = 300 * (r % 5 - 2) + 3 * random.nextGaussian() + (i % n == r % n ? 12 : 0);
      x[i] = (float) v;
    }
    return x;
  }

  private static double[] softmax(double[] x, int n) {
    double[] y = new double[x.length];
    for (int from = 0; from < x.length; from += n) {
      double[] row = Arrays.copyOfRange(x, from, from + n);
      double max = Arrays.stream(row).max().orElseThrow();
      double sum = Arrays.stream(row).map(v -> StrictMath.exp(v - max)).sum();
      for (int i = 0; i < n; i++) {
        y[from + i] = StrictMath.exp(row[i] - max) / sum;
      }
    }
    return y;
  }

  private static void close(double[] expected, Tensor actual, int n) {
    double[] a = actual.toDoubleArray();
    assertEquals(expected.length, a.length);
    for (int i = 0; i < a.length; i++) {
      int at = i;
      double most = tolerance(expected[i], actual.dtype(), n);
      assertEquals(expected[i], a[i], most, () -> "element " + at);
    }
  }

  /**
   * The difference to the largest element, at most −ln p, is rounded before its exponential; and of
   * the sum of these, which is a double, a partial sum of each 32 elements.
   */
  private static double tolerance(double p, DType dtype, int n) {
    double units = 4 - Math.log(p) + n / 64.0 * DType.F64.epsilon() / dtype.epsilon();
    return p == 0 ? 1e-37 : units * dtype.epsilon() * p;
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 16, 48, 100, 128, 1024, 4080, 4096, 4112})
  void rowsApart(int n) {
    double[] x = logits(n);
    double[] expected = softmax(x, n);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Tensor rows = Tensor.of(x, ROWS, n).cast(dtype);
      close(expected, rows.softmax(1), n);
      Tensor wide = Tensor.concat(1, rows.mul(-1), rows);
      close(
          expected, Autodiff.compile((Tensor t) -> t.slice(1, n, 2 * n).softmax(1)).apply(wide), n);
      close(expected, Autodiff.compile((Tensor t) -> t.softmax(1), Donate.all()).apply(rows), n);
    }
  }

  /** What is wrong with a row, and is not known before its exponentials are, stays in it. */
  @Test
  void rowsThatAreNoNumbers() {
    int n = 64;
    double[] x = logits(n);
    double[] expected = softmax(x, n);
    x[3 * n + 5] = Double.NaN;
    Arrays.fill(x, 7 * n, 8 * n, Double.NEGATIVE_INFINITY);
    Arrays.fill(x, 9 * n, 10 * n, Double.NEGATIVE_INFINITY);
    x[9 * n + 63] = -250;
    Arrays.fill(x, 15 * n, 16 * n, Double.NaN);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      double[] y = Tensor.of(x, ROWS, n).cast(dtype).softmax(1).toDoubleArray();
      double[] one = IntStream.range(0, n).mapToDouble(i -> i == 63 ? 1 : 0).toArray();
      assertArrayEquals(one, Arrays.copyOfRange(y, 9 * n, 10 * n));
      for (int r = 0; r < ROWS; r++) {
        double sum = Arrays.stream(y, r * n, (r + 1) * n).sum();
        boolean none = r == 3 || r == 7 || r == 15;
        assertEquals(none ? Double.NaN : 1, sum, n * dtype.epsilon(), "row " + r);
        if (!none && r != 9) {
          assertEquals(expected[r * n], y[r * n], tolerance(expected[r * n], dtype, n));
        }
      }
    }
  }
}
