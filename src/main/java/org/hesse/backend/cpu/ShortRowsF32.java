// twin: F64
package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/**
 * Cross-entropy and its derivatives for few classes, which would leave most lanes of a vector along
 * a row empty: some rows at a time, column by column. {@link RowsF32} does the same along rows.
 */
final class ShortRowsF32 implements ShortRows {
  private static final int[] ARGUMENT = {0};
  private static final Kernel EXP = kernel(UnaryKind.EXP);
  private static final Kernel LOG = kernel(UnaryKind.LOG);

  private final CompositeKind kind;

  ShortRowsF32(CompositeKind kind) {
    this.kind = kind;
  }

  private static Kernel kernel(UnaryKind kind) {
    return Kernels.of(new Op.Unary(kind), DType.F32, DType.F32);
  }

  @Override
  public void run(Place[] in, Place out, int rows, int n) {
    // The columns, and behind them what is taken off each row.
    float[] x = Frame.current().halfF32;
    turn(in[0], rows, n, x);
    if (kind instanceof CompositeKind.CrossEntropy) {
      value(x, in[1], out, rows, n);
      return;
    }
    weights(x, in[2], rows, n);
    if (kind instanceof CompositeKind.CrossEntropyTangent) {
      tangent(x, in[1], in[3], out, rows, n);
    } else {
      cotangent(x, in[1], in[3], out, rows, n);
    }
  }

  private static float[] floats(Place place) {
    return (float[]) place.array();
  }

  private static void turn(Place from, int rows, int n, float[] x) {
    float[] logits = floats(from);
    for (int r = 0, at = from.at(); r < rows; r++, at += from.step()) {
      for (int j = 0; j < n; j++) {
        x[j * rows + r] = logits[at + j];
      }
    }
  }

  private static void apply(Kernel function, float[] x, int at, int n) {
    Frame frame = Frame.current();
    frame.ensureValues(1);
    frame.values[0] = x;
    frame.offsets[0] = at;
    function.run(frame, ARGUMENT, 0, n);
  }

  private static void value(float[] x, Place labels, Place out, int rows, int n) {
    float[] y = floats(out);
    int[] label = (int[]) labels.array();
    int shift = n * rows;
    int log = shift + rows;
    for (int r = 0; r < rows; r++) {
      float max = x[r];
      for (int j = 1; j < n; j++) {
        max = Math.max(max, x[j * rows + r]);
      }
      float off = Float.isInfinite(max) ? 0 : max;
      x[shift + r] = off;
      for (int j = 0; j < n; j++) {
        x[j * rows + r] -= off;
      }
      int i = label[labels.at() + r * labels.step()];
      y[out.at() + r * out.step()] = i >= 0 && i < n ? x[i * rows + r] : Float.NaN;
    }
    apply(EXP, x, 0, n * rows);
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        sum += x[j * rows + r];
      }
      x[log + r] = (float) sum;
    }
    apply(LOG, x, log, rows);
    for (int r = 0, to = out.at(); r < rows; r++, to += out.step()) {
      int i = label[labels.at() + r * labels.step()];
      float s = i >= 0 && i < n ? x[log + r] : Float.NaN;
      y[to] = s - y[to];
      y[to + 1] = x[shift + r];
      y[to + 2] = s;
    }
  }

  /** The softmax of each row, from its logits and the result of {@link #value}. */
  private static void weights(float[] x, Place value, int rows, int n) {
    float[] a = floats(value);
    for (int r = 0, at = value.at(); r < rows; r++, at += value.step()) {
      for (int j = 0; j < n; j++) {
        x[j * rows + r] = x[j * rows + r] - a[at + 1] - a[at + 2];
      }
    }
    apply(EXP, x, 0, n * rows);
  }

  private static void tangent(float[] p, Place labels, Place tangents, Place out, int rows, int n) {
    float[] t = floats(tangents);
    float[] y = floats(out);
    int[] label = (int[]) labels.array();
    for (int r = 0; r < rows; r++) {
      int at = tangents.at() + r * tangents.step();
      int to = out.at() + r * out.step();
      double mean = 0;
      for (int j = 0; j < n; j++) {
        mean += (double) p[j * rows + r] * t[at + j];
      }
      int i = label[labels.at() + r * labels.step()];
      y[to] = (float) (mean - (i >= 0 && i < n ? t[at + i] : 0));
      y[to + 1] = 0;
      y[to + 2] = (float) mean;
    }
  }

  private static void cotangent(
      float[] p, Place labels, Place cotangents, Place out, int rows, int n) {
    float[] w = floats(cotangents);
    float[] y = floats(out);
    int[] label = (int[]) labels.array();
    for (int r = 0; r < rows; r++) {
      int at = cotangents.at() + r * cotangents.step();
      int to = out.at() + r * out.step();
      float loss = w[at];
      float factor = loss + w[at + 2];
      int i = label[labels.at() + r * labels.step()];
      for (int j = 0; j < n; j++) {
        y[to + j] = p[j * rows + r] * factor - (j == i ? loss : 0);
      }
    }
  }
}
