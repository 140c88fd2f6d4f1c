package org.hesse.backend.cpu;

import org.hesse.DType;

/** Heap arrays of any of the four dtypes, and the conversions between them. */
final class Arrays {
  /** Longest array that common virtual machines allocate. */
  static final long MAX_SIZE = Integer.MAX_VALUE - 8;

  /** Rows of fewer elements are copied column by column, if they are no longer than columns. */
  private static final int SHORT = 8;

  /** The same for rows whose elements do not lie side by side. */
  private static final int SPARSE = 64;

  private Arrays() {}

  static Object allocate(DType dtype, long size) {
    if (size < 0 || size > MAX_SIZE) {
      throw new IllegalArgumentException(
          "size: "
              + size
              + " elements of "
              + dtype
              + " do not fit one heap array; the cpu backend"
              + " stores up to "
              + MAX_SIZE
              + " elements in a tensor or in a plan's arena");
    }
    int n = (int) size;
    return switch (dtype) {
      case F32 -> new float[n];
      case F64 -> new double[n];
      case I32 -> new int[n];
      case BOOL -> new boolean[n];
    };
  }

  static DType dtype(Object array) {
    return switch (array) {
      case float[] a -> DType.F32;
      case double[] a -> DType.F64;
      case int[] a -> DType.I32;
      case boolean[] a -> DType.BOOL;
      default ->
          throw new IllegalArgumentException(
              "array: "
                  + array.getClass().getTypeName()
                  + " holds no tensor elements; expected float[], double[], int[] or boolean[]");
    };
  }

  static Object copy(Object array) {
    return switch (array) {
      case float[] a -> a.clone();
      case double[] a -> a.clone();
      case int[] a -> a.clone();
      case boolean[] a -> a.clone();
      default -> throw new IllegalArgumentException(array.getClass().getTypeName());
    };
  }

  /** A copy with zeros behind. */
  static Object longer(Object array, int length) {
    Object copy = allocate(dtype(array), length);
    System.arraycopy(array, 0, copy, 0, java.lang.reflect.Array.getLength(array));
    return copy;
  }

  /** Fills the first n elements with a number, converted as the constant of a program is. */
  static void fill(Object array, int n, double value) {
    switch (array) {
      case float[] a -> java.util.Arrays.fill(a, 0, n, (float) value);
      case double[] a -> java.util.Arrays.fill(a, 0, n, value);
      case int[] a -> java.util.Arrays.fill(a, 0, n, (int) value);
      case boolean[] a -> java.util.Arrays.fill(a, 0, n, value != 0);
      default -> throw new IllegalArgumentException(array.getClass().getTypeName());
    }
  }

  /**
   * Copies rows of n elements between arrays of one dtype: element i of row r from {@code at + r ·
   * row + i · stride} to {@code to + r · toRow + i · toStride}. What is longer of rows and columns
   * is the inner loop, unless all that is written lies together and repeats a row or numbers.
   */
  static void copyRows(
      Object from,
      int at,
      int row,
      int stride,
      Object array,
      int to,
      int toRow,
      int toStride,
      int rows,
      int n) {
    boolean together = toStride == 1 && toRow == n && n > 1 && rows > 1;
    if (together && row == 0) {
      copyRows(from, at, row, stride, array, to, toRow, toStride, 1, n);
      repeat(array, to, n, rows * n);
      return;
    }
    if (together && stride == 0 && n < SPARSE && Simd.PRESENT) {
      if (from instanceof float[] a) {
        RepeatF32.run(a, at, row, (float[]) array, to, rows, n);
        return;
      } else if (from instanceof double[] a) {
        RepeatF64.run(a, at, row, (double[]) array, to, rows, n);
        return;
      }
    }
    if (n < rows && n < (stride == 1 && toStride == 1 ? SHORT : SPARSE)) {
      copyRows(from, at, stride, row, array, to, toStride, toRow, n, rows);
      return;
    }
    switch (from) {
      case float[] a -> copy(a, at, row, stride, (float[]) array, to, toRow, toStride, rows, n);
      case double[] a -> copy(a, at, row, stride, (double[]) array, to, toRow, toStride, rows, n);
      case int[] a -> copy(a, at, row, stride, (int[]) array, to, toRow, toStride, rows, n);
      case boolean[] a -> copy(a, at, row, stride, (boolean[]) array, to, toRow, toStride, rows, n);
      default -> throw new IllegalArgumentException(from.getClass().getTypeName());
    }
  }

