package org.hesse.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;

/** Convolution and pooling against direct loops. */
class ConvolutionTest {
  /** Sizes of a two-dimensional convolution. */
  private record Case(
      int n,
      int c,
      int h,
      int w,
      int o,
      int kh,
      int kw,
      int[] stride,
      int[] pad,
      int[] dilation,
      int groups) {
    static Case draw(Random r) {
      int groups = 1 + r.nextInt(3);
      int[] dilation = {1 + r.nextInt(3), 1 + r.nextInt(2)};
      int[] pad = {r.nextInt(3), r.nextInt(3)};
      int kh = 1 + r.nextInt(3);
      int kw = 1 + r.nextInt(4);
      int h = Math.max(1, (kh - 1) * dilation[0] + 1 - 2 * pad[0]) + r.nextInt(6);
      int w = Math.max(1, (kw - 1) * dilation[1] + 1 - 2 * pad[1]) + r.nextInt(6);
      int[] stride = {1 + r.nextInt(3), 1 + r.nextInt(3)};
      int c = groups * (1 + r.nextInt(3));
      return new Case(
          1 + r.nextInt(3),
          c,
          h,
          w,
          groups * (1 + r.nextInt(3)),
          kh,
          kw,
          stride,
          pad,
          dilation,
          groups);
    }

    int out(int axis) {
      int extent = axis == 0 ? h : w;
      int k = axis == 0 ? kh : kw;
      return (extent + 2 * pad[axis] - (k - 1) * dilation[axis] - 1) / stride[axis] + 1;
    }

    Sliding sliding() {
      return Sliding.by(stride).padded(pad).dilated(dilation);
    }

    Tensor x(DType dtype) {
      return Derivatives.normal(1, dtype, n, c, h, w);
    }

    Tensor weight(DType dtype) {
      return Derivatives.normal(2, dtype, o, c / groups, kh, kw);
    }

    @Override
    public String toString() {
      return n + "×" + c + "×" + h + "×" + w + " by " + o + "×" + kh + "×" + kw + " " + sliding()
          + " in " + groups;
    }
  }

  /** Seven loops: examples, outputs, two positions, channels, two places in the window. */
  private static double[] direct(Case k, double[] x, double[] weight) {
    int cg = k.c / k.groups;
    int og = k.o / k.groups;
    double[] y = new double[k.n * k.o * k.out(0) * k.out(1)];
    int next = 0;
    for (int n = 0; n < k.n; n++) {
      for (int o = 0; o < k.o; o++) {
        for (int p = 0; p < k.out(0); p++) {
          for (int q = 0; q < k.out(1); q++, next++) {
            for (int c = 0; c < cg; c++) {
              for (int i = 0; i < k.kh; i++) {
                for (int j = 0; j < k.kw; j++) {
                  int row = p * k.stride[0] + i * k.dilation[0] - k.pad[0];
                  int column = q * k.stride[1] + j * k.dilation[1] - k.pad[1];
                  if (row >= 0 && row < k.h && column >= 0 && column < k.w) {
                    int channel = o / og * cg + c;
                    y[next] +=
                        x[((n * k.c + channel) * k.h + row) * k.w + column]
                            * weight[((o * cg + c) * k.kh + i) * k.kw + j];
                  }
                }
              }
            }
          }
        }
      }
    }
    return y;
  }

  @Test
  void equalsTheLoops() {
    Random random = new Random(5);
    for (int i = 0; i < 150; i++) {
      Case k = Case.draw(random);
      DType dtype = i % 3 == 0 ? DType.F32 : DType.F64;
      Tensor x = k.x(dtype);
      Tensor w = k.weight(dtype);
      Shape shape = Shape.of(k.n, k.o, k.out(0), k.out(1));
      double[] expected = direct(k, x.toDoubleArray(), w.toDoubleArray());
      try {
        Derivatives.close(shape, expected, x.convolve(w, k.sliding(), k.groups), dtype);
      } catch (AssertionError e) {
        throw new AssertionError(k.toString(), e);
      }
    }
  }

