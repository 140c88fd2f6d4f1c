// twin: F64
package org.hesse.backend.cpu;

import org.hesse.ir.CompositeKind;
import org.hesse.ir.CompositeKind.Scaling;

/** Composites on one row, made of the loops of {@link RowLoopsF32}. */
final class RowsF32 {
  private RowsF32() {}

  static RowKernel of(CompositeKind kind) {
    return switch (kind) {
      case CompositeKind.Softmax k -> new SoftmaxF32();
      case CompositeKind.SoftmaxTangent k -> RowsF32::softmaxTangent;
      case CompositeKind.LogSoftmax k -> RowsF32::logSoftmax;
      case CompositeKind.LogSoftmaxTangent k -> RowsF32::logSoftmaxTangent;
      case CompositeKind.LogSoftmaxCotangent k -> RowsF32::logSoftmaxCotangent;
      case CompositeKind.LogSumExp k -> RowsF32::logSumExp;
      case CompositeKind.CrossEntropy k -> RowsF32::crossEntropy;
      case CompositeKind.CrossEntropyTangent k -> RowsF32::crossEntropyTangent;
      case CompositeKind.CrossEntropyCotangent k -> RowsF32::crossEntropyCotangent;
      case CompositeKind.Moments(var centred, var epsilon) ->
          (in, at, out, to, n) -> moments(centred, epsilon, (float[]) in[0], at[0], n, out, to);
      case CompositeKind.NormalizeTangent(var centred, var scaling) ->
          (in, at, out, to, n) -> normalizeTangent(centred, scaling, in, at, out, to, n);
      case CompositeKind.Normalize(var centred, var epsilon) ->
          (in, at, out, to, n) -> {
            float[] x = (float[]) in[0];
            double mean = mean(centred, x, at[0], n);
            double r = inverseDeviation(x, at[0], n, mean, epsilon);
            normalize(mean, r, in.length, in, at, out, to, n);
          };
      case CompositeKind.Attention k -> throw none(k);
      case CompositeKind.AttentionTangent k -> throw none(k);
      case CompositeKind.AttentionCotangent k -> throw none(k);
    };
  }

  /** A norm whose last operand is where the moments go that it computes. */
  static RowKernel withMoments(CompositeKind.Normalize kind) {
    return (in, at, out, to, n) -> {
      int last = in.length - 1;
      float[] x = (float[]) in[0];
      float[] m = (float[]) in[last];
      double mean = mean(kind.centred(), x, at[0], n);
      double r = inverseDeviation(x, at[0], n, mean, kind.epsilon());
      m[at[last]] = (float) mean;
      m[at[last] + 1] = (float) r;
      normalize(mean, r, last, in, at, out, to, n);
    };
  }

  private static void softmaxTangent(Object[] in, int[] at, Object out, int to, int n) {
    float[] p = (float[]) in[0];
    float[] t = (float[]) in[1];
    double mean = RowLoopsF32.dot(p, at[0], t, at[1], n);
    RowLoopsF32.weighted(p, at[0], t, at[1], n, mean, (float[]) out, to);
  }

  private static void logSoftmax(Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    double max = RowLoopsF32.max(x, at[0], n);
    double log = Math.log(RowLoopsF32.expSum(x, at[0], n, max));
    RowLoopsF32.shift(x, at[0], n, max, log, (float[]) out, to);
  }

  private static void logSoftmaxTangent(Object[] in, int[] at, Object out, int to, int n) {
    float[] t = (float[]) in[1];
    double mean = RowLoopsF32.expDot((float[]) in[0], at[0], 0, 0, t, at[1], n);
    RowLoopsF32.shift(t, at[1], n, mean, 0, (float[]) out, to);
  }

  private static void logSoftmaxCotangent(Object[] in, int[] at, Object out, int to, int n) {
    float[] c = (float[]) in[1];
    double sum = RowLoopsF32.sum(c, at[1], n);
    RowLoopsF32.minusExp((float[]) in[0], at[0], c, at[1], n, sum, (float[]) out, to);
  }

  private static void logSumExp(Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    double max = RowLoopsF32.max(x, at[0], n);
    double shift = Double.isInfinite(max) ? 0 : max;
    double sum = expSum(x, at[0], n, max, shift);
    float[] y = (float[]) out;
    y[to] = Double.isNaN(sum) ? Float.NaN : (float) shift;
    y[to + 1] = (float) Math.log(sum);
  }

  /** Σ eˣ⁻ˢ. The loop's exponential knows nothing above 0, of which there is only ∞. */
  private static double expSum(float[] x, int at, int n, double max, double shift) {
    if (max < Float.POSITIVE_INFINITY) {
      return RowLoopsF32.expSum(x, at, n, shift);
    }
    for (int i = at; i < at + n; i++) {
      if (Float.isNaN(x[i])) {
        return Double.NaN;
      }
    }
    return max;
  }

