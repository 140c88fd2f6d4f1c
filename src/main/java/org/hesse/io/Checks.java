package org.hesse.io;

import java.nio.file.Path;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;

/** What every source of data must satisfy. */
final class Checks {
  /** Labels from here on are taken for a mistake, such as real targets read as classes. */
  static final int MOST_CLASSES = 100_000;

  private Checks() {}

  static void real(DType dtype) {
    if (!dtype.isReal()) {
      throw new IllegalArgumentException("dtype: " + dtype + " is not real; F32 and F64 are");
    }
  }

  /** A class label from a number. */
  static int label(double value, String where) throws DataException {
    if (value != Math.rint(value)) {
      throw new DataException(
          where + ": label " + value + " is not a whole number; is this a regression task?");
    }
    if (value < 0 || value >= MOST_CLASSES) {
      String shown = Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
      throw new DataException(
          where + ": label " + shown + " is out of range; 0 to " + (MOST_CLASSES - 1) + " are");
    }
    return (int) value;
  }

  /** A data set from tensors of a file. */
  static Dataset dataset(Path file, Tensor x, Tensor y, DType dtype, Task task)
      throws DataException {
    real(dtype);
    if (x.shape().rank() < 2 || y.shape().rank() < 1 || x.dim(0) != y.dim(0)) {
      throw DataException.in(
          file,
          "x "
              + x.shape()
              + " and y "
              + y.shape()
              + " do not go together; [N, …] and [N] with the same N do");
    }
    if (x.size() == 0) {
      throw DataException.in(file, "x " + x.shape() + " holds no data");
    }
    Tensor inputs = finite(file, "x", x, dtype);
    String name = name(file);
    if (task == Task.REGRESSION) {
      if (y.shape().rank() > 2 || y.size() == 0) {
        throw DataException.in(file, "y " + y.shape() + ": targets are [N] or [N, k]");
      }
      Tensor targets = finite(file, "y", y, dtype);
      return Dataset.regression(name, inputs, y.shape().rank() == 2 ? targets : column(targets));
    }
    if (y.shape().rank() == 2 && y.dim(1) != 1 || y.shape().rank() > 2) {
      throw DataException.in(
          file, "y " + y.shape() + ": class labels are [N]; is this a regression task?");
    }
    double[] values = (y.dtype() == DType.BOOL ? y.cast(DType.I32) : y).toDoubleArray();
    int[] labels = new int[values.length];
    int classes = 0;
    for (int i = 0; i < labels.length; i++) {
      labels[i] = label(values[i], file + ": y, element " + i);
      classes = Math.max(classes, labels[i] + 1);
    }
    return Dataset.classification(name, inputs, Tensor.of(labels, labels.length), classes);
  }

  static String name(Path file) {
    Path last = file.getFileName();
    return last == null ? file.toString() : last.toString();
  }

  private static Tensor column(Tensor t) {
    int n = t.dim(0);
    return t.dtype() == DType.F32
        ? Tensor.of(t.toFloatArray(), n, 1)
        : Tensor.of(t.toDoubleArray(), n, 1);
  }

  private static Tensor finite(Path file, String name, Tensor t, DType dtype) throws DataException {
    Tensor cast = t.cast(dtype);
    double[] values = cast.toDoubleArray();
    for (int i = 0; i < values.length; i++) {
      if (!Double.isFinite(values[i])) {
        Tensor wide = t.cast(DType.F64);
        throw DataException.in(
            file,
            name
                + ", element "
                + position(t.shape(), i)
                + ": "
                + finiteProblem(wide.toDoubleArray()[i], dtype));
      }
    }
    return cast;
  }

  /** What is wrong with a value that is not finite in some dtype. */
  static String finiteProblem(double value, DType dtype) {
    return Double.isFinite(value)
        ? value + " is too large for " + dtype
        : value + " is not a finite number";
  }

  private static String position(Shape shape, int i) {
    int[] at = new int[shape.rank()];
    int rest = i;
    for (int axis = at.length - 1; axis >= 0; axis--) {
      at[axis] = rest % shape.dim(axis);
      rest /= shape.dim(axis);
    }
    return java.util.Arrays.toString(at);
  }
}