  /** Sizes at which blocks, tiles and tasks come into play. */
  @Test
  void equalsTheLoopsAtScale() {
    for (int groups : new int[] {1, 8}) {
      int[] one = {1, 1};
      Case k = new Case(2, 8, 33, 29, 16, 3, 3, one, one, one, groups);
      Tensor x = k.x(DType.F32);
      Tensor w = k.weight(DType.F32);
      double[] expected = direct(k, x.toDoubleArray(), w.toDoubleArray());
      Shape shape = Shape.of(2, 16, 33, 29);
      Derivatives.close(shape, expected, x.convolve(w, k.sliding(), groups), DType.F32);
    }
  }

  /**
   * Rows that are read in place, by vectors that fit, overlap or are not full, and rows that are
   * not.
   */
  @Test
  void equalsTheLoopsInRowsOfAnyWidth() {
    Random random = new Random(17);
    for (int width = 6; width < 72; width += 1 + random.nextInt(3)) {
      Case k = Case.draw(random);
      k = new Case(k.n, k.c, k.h, width, k.o, k.kh, k.kw, k.stride, k.pad, k.dilation, k.groups);
      DType dtype = random.nextBoolean() ? DType.F32 : DType.F64;
      Tensor x = k.x(dtype);
      Tensor w = k.weight(dtype);
      Shape shape = Shape.of(k.n, k.o, k.out(0), k.out(1));
      double[] expected = direct(k, x.toDoubleArray(), w.toDoubleArray());
      Derivatives.close(shape, expected, x.convolve(w, k.sliding(), k.groups), dtype);
    }
  }

  /** The pull-back of u: of each product in the loops what belongs to the other factor. */
  private static double[][] directGradients(Case k, double[] x, double[] weight, double[] u) {
    int cg = k.c / k.groups;
    int og = k.o / k.groups;
    double[][] g = {new double[x.length], new double[weight.length]};
    int next = 0;
    for (int n = 0; n < k.n; n++) {
      for (int o = 0; o < k.o; o++) {
        for (int p = 0; p < k.out(0); p++) {
          for (int q = 0; q < k.out(1); q++, next++) {
            for (int place = 0; place < cg * k.kh * k.kw; place++) {
              int row = p * k.stride[0] + place / k.kw % k.kh * k.dilation[0] - k.pad[0];
              int column = q * k.stride[1] + place % k.kw * k.dilation[1] - k.pad[1];
              if (row >= 0 && row < k.h && column >= 0 && column < k.w) {
                int channel = o / og * cg + place / k.kw / k.kh;
                int at = ((n * k.c + channel) * k.h + row) * k.w + column;
                int tap = o * cg * k.kh * k.kw + place;
                g[0][at] += u[next] * weight[tap];
                g[1][tap] += u[next] * x[at];
              }
            }
          }
        }
      }
    }
    return g;
  }

  @Test
  void gradientsEqualTheLoops() {
    Random random = new Random(23);
    for (int width = 7; width < 60; width += 1 + random.nextInt(4)) {
      Case k = Case.draw(random);
      k = new Case(k.n, k.c, k.h, width, k.o, k.kh, k.kw, k.stride, k.pad, k.dilation, k.groups);
      Case c = k;
      DType dtype = random.nextBoolean() ? DType.F32 : DType.F64;
      Tensor x = c.x(dtype);
      Tensor w = c.weight(dtype);
      Tensor u = Derivatives.normal(3, dtype, c.n, c.o, c.out(0), c.out(1));
      double[][] expected =
          directGradients(c, x.toDoubleArray(), w.toDoubleArray(), u.toDoubleArray());
      Tensor gx =
          Autodiff.grad((Tensor t) -> t.convolve(w, c.sliding(), c.groups).mul(u).sum()).apply(x);
      Tensor gw =
          Autodiff.grad((Tensor t) -> x.convolve(t, c.sliding(), c.groups).mul(u).sum()).apply(w);
      Derivatives.close(x.shape(), expected[0], gx, dtype);
      Derivatives.close(w.shape(), expected[1], gw, dtype);
    }
  }

