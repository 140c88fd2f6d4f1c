package org.hesse.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;

/** Running sums against plain loops, and their derivatives. */
class CumsumTest {
  /** Sums over [outer, n, inner] along n. */
  private static double[] loop(double[] x, int outer, int n, int inner, boolean reverse) {
    double[] y = x.clone();
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < inner; i++) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
          int at = (o * n + (reverse ? n - 1 - k : k)) * inner + i;
          sum += x[at];
          y[at] = sum;
        }
      }
    }
    return y;
  }

  private static void check(Tensor x, int axis) {
    int[] d = x.shape().dims();
    int outer = 1;
    int inner = 1;
    for (int a = 0; a < d.length; a++) {
      outer *= a < axis ? d[a] : 1;
      inner *= a > axis ? d[a] : 1;
    }
    double[] v = x.toDoubleArray();
    Shape s = x.shape();
    Derivatives.close(s, loop(v, outer, d[axis], inner, false), x.cumsum(axis), x.dtype());
    Derivatives.close(s, loop(v, outer, d[axis], inner, true), x.cumsumFromEnd(axis), x.dtype());
  }

  @Test
  void equalsTheLoop() {
    int[][] shapes = {
      {1}, {7}, {3000}, {5, 1}, {3, 40}, {40, 3}, {2, 1500, 2}, {3, 70, 2100}, {0}, {3, 0}, {0, 4}
    };
    for (int[] dims : shapes) {
      for (DType dtype : new DType[] {DType.F64, DType.F32}) {
        Tensor x = Derivatives.normal(1, dtype, dims);
        for (int axis = 0; axis < dims.length; axis++) {
          check(x, axis);
        }
        check(x.mul(7).cast(DType.I32), dims.length - 1);
      }
    }
  }

  @Test
  void readsViewsInPlace() {
    Tensor x = Derivatives.normal(2, DType.F64, 30, 20);
    Derivatives.close(x.cumsum(0).transpose(), x.transpose().cumsum(1));
    Tensor reversed =
        org.hesse.Autodiff.compile((Tensor t) -> t.reverse(0).cumsum(0).reverse(0)).apply(x);
    Derivatives.close(x.cumsumFromEnd(0), reversed);
  }

  @Test
  void isDifferentiable() {
    for (int axis = 0; axis < 3; axis++) {
      int a = axis;
      Tensor x = Derivatives.normal(3, DType.F64, 3, 4, 2);
      Derivatives.checkLinear(t -> t.cumsum(a), u -> u.cumsumFromEnd(a), x);
      Derivatives.checkLinear(t -> t.cumsumFromEnd(a), u -> u.cumsum(a), x);
    }
    Derivatives.checkLinear(
        t -> t.cumsum(0), u -> u.cumsumFromEnd(0), Tensor.zeros(DType.F64, 0, 2));
  }

  /** Two million sums of 1/3 lose nothing to earlier rounding. */
  @Test
  void roundsOnce() {
    int n = 2_000_000;
    float third = (float) (1.0 / 3);
    Tensor y = Tensor.full(third, DType.F32, n).cumsum(0);
    assertEquals((float) ((double) third * n), y.slice(0, n - 1, n).item());
  }

  @Test
  void wholeNumbersWrapAround() {
    Tensor x = Tensor.full(Integer.MAX_VALUE, DType.I32, 5);
    assertEquals(Integer.MAX_VALUE - 4, x.cumsum(0).toIntArray()[4]);
    Tensor wide = Tensor.full(Integer.MAX_VALUE, DType.I32, 5, 9);
    assertEquals(Integer.MAX_VALUE - 4, wide.cumsum(0).toIntArray()[44]);
  }

  @Test
  void namesWhatIsWrong() {
    Tensor truth = Tensor.of(new boolean[] {true});
    var e = assertThrows(IllegalArgumentException.class, () -> truth.cumsum(0));
    assertEquals("cumsum is not defined for BOOL[1] (convert with cast)", e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Tensor.zeros(DType.F32).cumsum(0));
  }
}
