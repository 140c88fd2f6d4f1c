package org.hesse.backend.cpu;

/** Scalar loop that takes each element from one operand or the other. */
final class SelectKernel implements Kernel {
  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    boolean[] c = (boolean[]) frame.values[arguments[0]];
    int co = frame.offsets[arguments[0]];
    int xo = frame.offsets[arguments[1]];
    int yo = frame.offsets[arguments[2]];
    int zo = frame.offsets[result];
    Object x = frame.values[arguments[1]];
    Object y = frame.values[arguments[2]];
    switch (frame.values[result]) {
      case float[] z -> select(c, co, (float[]) x, xo, (float[]) y, yo, z, zo, n);
      case double[] z -> select(c, co, (double[]) x, xo, (double[]) y, yo, z, zo, n);
      case int[] z -> select(c, co, (int[]) x, xo, (int[]) y, yo, z, zo, n);
      case boolean[] z -> select(c, co, (boolean[]) x, xo, (boolean[]) y, yo, z, zo, n);
      default -> throw new IllegalStateException();
    }
  }

  private static void select(
      boolean[] c, int co, float[] x, int xo, float[] y, int yo, float[] z, int zo, int n) {
    for (int i = 0; i < n; i++) {
      z[zo + i] = c[co + i] ? x[xo + i] : y[yo + i];
    }
  }

  private static void select(
      boolean[] c, int co, double[] x, int xo, double[] y, int yo, double[] z, int zo, int n) {
    for (int i = 0; i < n; i++) {
      z[zo + i] = c[co + i] ? x[xo + i] : y[yo + i];
    }
  }

  private static void select(
      boolean[] c, int co, int[] x, int xo, int[] y, int yo, int[] z, int zo, int n) {
    for (int i = 0; i < n; i++) {
      z[zo + i] = c[co + i] ? x[xo + i] : y[yo + i];
    }
  }

  private static void select(
      boolean[] c, int co, boolean[] x, int xo, boolean[] y, int yo, boolean[] z, int zo, int n) {
    for (int i = 0; i < n; i++) {
      z[zo + i] = c[co + i] ? x[xo + i] : y[yo + i];
    }
  }
}