  @Test
  void wideRowsAreDifferentiableToAnyOrder() {
    Tensor x = Derivatives.normal(7, DType.F64, 1, 2, 3, 11);
    Tensor w = Derivatives.normal(8, DType.F64, 2, 2, 2, 3);
    for (int pad = 0; pad < 2; pad++) {
      Sliding s = Sliding.by(1).padded(pad);
      Derivatives.check(in -> in.get(0).convolve(in.get(1), s, 1), 2, x, w);
    }
  }

  /** What lies behind the rows in memory has no part in any sum. */
  @Test
  void numbersThatAreNotFiniteStayWhereTheyAre() {
    Tensor x = Derivatives.normal(5, DType.F32, 1, 2, 4, 19);
    Tensor infinite = Tensor.full(Double.POSITIVE_INFINITY, DType.F32, 1, 1, 4, 19);
    Tensor both = Tensor.concat(1, x.slice(1, 0, 1), infinite);
    Tensor w = Derivatives.normal(6, DType.F32, 2, 1, 2, 3);
    Sliding s = Sliding.by(1);
    Tensor u = Derivatives.normal(7, DType.F32, 1, 2, 3, 17);
    Tensor g = Autodiff.grad((Tensor t) -> both.convolve(t, s, 2).mul(u).sum()).apply(w);
    Tensor alone =
        Autodiff.grad((Tensor t) -> x.slice(1, 0, 1).convolve(t, s, 1).mul(u.slice(1, 0, 1)).sum())
            .apply(w.slice(0, 0, 1));
    Derivatives.close(alone, g.slice(0, 0, 1));
  }

  @Test
  void oneAndThreeSpatialAxes() {
    Tensor x = Derivatives.normal(3, DType.F64, 2, 3, 9);
    Tensor w = Derivatives.normal(4, DType.F64, 4, 3, 3);
    Sliding s = Sliding.by(2).padded(1);
    Tensor flat = x.insertAxis(2).convolve(w.insertAxis(2), Sliding.by(1, 2).padded(0, 1), 1);
    Derivatives.close(flat.reshape(2, 4, 5), x.convolve(w, s, 1));
    Tensor volume = Derivatives.normal(5, DType.F64, 1, 2, 3, 4, 5);
    Tensor kernel = Derivatives.normal(6, DType.F64, 2, 2, 1, 2, 3);
    Tensor sum = volume.convolve(kernel, Sliding.by(1), 1);
    Tensor layer = volume.select(2, 1).convolve(kernel.select(2, 0), Sliding.by(1), 1);
    Derivatives.close(layer, sum.select(2, 1));
  }

  @Test
  void isDifferentiableToAnyOrder() {
    int[][] settings = {{1, 0, 1, 1}, {2, 1, 1, 1}, {1, 1, 2, 2}, {2, 2, 1, 2}};
    for (int[] s : settings) {
      Tensor x = Derivatives.normal(7, DType.F64, 2, 2, 5, 4);
      Tensor w = Derivatives.normal(8, DType.F64, 2, 2 / s[3], 2, 2);
      Sliding sliding = Sliding.by(s[0]).padded(s[1]).dilated(s[2]);
      Derivatives.check(in -> in.get(0).convolve(in.get(1), sliding, s[3]), 3, x, w);
    }
    Tensor x = Derivatives.normal(9, DType.F64, 2, 3, 6);
    Tensor w = Derivatives.normal(10, DType.F64, 2, 3, 3);
    Derivatives.check(in -> in.get(0).convolve(in.get(1), Sliding.by(2).padded(1), 1), 3, x, w);
  }

  private static double[] pool(Case k, double[] x, boolean max) {
    double[] y = new double[k.n * k.c * k.out(0) * k.out(1)];
    int next = 0;
    for (int plane = 0; plane < k.n * k.c; plane++) {
      for (int p = 0; p < k.out(0); p++) {
        for (int q = 0; q < k.out(1); q++, next++) {
          double most = Double.NEGATIVE_INFINITY;
          double sum = 0;
          for (int i = 0; i < k.kh; i++) {
            for (int j = 0; j < k.kw; j++) {
              int row = p * k.stride[0] + i * k.dilation[0] - k.pad[0];
              int column = q * k.stride[1] + j * k.dilation[1] - k.pad[1];
              if (row >= 0 && row < k.h && column >= 0 && column < k.w) {
                double v = x[(plane * k.h + row) * k.w + column];
                most = Math.max(most, v);
                sum += v;
              }
            }
          }
          y[next] = max ? most : sum / (k.kh * k.kw);
        }
      }
    }
    return y;
  }

