package org.hesse.ops;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;

/** Gathering and scattering against plain loops, and their derivatives. */
class IndexingTest {
  private static Tensor indices(long seed, int extent, int... dims) {
    int n = (int) Shape.of(dims).size();
    int[] k = new Random(seed).ints(n, 0, Math.max(1, extent)).toArray();
    return Tensor.of(k, k.length).reshape(dims);
  }

  /** x [p, n, t] at k [i] as [p, i, t]. */
  private static double[] take(double[] x, int p, int n, int t, int[] k) {
    double[] y = new double[p * k.length * t];
    for (int a = 0; a < p; a++) {
      for (int i = 0; i < k.length; i++) {
        for (int b = 0; b < t; b++) {
          y[(a * k.length + i) * t + b] = x[(a * n + k[i]) * t + b];
        }
      }
    }
    return y;
  }

  /** u [p, i, t] added up at k [i] into [p, n, t]. */
  private static double[] scatter(double[] u, int p, int n, int t, int[] k) {
    double[] y = new double[p * n * t];
    for (int a = 0; a < p; a++) {
      for (int i = 0; i < k.length; i++) {
        for (int b = 0; b < t; b++) {
          y[(a * n + k[i]) * t + b] += u[(a * k.length + i) * t + b];
        }
      }
    }
    return y;
  }

  private static final int[][] SIZES = {
    {1, 5, 1, 3}, {1, 9, 40, 6}, {1, 9, 3, 6}, {4, 3, 1, 7}, {3, 4, 20, 5}, {2, 100, 1100, 3},
    {1, 50, 1, 5000}, {1, 4000, 2, 3}, {1, 30, 2000, 4}, {2, 5, 0, 3}, {0, 5, 2, 3}, {2, 5, 3, 0}
  };

  @Test
  void takesAndAddsAsTheLoopsDo() {
    for (int[] s : SIZES) {
      Tensor k = indices(4, s[1], s[3]);
      for (DType dtype : new DType[] {DType.F64, DType.F32, DType.I32}) {
        Tensor x = Derivatives.normal(5, DType.F64, s[0], s[1], s[2]).mul(9).cast(dtype);
        double[] expected = take(x.toDoubleArray(), s[0], s[1], s[2], k.toIntArray());
        Shape picked = Shape.of(s[0], s[3], s[2]);
        Derivatives.close(picked, expected, x.take(1, k), dtype);
        Tensor u = Derivatives.normal(6, DType.F64, s[0], s[3], s[2]).mul(9).cast(dtype);
        double[] sums = scatter(u.toDoubleArray(), s[0], s[1], s[2], k.toIntArray());
        Derivatives.close(x.shape(), sums, u.scatterAdd(1, k, s[1]), dtype);
      }
    }
  }

  @Test
  void takesTruthValues() {
    Tensor x = Tensor.of(new boolean[] {true, false, true});
    Tensor y = x.take(0, Tensor.of(new int[] {1, 2, 2, 1}));
    assertArrayEquals(new boolean[] {false, true, true, false}, y.toBooleanArray());
  }

  @Test
  void indicesHaveAnyRank() {
    Tensor x = Derivatives.normal(7, DType.F64, 5, 3);
    Tensor k = indices(8, 5, 2, 4);
    Tensor y = x.take(0, k);
    assertEquals(Shape.of(2, 4, 3), y.shape());
    Derivatives.close(x.take(0, k.reshape(8)).reshape(2, 4, 3), y);
    Derivatives.close(x.select(0, 3), x.take(0, Tensor.scalar(3, DType.I32)));
    Derivatives.close(y.reshape(8, 3).scatterAdd(0, k.reshape(8), 5), y.scatterAdd(0, k, 5));
  }

  @Test
  void takesAlongAnAxis() {
    int[][] shapes = {{4}, {3, 5}, {200, 30}, {2, 3, 4}};
    for (int[] dims : shapes) {
      for (int axis = 0; axis < dims.length; axis++) {
        Tensor x = Derivatives.normal(9, DType.F64, dims);
        Shape at = x.shape().with(axis, 6);
        Tensor k = indices(10, dims[axis], at.dims());
        double[] from = x.toDoubleArray();
        double[] y = new double[(int) at.size()];
        double[] sums = new double[from.length];
        int inner = 1;
        for (int a = axis + 1; a < dims.length; a++) {
          inner *= dims[a];
        }
        for (int i = 0; i < y.length; i++) {
          int source = (i / (6 * inner) * dims[axis] + k.toIntArray()[i]) * inner + i % inner;
          y[i] = from[source];
          sums[source] += y[i];
        }
        Tensor picked = x.takeAlong(axis, k);
        Derivatives.close(at, y, picked, DType.F64);
        Derivatives.close(x.shape(), sums, picked.scatterAddAlong(axis, k, dims[axis]), DType.F64);
      }
    }
  }