  /** Repeats the first elements of a stretch until it is full. */
  private static void repeat(Object array, int at, int first, int all) {
    for (int done = first; done < all; done *= 2) {
      System.arraycopy(array, at, array, at + done, Math.min(done, all - done));
    }
  }

  private static void copy(
      float[] a,
      int at,
      int row,
      int stride,
      float[] b,
      int to,
      int toRow,
      int toStride,
      int rows,
      int n) {
    for (int r = 0; r < rows; r++) {
      int p = at + r * row;
      int q = to + r * toRow;
      if (stride == 1 && toStride == 1) {
        System.arraycopy(a, p, b, q, n);
      } else if (stride == 0 && toStride == 1) {
        java.util.Arrays.fill(b, q, q + n, a[p]);
      } else {
        for (int i = 0; i < n; i++) {
          b[q + i * toStride] = a[p + i * stride];
        }
      }
    }
  }

  private static void copy(
      double[] a,
      int at,
      int row,
      int stride,
      double[] b,
      int to,
      int toRow,
      int toStride,
      int rows,
      int n) {
    for (int r = 0; r < rows; r++) {
      int p = at + r * row;
      int q = to + r * toRow;
      if (stride == 1 && toStride == 1) {
        System.arraycopy(a, p, b, q, n);
      } else if (stride == 0 && toStride == 1) {
        java.util.Arrays.fill(b, q, q + n, a[p]);
      } else {
        for (int i = 0; i < n; i++) {
          b[q + i * toStride] = a[p + i * stride];
        }
      }
    }
  }

  private static void copy(
      int[] a,
      int at,
      int row,
      int stride,
      int[] b,
      int to,
      int toRow,
      int toStride,
      int rows,
      int n) {
    for (int r = 0; r < rows; r++) {
      int p = at + r * row;
      int q = to + r * toRow;
      if (stride == 1 && toStride == 1) {
        System.arraycopy(a, p, b, q, n);
      } else if (stride == 0 && toStride == 1) {
        java.util.Arrays.fill(b, q, q + n, a[p]);
      } else {
        for (int i = 0; i < n; i++) {
          b[q + i * toStride] = a[p + i * stride];
        }
      }
    }
  }

  private static void copy(
      boolean[] a,
      int at,
      int row,
      int stride,
      boolean[] b,
      int to,
      int toRow,
      int toStride,
      int rows,
      int n) {
    for (int r = 0; r < rows; r++) {
      int p = at + r * row;
      int q = to + r * toRow;
      if (stride == 1 && toStride == 1) {
        System.arraycopy(a, p, b, q, n);
      } else if (stride == 0 && toStride == 1) {
        java.util.Arrays.fill(b, q, q + n, a[p]);
      } else {
        for (int i = 0; i < n; i++) {
          b[q + i * toStride] = a[p + i * stride];
        }
      }
    }
  }

  /** Converts n numbers that are exact in the target's dtype or to be rounded to it. */
  static void round(double[] from, int at, Object to, int toAt, int n) {
    switch (to) {
      case double[] b -> System.arraycopy(from, at, b, toAt, n);
      case float[] b -> {
        for (int i = 0; i < n; i++) {
          b[toAt + i] = (float) from[at + i];
        }
      }
      case int[] b -> {
        // By way of long, so that sums beyond the range of int wrap around.
        for (int i = 0; i < n; i++) {
          b[toAt + i] = (int) (long) from[at + i];
        }
      }
      default -> throw new IllegalArgumentException(to.getClass().getTypeName());
    }
  }

  /** Copies n elements from the positions that {@code at} has from {@code start} on. */
  static void copyFrom(Object from, int[] at, int start, Object to, int n) {
    switch (from) {
      case float[] a -> {
        float[] b = (float[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[at[start + i]];
        }
      }
      case double[] a -> {
        double[] b = (double[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[at[start + i]];
        }
      }
      case int[] a -> {
        int[] b = (int[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[at[start + i]];
        }
      }
      case boolean[] a -> {
        boolean[] b = (boolean[]) to;
        for (int i = 0; i < n; i++) {
          b[i] = a[at[start + i]];
        }
      }
      default -> throw new IllegalArgumentException(from.getClass().getTypeName());
    }
  }
}
