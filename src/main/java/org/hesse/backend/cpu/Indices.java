package org.hesse.backend.cpu;

/** Checks indices that come as data. */
final class Indices {
  private Indices() {}

  /**
   * The index itself.
   *
   * @throws IndexOutOfBoundsException if it is outside of 0 … extent−1
   */
  static int checked(int index, int extent) {
    if (index < 0 || index >= extent) {
      throw new IndexOutOfBoundsException(
          "index: "
              + index
              + " is outside of 0 … "
              + (extent - 1)
              + ", the places along the axis of"
              + " extent "
              + extent
              + " that is indexed");
    }
    return index;
  }
}
