package org.hesse.curvature;

import java.util.Objects;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * Consecutive numbers of one parameter, seen as columns of the matrix X [q, p] that a {@link
 * CurvatureBlock} multiplies.
 *
 * <pre>{@code
 * ParameterPart.matrix("0.weight", Shape.of(64, 32));           // Linear, or a convolution's kernel
 * ParameterPart.column("0.bias", Shape.of(64));                 // the last column of its X
 * ParameterPart.transposed("embedding.weight", Shape.of(1000, 64));
 * ParameterPart.matrix("conv.weight", Shape.of(8, 2, 3, 3)).rowRange(0, 4);   // one group of two
 * ParameterPart.entries("norm.scale", Shape.of(64));            // for dense and diagonal blocks
 * }</pre>
 *
 * @param path the parameter's path, such as {@code 0.weight}
 * @param from the place of the first number in the parameter, counted in row-major order
 * @param rows q
 * @param columns how many columns of X they are
 * @param transposed whether the numbers are, in their order, the columns of X one after the other,
 *     instead of its rows
 */
public record ParameterPart(String path, int from, int rows, int columns, boolean transposed) {
  /**
   * A part with its place in X.
   *
   * @throws IllegalArgumentException if it is empty or begins before the parameter
   */
  public ParameterPart {
    Objects.requireNonNull(path, "path");
    if (from < 0 || rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          "part of "
              + path
              + ": numbers from "
              + from
              + " on as "
              + rows
              + " by "
              + columns
              + "; expected a first number of 0 or more, and at least one row and one column");
    }
  }

  /** A weight [q, …], such as [out, in] or [out, in, kh, kw]: axis 0 are rows, the rest columns. */
  public static ParameterPart matrix(String path, Shape shape) {
    requireAxes(path, shape, 2);
    int rows = shape.dim(0);
    return new ParameterPart(path, 0, rows, count(path, shape) / Math.max(1, rows), false);
  }

  /** A weight stored as [in, out], as embeddings are: the last axis are rows, the rest columns. */
  public static ParameterPart transposed(String path, Shape shape) {
    requireAxes(path, shape, 2);
    int rows = shape.dim(-1);
    return new ParameterPart(path, 0, rows, count(path, shape) / Math.max(1, rows), true);
  }

  /** A parameter that is one column, as a bias [q] is. */
  public static ParameterPart column(String path, Shape shape) {
    return new ParameterPart(path, 0, count(path, shape), 1, false);
  }

  /** A parameter of any shape that is one row, X being a single row of all numbers of a block. */
  public static ParameterPart entries(String path, Shape shape) {
    return new ParameterPart(path, 0, 1, count(path, shape), false);
  }

  /**
   * The rows from {@code first} to before {@code end}, as a group of a convolution has them.
   *
   * @throws IllegalArgumentException if there are no such rows, or they are not consecutive since
   *     the part is transposed
   */
  public ParameterPart rowRange(int first, int end) {
    if (transposed && columns > 1 || first < 0 || end <= first || end > rows) {
      throw new IllegalArgumentException(
          "rowRange: rows "
              + first
              + " to "
              + end
              + " of "
              + this
              + "; expected 0 ≤ first < end ≤ "
              + rows
              + ", and a part that is not transposed");
    }
    return new ParameterPart(path, from + first * columns, end - first, columns, false);
  }

  /** How many numbers there are. */
  public int size() {
    return rows * columns;
  }

  /** From the numbers in the parameter's order, [k, size], the columns [k, q, columns]. */
  Tensor toColumns(Tensor numbers) {
    int k = numbers.dim(0);
    return transposed
        ? numbers.reshape(k, columns, rows).transpose()
        : numbers.reshape(k, rows, columns);
  }

  /** The inverse of {@link #toColumns}. */
  Tensor toNumbers(Tensor x) {
    return (transposed ? x.transpose() : x).reshape(x.dim(0), size());
  }

  private static int count(String path, Shape shape) {
    return requireAxes(path, shape, 0);
  }

  private static int requireAxes(String path, Shape shape, int axes) {
    if (shape.rank() < axes || shape.size() == 0) {
      throw new IllegalArgumentException(
          "parameter "
              + path
              + ": shape "
              + shape
              + "; expected "
              + (axes == 0 ? "some numbers" : axes + " axes or more, none of them empty"));
    }
    return Math.toIntExact(shape.size());
  }

  @Override
  public String toString() {
    return path + " as [" + rows + ", " + columns + "]";
  }
}
