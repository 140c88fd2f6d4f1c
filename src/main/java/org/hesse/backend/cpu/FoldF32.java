// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import org.hesse.ir.ReduceKind;

/**
 * Folds by halves: rows 0… take up rows n/2…, and so on until one row is left. These are plain
 * loops over long stretches, and the error of a sum grows with the logarithm of its length only.
 */
final class FoldF32 implements FoldKernel {
  private static final ReduceKind KIND =
      Specialized.constant(MethodHandles.lookup(), ReduceKind.class);

  FoldF32() {}

  @Override
  public void fold(
      Frame frame,
      Object data,
      int offset,
      int rows,
      int width,
      double[] sums,
      double[] lost,
      int to) {
    float[] a = (float[]) data;
    int at = offset;
    float[] half = frame.halfF32;
    // A column of few numbers is folded in double below, one after another.
    int few = width == 1 ? 16 : 1;
    boolean first = true;
    while (rows > few) {
      int kept = Integer.highestOneBit(rows - 1);
      int n = (rows - kept) * width;
      combine(a, at, at + kept * width, half, n);
      if (first) {
        System.arraycopy(a, at + n, half, n, kept * width - n);
        a = half;
        at = 0;
        first = false;
      }
      rows = kept;
    }
    if (Simd.PRESENT && rows == 1 && width > 1) {
      FoldLoopF32.merge(KIND == ReduceKind.SUM, a, at, width, sums, lost, to);
      return;
    }
    for (int r = 0; r < rows; r++) {
      for (int i = 0; i < width; i++) {
        merge(sums, lost, to + i, a[at + r * width + i]);
      }
    }
  }

  private static void combine(float[] a, int p, int q, float[] to, int n) {
    if (Simd.PRESENT) {
      FoldLoopF32.run(KIND == ReduceKind.SUM, a, p, q, to, n);
      return;
    }
    for (int i = 0; i < n; i++) {
      to[i] = KIND == ReduceKind.SUM ? a[p + i] + a[q + i] : Math.max(a[p + i], a[q + i]);
    }
  }

  private static void merge(double[] sums, double[] lost, int i, double v) {
    double s = sums[i];
    if (KIND == ReduceKind.SUM) {
      double t = s + v;
      double back = t - s;
      lost[i] += (s - (t - back)) + (v - back);
      sums[i] = t;
    } else {
      sums[i] = Math.max(s, v);
    }
  }
}
