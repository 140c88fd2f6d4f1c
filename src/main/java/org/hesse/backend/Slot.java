package org.hesse.backend;

import org.hesse.DType;

/**
 * A contiguous stretch of memory that a schedule reads or writes.
 *
 * @param space input, output or the plan's arena
 * @param index which input or output; 0 in the arena
 * @param dtype type of its elements; the arena is one array for each dtype
 * @param offset position of the first element within the arena's array; 0 elsewhere
 * @param size number of elements
 */
public record Slot(Space space, int index, DType dtype, long offset, long size) {
  /** Where a slot lies. */
  public enum Space {
    /** The caller's inputs, read only. */
    INPUT,
    /** The caller's outputs. */
    OUTPUT,
    /** The plan's own memory, valid during one run. */
    ARENA
  }

  /** Whether two of them share memory. */
  public boolean overlaps(Slot other) {
    return space == other.space
        && index == other.index
        && dtype == other.dtype
        && offset < other.offset + other.size
        && other.offset < offset + size;
  }
}