  private static void crossEntropy(Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    int label = ((int[]) in[1])[at[1]];
    double max = RowLoopsF32.max(x, at[0], n);
    double shift = Double.isInfinite(max) ? 0 : max;
    boolean known = label >= 0 && label < n;
    double log = known ? Math.log(expSum(x, at[0], n, max, shift)) : Double.NaN;
    float[] y = (float[]) out;
    y[to] = known ? (float) (log - (x[at[0] + label] - shift)) : Float.NaN;
    y[to + 1] = (float) shift;
    y[to + 2] = (float) log;
  }

  private static void crossEntropyTangent(Object[] in, int[] at, Object out, int to, int n) {
    float[] a = (float[]) in[2];
    int label = ((int[]) in[1])[at[1]];
    float[] t = (float[]) in[3];
    double m = a[at[2] + 1];
    double s = a[at[2] + 2];
    double mean = RowLoopsF32.expDot((float[]) in[0], at[0], m, s, t, at[3], n);
    float[] y = (float[]) out;
    y[to] = (float) (mean - (label >= 0 && label < n ? t[at[3] + label] : 0));
    y[to + 1] = 0;
    y[to + 2] = (float) mean;
  }

  private static void crossEntropyCotangent(Object[] in, int[] at, Object out, int to, int n) {
    float[] a = (float[]) in[2];
    int label = ((int[]) in[1])[at[1]];
    float[] w = (float[]) in[3];
    double loss = w[at[3]];
    double factor = loss + w[at[3] + 2];
    float[] y = (float[]) out;
    double m = a[at[2] + 1];
    double s = a[at[2] + 2];
    var _ = RowLoopsF32.exp((float[]) in[0], at[0], n, m, s, factor, y, to);
    if (label >= 0 && label < n) {
      y[to + label] -= (float) loss;
    }
  }

  private static IllegalArgumentException none(CompositeKind kind) {
    return new IllegalArgumentException(kind + " has no kernel for rows");
  }

  private static void moments(
      boolean centred, double epsilon, float[] x, int at, int n, Object out, int to) {
    double mean = mean(centred, x, at, n);
    float[] y = (float[]) out;
    y[to] = (float) mean;
    y[to + 1] = (float) inverseDeviation(x, at, n, mean, epsilon);
  }

  private static double mean(boolean centred, float[] x, int at, int n) {
    return centred ? RowLoopsF32.sum(x, at, n) / n : 0;
  }

  /** 1/√(mean (x − μ)² + ε). */
  private static double inverseDeviation(float[] x, int at, int n, double mean, double epsilon) {
    // The loop rounds the mean; what that takes is no small part of a variance far below it.
    double lost = (float) mean - mean;
    double variance = Math.max(0, RowLoopsF32.squares(x, at, n, mean) / n - lost * lost);
    return 1 / Math.sqrt(variance + epsilon);
  }

  /** The first {@code count} operands are the row, scale and shift, or the first of these. */
  private static void normalize(
      double mean, double r, int count, Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    float[] y = (float[]) out;
    if (count == 1) {
      RowLoopsF32.shift(x, at[0], n, mean, 0, y, to);
      RowLoopsF32.scale(y, to, n, r);
    } else if (count == 2) {
      RowLoopsF32.product(x, at[0], mean, r, (float[]) in[1], at[1], n, y, to);
    } else {
      float[] shift = (float[]) in[2];
      RowLoopsF32.affine(x, at[0], mean, r, (float[]) in[1], at[1], shift, at[2], n, y, to);
    }
  }

  /** r (t − mean t − (x − μ) r² mean((x − μ) t)), t or all of it times a scale. */
  private static void normalizeTangent(
      boolean centred, Scaling scaling, Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    float[] m = (float[]) in[1];
    float[] s = (float[]) in[in.length - 2];
    float[] t = (float[]) in[in.length - 1];
    int sAt = at[in.length - 2];
    int tAt = at[in.length - 1];
    float mean = m[at[1]];
    double r = m[at[1] + 1];
    NormLoopF32 loop = RowLoopsF32.norm(scaling);
    double[] sums = Frame.current().sums;
    loop.sums(x, at[0], mean, t, tAt, s, sAt, n, sums);
    float slope = (float) (-r * r * r * (sums[0] / n));
    float average = centred ? (float) (sums[1] / n) : 0;
    loop.combine(x, at[0], mean, slope, t, tAt, average, (float) r, s, sAt, n, (float[]) out, to);
  }
}
