package org.hesse.backend;

import java.util.Arrays;

/**
 * Elements of a slot addressed by a domain index: element (i₀, i₁, …) is at {@code offset + Σ iₐ ·
 * strides[a]}, counted in elements from the slot's start. Strides may be 0 (repeated) or negative
 * (reversed).
 */
public record View(Slot slot, long offset, long[] strides) {
  /** Whether the elements lie densely in row-major order of the domain. */
  public boolean isDense(int[] domain) {
    long expected = 1;
    for (int a = domain.length - 1; a >= 0; a--) {
      if (domain[a] != 1 && strides[a] != expected) {
        return false;
      }
      expected *= domain[a];
    }
    return true;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof View v
        && slot.equals(v.slot)
        && offset == v.offset
        && Arrays.equals(strides, v.strides);
  }

  @Override
  public int hashCode() {
    return (slot.hashCode() * 31 + Long.hashCode(offset)) * 31 + Arrays.hashCode(strides);
  }

  @Override
  public String toString() {
    return slot.space()
        + ""
        + slot.index()
        + "@"
        + (slot.offset() + offset)
        + Arrays.toString(strides);
  }
}
