// twin: F64
package org.hesse.backend.cpu;

/**
 * Softmax of rows. Of some rows the next one's largest element is found while the exponentials of
 * one are computed, so that memory is not idle then.
 */
final class SoftmaxF32 implements RowKernel {
  private static final int AT_ONCE = 16;

  SoftmaxF32() {}

  @Override
  public int atOnce(int n) {
    return RowLoopsF32.canLookAhead(n, Frame.current().halfF32) ? AT_ONCE : 1;
  }

  @Override
  public void run(Object[] in, int[] at, Object out, int to, int n) {
    float[] x = (float[]) in[0];
    float[] y = (float[]) out;
    double max = RowLoopsF32.max(x, at[0], n);
    // Long vectors, which exponentials are computed on, are slow to write where no cache is warm.
    float[] line = Frame.current().halfF32;
    boolean fits = n <= line.length;
    float[] e = fits ? line : y;
    int from = fits ? 0 : to;
    double sum = RowLoopsF32.exp(x, at[0], n, max, 0, 1, e, from);
    RowLoopsF32.scale(e, from, n, 1 / sum, y, to);
  }

  @Override
  public void run(Object[] in, int[][] at, Object out, int n, int count) {
    if (count == 1) {
      RowKernel.super.run(in, at, out, n, count);
      return;
    }
    float[] line = Frame.current().halfF32;
    float[] x = (float[]) in[0];
    double max = RowLoopsF32.max(x, at[0][0], n);
    for (int i = 0; i < count; i++) {
      // The last row has none behind it, and looks at itself to no end.
      int next = at[Math.min(i + 1, count - 1)][0];
      double sum = RowLoopsF32.expAhead(x, at[i][0], n, max, next, line);
      max = RowLoopsF32.most(line, n);
      RowLoopsF32.scale(line, 0, n, 1 / sum, (float[]) out, at[i][1]);
    }
  }
}