  @Test
  void readsViewsInPlace() {
    Tensor x = Derivatives.normal(11, DType.F32, 40, 7);
    Tensor k = indices(12, 7, 9);
    Function<List<Tensor>, Tensor> f =
        in -> in.get(0).transpose().reverse(1).take(0, in.get(1).reverse(0));
    Tensor y = Autodiff.compile(f).apply(List.of(x, k));
    Derivatives.close(x.reverse(0).take(1, k.reverse(0)).transpose(), y);
  }

  @Test
  void isDifferentiable() {
    Tensor x = Derivatives.normal(13, DType.F64, 2, 4, 3);
    for (int axis = 0; axis < 3; axis++) {
      int a = axis;
      int n = x.dim(a);
      Tensor k = indices(14, n, 2, 3);
      Derivatives.checkLinear(t -> t.take(a, k), u -> u.scatterAdd(a, k, n), x);
      Tensor along = indices(15, n, x.shape().with(a, 5).dims());
      Derivatives.checkLinear(t -> t.takeAlong(a, along), u -> u.scatterAddAlong(a, along, n), x);
      Tensor same = indices(16, 5, x.shape().dims());
      Derivatives.checkLinear(t -> t.scatterAddAlong(a, same, 5), u -> u.takeAlong(a, same), x);
      Tensor flat = indices(17, 5, n);
      Derivatives.checkLinear(t -> t.scatterAdd(a, flat, 5), u -> u.take(a, flat), x);
    }
    Tensor none = indices(18, 4, 0);
    Derivatives.checkLinear(t -> t.take(1, none), u -> u.scatterAdd(1, none, 4), x);
  }

  /** Batches of indices, with and without batches of what they point into. */
  @Test
  void batchesOfIndices() {
    Tensor x = Derivatives.normal(19, DType.F64, 3, 2, 5, 2);
    Tensor k = indices(20, 5, 3, 2, 4);
    Function<List<Tensor>, Tensor> take = in -> in.get(0).take(1, in.get(1).select(0, 1));
    Function<List<Tensor>, Tensor> add =
        in -> in.get(0).take(1, in.get(1).select(0, 0)).scatterAdd(1, in.get(1).select(0, 1), 6);
    Function<List<Tensor>, Tensor> along =
        in ->
            in.get(0)
                .slice(1, 0, 4)
                .takeAlong(
                    1,
                    in.get(1)
                        .insertAxis(2)
                        .broadcastTo(2, 4, 2)
                        .sub(in.get(1).insertAxis(2).broadcastTo(2, 4, 2)));
    for (Function<List<Tensor>, Tensor> f : List.of(take, add, along)) {
      Tensor both = Autodiff.vmap(f).apply(List.of(x, k));
      Tensor fixed = x.select(0, 1);
      Tensor only = Autodiff.vmap((Tensor at) -> f.apply(List.of(fixed, at))).apply(k);
      for (int b = 0; b < 3; b++) {
        Tensor at = k.select(0, b);
        Derivatives.close(f.apply(List.of(x.select(0, b), at)), both.select(0, b));
        Derivatives.close(f.apply(List.of(fixed, at)), only.select(0, b));
      }
    }
  }

  @Test
  void sumsDoNotDependOnThreads() {
    int threads = CpuBackend.threads();
    try {
      for (int lanes : new int[] {1, 40, 1500}) {
        Tensor u = Derivatives.normal(21, DType.F32, 20_000 / lanes + 50, lanes);
        Tensor k = indices(22, 30, u.dim(0));
        CpuBackend.setThreads(1);
        float[] one = u.scatterAdd(0, k, 30).toFloatArray();
        CpuBackend.setThreads(5);
        assertArrayEquals(one, u.scatterAdd(0, k, 30).toFloatArray());
      }
    } finally {
      CpuBackend.setThreads(threads);
    }
  }

