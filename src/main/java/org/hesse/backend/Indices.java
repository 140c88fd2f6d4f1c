package org.hesse.backend;

/** Indices that come as data. */
public final class Indices {
  private Indices() {}

  /**
   * The index itself.
   *
   * @throws IndexOutOfBoundsException if it is outside of 0 … extent−1
   */
  public static int checked(int index, int extent) {
    if (index < 0 || index >= extent) {
      throw outside(index, extent);
    }
    return index;
  }

  /** What is thrown for an index that is outside of 0 … extent−1. */
  public static IndexOutOfBoundsException outside(long index, int extent) {
    return new IndexOutOfBoundsException(
        "index: "
            + index
            + " is outside of 0 … "
            + (extent - 1)
            + ", the places along the axis of"
            + " extent "
            + extent
            + " that is indexed");
  }
}