  @Test
  void poolingEqualsTheLoops() {
    Random random = new Random(11);
    int tried = 0;
    while (tried < 60) {
      Case k = Case.draw(random);
      if (2 * k.pad[0] > k.kh || 2 * k.pad[1] > k.kw) {
        continue;
      }
      DType dtype = tried % 2 == 0 ? DType.F64 : DType.F32;
      Tensor x = k.x(dtype).sub(5);
      double[] values = x.toDoubleArray();
      int[] size = {k.kh, k.kw};
      Shape shape = Shape.of(k.n, k.c, k.out(0), k.out(1));
      Derivatives.close(shape, pool(k, values, true), x.maxPool(size, k.sliding()), dtype);
      Derivatives.close(shape, pool(k, values, false), x.averagePool(size, k.sliding()), dtype);
      tried++;
    }
  }

  @Test
  void poolingIsDifferentiable() {
    Tensor x = Derivatives.normal(12, DType.F64, 2, 2, 5, 6);
    Sliding apart = Sliding.by(2);
    Sliding overlapping = Sliding.by(2, 1).padded(1);
    for (Sliding s : List.of(apart, overlapping)) {
      Derivatives.check(in -> in.get(0).maxPool(new int[] {2, 3}, s), 2, x);
      Derivatives.check(in -> in.get(0).averagePool(new int[] {2, 3}, s), 2, x);
    }
  }

  @Test
  void tiesShareTheDerivative() {
    Tensor x = Tensor.of(new double[] {1, 1, 0, 2}, 1, 1, 2, 2);
    Tensor g =
        Autodiff.grad((Tensor t) -> t.maxPool(new int[] {1, 2}, Sliding.by(1)).sum()).apply(x);
    Derivatives.close(Tensor.of(new double[] {0.5, 0.5, 0, 1}, 1, 1, 2, 2), g);
  }

  @Test
  void emptyBatchesAreFine() {
    Tensor x = Tensor.zeros(DType.F32, 0, 2, 5, 5);
    Tensor w = Tensor.ones(DType.F32, 3, 2, 3, 3);
    assertEquals(Shape.of(0, 3, 3, 3), x.convolve(w, Sliding.by(1), 1).shape());
    Tensor g = Autodiff.grad((Tensor t) -> x.convolve(t, Sliding.by(1), 1).sum()).apply(w);
    Derivatives.close(w.mul(0), g);
  }

  @Test
  void namesWhatIsWrong() {
    Tensor x = Tensor.zeros(DType.F32, 1, 4, 5, 5);
    Tensor w = Tensor.zeros(DType.F32, 2, 3, 3, 3);
    Sliding s = Sliding.by(1);
    var e = assertThrows(IllegalArgumentException.class, () -> x.convolve(w, s, 1));
    assertEquals(
        "convolve: input F32[1, 4, 5, 5], weights F32[2, 3, 3, 3], groups 1; expected [N, C,"
            + " spatial…], [O, C / groups, window…] and a divisor of C and O",
        e.getMessage());
    Tensor big = Tensor.zeros(DType.F32, 2, 4, 6, 3);
    assertThrows(IllegalArgumentException.class, () -> x.convolve(big, s, 1));
    assertThrows(IllegalArgumentException.class, () -> x.convolve(w.cast(DType.F64), s, 1));
    assertThrows(IllegalArgumentException.class, () -> x.maxPool(new int[] {3}, s));
    Sliding far = s.padded(2);
    assertThrows(IllegalArgumentException.class, () -> x.maxPool(new int[] {3, 3}, far));
    assertThrows(IllegalArgumentException.class, () -> Sliding.by(0));
    assertThrows(IllegalArgumentException.class, () -> s.padded(-1));
    assertThrows(
        IllegalArgumentException.class, () -> x.maxPool(new int[] {2, 2}, Sliding.by(1, 1, 1)));
  }
}
