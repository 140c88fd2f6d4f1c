package org.hesse.backend.cpu;

/** Loops that convert between dtypes. */
final class CastKernel implements Kernel {
  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    cast(
        frame.values[arguments[0]],
        frame.offsets[arguments[0]],
        frame.values[result],
        frame.offsets[result],
        n);
  }

  static void cast(Object from, int at, Object to, int zo, int n) {
    if (from.getClass() == to.getClass()) {
      System.arraycopy(from, at, to, zo, n);
      return;
    }
    switch (from) {
      case float[] x -> cast(x, at, to, zo, n);
      case double[] x -> cast(x, at, to, zo, n);
      case int[] x -> cast(x, at, to, zo, n);
      case boolean[] x -> cast(x, at, to, zo, n);
      default -> throw new IllegalStateException();
    }
  }

  private static void cast(float[] x, int xo, Object to, int zo, int n) {
    switch (to) {
      case double[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i];
        }
      }
      case int[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = (int) x[xo + i];
        }
      }
      case boolean[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] != 0;
        }
      }
      default -> throw new IllegalStateException();
    }
  }

  private static void cast(double[] x, int xo, Object to, int zo, int n) {
    switch (to) {
      case float[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = (float) x[xo + i];
        }
      }
      case int[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = (int) x[xo + i];
        }
      }
      case boolean[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] != 0;
        }
      }
      default -> throw new IllegalStateException();
    }
  }

  private static void cast(int[] x, int xo, Object to, int zo, int n) {
    switch (to) {
      case float[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i];
        }
      }
      case double[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i];
        }
      }
      case boolean[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] != 0;
        }
      }
      default -> throw new IllegalStateException();
    }
  }

  private static void cast(boolean[] x, int xo, Object to, int zo, int n) {
    switch (to) {
      case float[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] ? 1 : 0;
        }
      }
      case double[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] ? 1 : 0;
        }
      }
      case int[] z -> {
        for (int i = 0; i < n; i++) {
          z[zo + i] = x[xo + i] ? 1 : 0;
        }
      }
      default -> throw new IllegalStateException();
    }
  }
}
