package org.hesse;

import java.util.Arrays;
import java.util.stream.Collectors;

/** The extents of a tensor, outermost first. Immutable; a scalar has rank 0. */
public final class Shape {
  private static final Shape SCALAR = new Shape(new int[0]);

  private final int[] dims;

  private Shape(int[] dims) {
    this.dims = dims;
  }

  /**
   * A shape from its extents.
   *
   * @throws IllegalArgumentException if an extent is negative
   */
  public static Shape of(int... dims) {
    for (int d : dims) {
      if (d < 0) {
        throw new IllegalArgumentException(
            "dims: " + Arrays.toString(dims) + " has a negative extent; extents are 0 or more");
      }
    }
    return dims.length == 0 ? SCALAR : new Shape(dims.clone());
  }

  /** The shape of a single number, []. */
  public static Shape scalar() {
    return SCALAR;
  }

  /** Number of axes. */
  public int rank() {
    return dims.length;
  }

  /**
   * Extent along an axis; negative axes count from the end.
   *
   * @throws IllegalArgumentException if there is no such axis
   */
  public int dim(int axis) {
    return dims[axis(axis)];
  }

  /**
   * The non-negative number of an axis; −1 is the last one.
   *
   * @throws IllegalArgumentException if there is no such axis
   */
  public int axis(int axis) {
    int a = axis < 0 ? axis + dims.length : axis;
    if (a < 0 || a >= dims.length) {
      throw new IllegalArgumentException(
          "axis: " + axis + " is not an axis of shape " + this + ", which has rank " + dims.length);
    }
    return a;
  }

  /** Number of elements: the product of the extents, 1 for a scalar. */
  public long size() {
    long size = 1;
    for (int d : dims) {
      size = Math.multiplyExact(size, d);
    }
    return size;
  }

  /** The extents, as a fresh array. */
  public int[] dims() {
    return dims.clone();
  }

  /** This shape with one more axis of the given extent, which becomes axis number {@code axis}. */
  public Shape insert(int axis, int extent) {
    int[] d = new int[dims.length + 1];
    System.arraycopy(dims, 0, d, 0, axis);
    d[axis] = extent;
    System.arraycopy(dims, axis, d, axis + 1, dims.length - axis);
    return of(d);
  }

  /** This shape without one axis. */
  public Shape remove(int axis) {
    int[] d = new int[dims.length - 1];
    System.arraycopy(dims, 0, d, 0, axis);
    System.arraycopy(dims, axis + 1, d, axis, d.length - axis);
    return of(d);
  }

  /** This shape with another extent along one axis. */
  public Shape with(int axis, int extent) {
    int[] d = dims.clone();
    d[axis(axis)] = extent;
    return of(d);
  }

  /**
   * The shape that two operands broadcast to: aligned at the last axis, extents equal or one of
   * them 1.
   *
   * @throws IllegalArgumentException if they do not broadcast
   */
  public static Shape broadcast(Shape a, Shape b) {
    if (a.equals(b)) {
      return a;
    }
    int rank = Math.max(a.rank(), b.rank());
    int[] d = new int[rank];
    for (int i = 1; i <= rank; i++) {
      int x = i <= a.rank() ? a.dims[a.rank() - i] : 1;
      int y = i <= b.rank() ? b.dims[b.rank() - i] : 1;
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException(
            "shapes "
                + a
                + " and "
                + b
                + " do not broadcast: "
                + x
                + " against "
                + y
                + " at axis "
                + -i
                + "; extents must be equal or 1");
      }
      d[rank - i] = x == 1 ? y : x;
    }
    return of(d);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Shape s && Arrays.equals(dims, s.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  @Override
  public String toString() {
    return Arrays.stream(dims)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