  /** A million times 1/3 at one place: rounded once. */
  @Test
  void addsInDouble() {
    int n = 1_000_000;
    float third = (float) (1.0 / 3);
    Tensor u = Tensor.full(third, DType.F32, n);
    Tensor zeros = Tensor.zeros(DType.I32, n);
    float sum = (float) ((double) third * n);
    assertEquals(sum, u.scatterAdd(0, zeros, 2).toFloatArray()[0]);
    Tensor wide = Tensor.full(Integer.MAX_VALUE, DType.I32, 5, 20);
    int[] sums = wide.scatterAdd(0, Tensor.zeros(DType.I32, 5), 1).toIntArray();
    assertEquals(Integer.MAX_VALUE - 4, sums[19]);
  }

  @Test
  void indicesOutsideAreNamed() {
    Tensor x = Derivatives.normal(23, DType.F32, 4, 20);
    for (int bad : new int[] {-1, 4, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      Tensor k = Tensor.of(new int[] {0, bad});
      var e = assertThrows(IndexOutOfBoundsException.class, () -> x.take(0, k));
      assertTrue(
          e.getMessage().startsWith("index: " + bad + " is outside of 0 … 3"), e.getMessage());
      assertThrows(IndexOutOfBoundsException.class, () -> x.transpose().take(1, k));
      Tensor u = x.slice(0, 0, 2);
      assertThrows(IndexOutOfBoundsException.class, () -> u.scatterAdd(0, k, 4));
      assertThrows(IndexOutOfBoundsException.class, () -> u.sum(1).scatterAdd(0, k, 4));
      Function<Tensor, Tensor> f = Autodiff.compile((Tensor t) -> t.take(0, k).sum());
      assertThrows(IndexOutOfBoundsException.class, () -> f.apply(x));
    }
  }

  @Test
  void namesWhatIsWrong() {
    Tensor x = Tensor.zeros(DType.F32, 4, 3);
    Tensor k = Tensor.of(new int[] {0, 1});
    assertThrows(IllegalArgumentException.class, () -> x.take(2, k));
    assertThrows(IllegalArgumentException.class, () -> x.take(0, k.cast(DType.F32)));
    assertThrows(IllegalArgumentException.class, () -> x.takeAlong(0, k));
    assertThrows(IllegalArgumentException.class, () -> x.scatterAdd(0, k, 4));
    assertThrows(IllegalArgumentException.class, () -> x.slice(0, 0, 0).take(0, k));
    Tensor truth = Tensor.of(new boolean[] {true, false});
    assertThrows(IllegalArgumentException.class, () -> truth.scatterAdd(0, k, 2));
  }

  /** Indices are data, so they are checked even where there is nothing to read or to add. */
  @Test
  void indicesAreCheckedWhereThereIsNothingToRead() {
    Tensor none = Tensor.zeros(DType.F64, 2, 3, 0);
    Tensor wrong = Tensor.of(new int[] {0, 3});
    Tensor right = Tensor.of(new int[] {0, 2});
    Function<Tensor, Tensor> take = t -> none.take(1, t);
    Function<Tensor, Tensor> add = t -> none.take(1, right).scatterAdd(1, t, 3);
    for (Function<Tensor, Tensor> f : List.of(take, add)) {
      assertThrows(IndexOutOfBoundsException.class, () -> f.apply(wrong));
      assertThrows(IndexOutOfBoundsException.class, () -> Autodiff.compile(f).apply(wrong));
    }
    assertEquals(Shape.of(2, 2, 0), take.apply(right).shape());
    assertEquals(Shape.of(2, 3, 0), Autodiff.compile(add).apply(right).shape());
    Tensor batch = Tensor.of(new int[] {0, 1, 2, -1}, 2, 2);
    assertThrows(IndexOutOfBoundsException.class, () -> Autodiff.vmap(take).apply(batch));
  }

  /** Elements of zeros are zero whatever the index, but an index outside is no index. */
  @Test
  void indicesOfZerosAreChecked() {
    Function<Tensor, Tensor> take = t -> Tensor.zeros(DType.F32, 4).take(0, t);
    Function<Tensor, Tensor> add = t -> Tensor.zeros(DType.F32, 2).scatterAdd(0, t, 4);
    for (Function<Tensor, Tensor> f : List.of(take, add)) {
      Function<Tensor, Tensor> compiled = Autodiff.compile(f);
      Tensor outside = Tensor.of(new int[] {0, 4});
      assertThrows(IndexOutOfBoundsException.class, () -> compiled.apply(outside));
      float sum = compiled.apply(Tensor.of(new int[] {0, 3})).sum().toFloatArray()[0];
      assertEquals(0, sum);
    }
  }
}
