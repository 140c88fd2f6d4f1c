package org.hesse.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;

/** Sliding windows and their sums against plain loops, and their derivatives. */
class WindowTest {
  /** Outer, extent, inner; size, stride, dilation. */
  private static final int[][] CASES = {
    {1, 5, 1, 3, 1, 1}, {2, 7, 3, 3, 2, 1}, {3, 9, 1, 2, 1, 3}, {1, 8, 40, 3, 2, 2},
    {2, 6, 1, 2, 2, 1}, {2, 7, 5, 1, 3, 1}, {1, 4, 2, 4, 1, 1}, {1, 4, 2, 1, 1, 1},
    {3, 11, 1100, 4, 3, 2}, {1, 5000, 1, 7, 2, 3}, {40, 30, 2, 5, 1, 1}, {2, 9, 1, 2, 5, 1},
    {0, 5, 2, 3, 1, 1}, {2, 5, 0, 3, 1, 1}
  };

  private static int positions(int[] c) {
    return (c[1] - 1 - (c[3] - 1) * c[5]) / c[4] + 1;
  }

  private static double[] window(double[] x, int[] c) {
    int n = positions(c);
    double[] y = new double[c[0] * n * c[3] * c[2]];
    int next = 0;
    for (int o = 0; o < c[0]; o++) {
      for (int p = 0; p < n; p++) {
        for (int w = 0; w < c[3]; w++) {
          for (int i = 0; i < c[2]; i++) {
            y[next++] = x[(o * c[1] + p * c[4] + w * c[5]) * c[2] + i];
          }
        }
      }
    }
    return y;
  }

  private static double[] fold(double[] u, int[] c) {
    int n = positions(c);
    double[] y = new double[c[0] * c[1] * c[2]];
    int next = 0;
    for (int o = 0; o < c[0]; o++) {
      for (int p = 0; p < n; p++) {
        for (int w = 0; w < c[3]; w++) {
          for (int i = 0; i < c[2]; i++) {
            y[(o * c[1] + p * c[4] + w * c[5]) * c[2] + i] += u[next++];
          }
        }
      }
    }
    return y;
  }

  @Test
  void equalTheLoops() {
    for (int[] c : CASES) {
      Shape windows = Shape.of(c[0], positions(c), c[3], c[2]);
      for (DType dtype : new DType[] {DType.F64, DType.F32, DType.I32}) {
        Tensor x = Derivatives.normal(1, DType.F64, c[0], c[1], c[2]).mul(9).cast(dtype);
        Tensor y = x.window(1, c[3], c[4], c[5]);
        Derivatives.close(windows, window(x.toDoubleArray(), c), y, dtype);
        Tensor u = Derivatives.normal(2, DType.F64, windows.dims()).mul(9).cast(dtype);
        Tensor sums = u.fold(1, c[1], c[4], c[5]);
        Derivatives.close(x.shape(), fold(u.toDoubleArray(), c), sums, dtype);
      }
    }
  }

  @Test
  void truthValuesHaveWindows() {
    Tensor x = Tensor.of(new boolean[] {true, false, false});
    boolean[] y = x.window(0, 2, 1, 1).toBooleanArray();
    assertArrayEquals(new boolean[] {true, false, false, false}, y);
  }

  @Test
  void areDifferentiable() {
    int[][] cases = {{3, 1, 1}, {2, 2, 1}, {2, 1, 2}, {3, 2, 2}, {1, 2, 1}, {2, 3, 1}};
    for (int[] c : cases) {
      for (int axis = 0; axis < 2; axis++) {
        int a = axis;
        Tensor x = Derivatives.normal(3, DType.F64, 6, 7);
        int n = x.dim(a);
        Derivatives.checkLinear(
            t -> t.window(a, c[0], c[1], c[2]), u -> u.fold(a, n, c[1], c[2]), x);
        Tensor y = x.window(a, c[0], c[1], c[2]);
        int p = y.dim(a);
        Derivatives.checkLinear(
            u -> u.fold(a, n + 1, c[1], c[2]),
            t -> t.window(a, c[0], c[1], c[2]).slice(a, 0, p),
            y);
      }
    }
  }

  /** A moving sum reads its windows in place: one step, no temporary. */
  @Test
  void isAView() {
    Tensor x = Derivatives.normal(4, DType.F64, 50);
    Tensor sums = Autodiff.compile((Tensor t) -> t.window(0, 5, 1, 1).sum(1)).apply(x);
    Tensor c = x.cumsum(0);
    Tensor expected =
        c.slice(0, 4, 50).sub(Tensor.concat(0, Tensor.zeros(DType.F64, 1), c.slice(0, 0, 45)));
    Derivatives.close(expected, sums);
  }

  @Test
  void nameWhatIsWrong() {
    Tensor x = Tensor.zeros(DType.F32, 4, 3);
    var e = assertThrows(IllegalArgumentException.class, () -> x.window(1, 2, 1, 3));
    assertEquals(
        "window: one of size 2 with dilation 3 spans 4 elements and does not fit along axis 1 of"
            + " [4, 3] (pad it)",
        e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> x.window(2, 1, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> x.window(0, 0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> x.window(0, 1, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> x.fold(1, 3, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> x.fold(0, 5, 1, 1));
  }

  /** Where a window finds one position, zeros between positions have none to stand between. */
  @Test
  void gradientOfOnePosition() {
    record Arguments(Tensor x, Tensor factor) {}
    Function<Arguments, Tensor> f = a -> a.x.window(1, 1, 2, 1).reshape(7, 9).sum().mul(a.factor);
    Tensor x = Tensor.ones(DType.F32, 3, 1, 3, 7);
    Arguments a = new Arguments(x, Tensor.scalar(5, DType.F32));
    float[] fives = x.mul(5).toFloatArray();
    assertArrayEquals(fives, Autodiff.grad(f).apply(a).x.toFloatArray());
    assertArrayEquals(fives, Autodiff.compile(Autodiff.grad(f)).apply(a).x.toFloatArray());
  }
}
