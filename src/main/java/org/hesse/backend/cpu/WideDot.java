package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * Rows of floats times a vector of floats with products and sums in double, as Lanczos methods take
 * to stay orthogonal. A product of two floats is exact in double. Four rows share the vector, which
 * is converted once for them. Long rows are cut into parts of a fixed length, so the order of a
 * row's sum depends on nothing but its length.
 */
final class WideDot implements Prepared {
  private static final int ROWS = 4;
  private static final int LANES = VectorMath.SPECIES.length();

  /** Pairs of a part, and about as many as a task multiplies, some 10 microseconds. */
  private static final int PART = 1 << 16;

  private final Slot matrix;
  private final Slot vector;
  private final Slot out;
  private final int[] matrixAt;
  private final int[] vectorAt;
  private final int[] outAt;
  private final int batch;
  private final int rows;
  private final int k;
  private final int parts;
  private final int piecesPerTask;

  private WideDot(Step.Dot dot, int rows, int axis, View matrix, View vector) {
    this.batch = dot.batch();
    this.rows = rows;
    this.k = dot.k();
    this.matrix = matrix.slot();
    this.vector = vector.slot();
    this.out = dot.out().slot();
    this.matrixAt = places(matrix, 1);
    this.vectorAt = places(vector, 1);
    this.outAt = places(dot.out(), axis);
    this.parts = (k - 1) / PART + 1;
    this.piecesPerTask = Math.max(1, PART / ROWS / k);
  }

  /** Origin, and the strides over the batch and over rows. */
  private static int[] places(View view, int axis) {
    return new int[] {
      Math.toIntExact(view.slot().offset() + view.offset()),
      Math.toIntExact(view.strides()[0]),
      Math.toIntExact(view.strides()[axis])
    };
  }

  /** This way, if the product is of that kind. */
  static @Nullable Prepared of(Step.Dot dot) {
    boolean wide = dot.lhs().slot().dtype() == DType.F32 && dot.out().slot().dtype() == DType.F64;
    boolean along = dot.lhs().strides()[2] == 1 && dot.rhs().strides()[2] == 1;
    if (!wide || !along || dot.k() < 2 * LANES) {
      return null;
    }
    if (dot.n() == 1) {
      return new WideDot(dot, dot.m(), 1, dot.lhs(), dot.rhs());
    }
    return dot.m() == 1 ? new WideDot(dot, dot.n(), 2, dot.rhs(), dot.lhs()) : null;
  }

  @Override
  public void run(Memory memory) {
    float[] a = (float[]) memory.array(matrix);
    float[] x = (float[]) memory.array(vector);
    double[] to = (double[]) memory.array(out);
    int sums = Math.multiplyExact(batch, rows);
    double[] sum =
        parts == 1
            ? to
            : (double[]) Frame.current().shared(DType.F64, Math.multiplyExact(parts, sums));
    int groups = (rows + ROWS - 1) / ROWS;
    int all = Math.multiplyExact(batch, groups) * parts;
    Workers.run(
        (all + piecesPerTask - 1) / piecesPerTask,
        task -> {
          int end = Math.min(all, (task + 1) * piecesPerTask);
          for (int piece = task * piecesPerTask; piece < end; piece++) {
            int g = piece / parts;
            group(a, x, sum, piece % parts, g / groups, g % groups * ROWS);
          }
        });
    if (parts > 1) {
      for (int i = 0; i < sums; i++) {
        double total = 0;
        for (int p = 0; p < parts; p++) {
          total += sum[p * sums + i];
        }
        to[outAt[0] + i / rows * outAt[1] + i % rows * outAt[2]] = total;
      }
    }
  }

  /** The sums of up to four rows from a first one on, over one part of them. */
  private void group(float[] a, float[] x, double[] sum, int part, int item, int row) {
    int from = part * PART;
    int n = Math.min(PART, k - from);
    int at = matrixAt[0] + item * matrixAt[1] + row * matrixAt[2] + from;
    int xo = vectorAt[0] + item * vectorAt[1] + from;
    int step = parts == 1 ? outAt[2] : 1;
    int zo =
        parts == 1 ? outAt[0] + item * outAt[1] + row * step : (part * batch + item) * rows + row;
    if (rows - row >= ROWS) {
      four(a, at, matrixAt[2], x, xo, n, sum, zo, step);
      return;
    }
    for (int r = 0; r < rows - row; r++) {
      sum[zo + r * step] = one(a, at + r * matrixAt[2], x, xo, n);
    }
  }

  private static void four(
      float[] a, int at, int stride, float[] x, int xo, int k, double[] to, int zo, int step) {
    DoubleVector zero = DoubleVector.zero(VectorMath.SPECIES);
    DoubleVector s0 = zero, s1 = zero, s2 = zero, s3 = zero;
    DoubleVector t0 = zero, t1 = zero, t2 = zero, t3 = zero;
    int a1 = at + stride;
    int a2 = a1 + stride;
    int a3 = a2 + stride;
    int full = k - k % (2 * LANES);
    for (int i = 0; i < full; i += 2 * LANES) {
      DoubleVector u = LanesF32.load(x, xo + i);
      DoubleVector v = LanesF32.load(x, xo + i + LANES);
      s0 = LanesF32.load(a, at + i).fma(u, s0);
      s1 = LanesF32.load(a, a1 + i).fma(u, s1);
      s2 = LanesF32.load(a, a2 + i).fma(u, s2);
      s3 = LanesF32.load(a, a3 + i).fma(u, s3);
      t0 = LanesF32.load(a, at + i + LANES).fma(v, t0);
      t1 = LanesF32.load(a, a1 + i + LANES).fma(v, t1);
      t2 = LanesF32.load(a, a2 + i + LANES).fma(v, t2);
      t3 = LanesF32.load(a, a3 + i + LANES).fma(v, t3);
    }
    to[zo] = rest(VectorMath.total(s0.add(t0)), a, at, x, xo, full, k);
    to[zo + step] = rest(VectorMath.total(s1.add(t1)), a, a1, x, xo, full, k);
    to[zo + 2 * step] = rest(VectorMath.total(s2.add(t2)), a, a2, x, xo, full, k);
    to[zo + 3 * step] = rest(VectorMath.total(s3.add(t3)), a, a3, x, xo, full, k);
  }

  /** As {@link #four} adds up each of its rows, to the bit. */
  private static double one(float[] a, int at, float[] x, int xo, int k) {
    DoubleVector s = DoubleVector.zero(VectorMath.SPECIES);
    DoubleVector t = s;
    int full = k - k % (2 * LANES);
    for (int i = 0; i < full; i += 2 * LANES) {
      s = LanesF32.load(a, at + i).fma(LanesF32.load(x, xo + i), s);
      t = LanesF32.load(a, at + i + LANES).fma(LanesF32.load(x, xo + i + LANES), t);
    }
    return rest(VectorMath.total(s.add(t)), a, at, x, xo, full, k);
  }

  private static double rest(double sum, float[] a, int at, float[] x, int xo, int from, int k) {
    double total = sum;
    for (int i = from; i < k; i++) {
      total += (double) a[at + i] * x[xo + i];
    }
    return total;
  }
}
