package org.hesse;

/** Conversions between the Java arrays that buffers are read into. */
final class HostArrays {
  private HostArrays() {}

  /** An array of one number of a dtype. */
  static Object single(double value, DType dtype) {
    return switch (dtype) {
      case F32 -> new float[] {(float) value};
      case F64 -> new double[] {value};
      case I32 -> new int[] {(int) value};
      case BOOL -> new boolean[] {value != 0};
    };
  }

  static double[] toDouble(Object array) {
    return switch (array) {
      case double[] d -> d;
      case float[] f -> {
        double[] d = new double[f.length];
        for (int i = 0; i < d.length; i++) {
          d[i] = f[i];
        }
        yield d;
      }
      default -> {
        int[] n = toInt(array);
        double[] d = new double[n.length];
        for (int i = 0; i < d.length; i++) {
          d[i] = n[i];
        }
        yield d;
      }
    };
  }

  static float[] toFloat(Object array) {
    if (array instanceof float[] f) {
      return f;
    }
    double[] d = toDouble(array);
    float[] f = new float[d.length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) d[i];
    }
    return f;
  }

  static int[] toInt(Object array) {
    return switch (array) {
      case int[] n -> n;
      case boolean[] b -> {
        int[] n = new int[b.length];
        for (int i = 0; i < n.length; i++) {
          n[i] = b[i] ? 1 : 0;
        }
        yield n;
      }
      default ->
          throw new IllegalStateException(
              "toIntArray() on a real tensor; convert with cast(DType.I32)");
    };
  }
}
