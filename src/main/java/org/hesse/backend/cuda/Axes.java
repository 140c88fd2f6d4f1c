package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.View;

/**
 * A domain without its axes of extent 1, seen by strides over all its axes. Extents are below 2³¹,
 * the number of elements need not be.
 */
final class Axes {
  /** How many neighbours kernels read and write as one. */
  static final int FOUR = 4;

  private final int[] extents;
  private final int[] kept;

  /** Takes away what does not count. */
  Axes(int[] domain) {
    List<Integer> axes = new ArrayList<>();
    for (int a = 0; a < domain.length; a++) {
      if (domain[a] != 1) {
        axes.add(a);
      }
    }
    this.kept = axes.stream().mapToInt(Integer::intValue).toArray();
    this.extents = axes.stream().mapToInt(a -> domain[a]).toArray();
  }

  int rank() {
    return extents.length;
  }

  int extent(int axis) {
    return extents[axis];
  }

  /** The extent of the last axis; 1 if there is none. */
  int last() {
    return extents.length == 0 ? 1 : extents[extents.length - 1];
  }

  /** How many indices there are. */
  long size() {
    long size = 1;
    for (int e : extents) {
      size = Math.multiplyExact(size, (long) e);
    }
    return size;
  }

  /** Of strides over the whole domain those that count. */
  long[] strides(long[] all) {
    long[] strides = new long[kept.length];
    for (int a = 0; a < strides.length; a++) {
      strides[a] = all[kept[a]];
    }
    return strides;
  }

  /** Whether indices in row-major order are at 0, 1, 2 …. */
  boolean isDense(long[] strides) {
    long expected = 1;
    for (int a = extents.length - 1; a >= 0; a--) {
      if (strides[a] != expected) {
        return false;
      }
      expected *= extents[a];
    }
    return true;
  }

  /** Whether neighbours along the last axis are the same element. */
  static boolean isRepeated(long[] strides) {
    return strides.length == 0 || strides[strides.length - 1] == 0;
  }

  /** Whether four neighbours lie one after another, from a multiple of their size on. */
  static boolean isAligned(View view, long[] strides) {
    boolean aligned = (view.slot().offset() + view.offset()) % FOUR == 0;
    for (int a = 0; a < strides.length - 1; a++) {
      aligned &= strides[a] % FOUR == 0;
    }
    return aligned && strides.length > 0 && strides[strides.length - 1] == 1;
  }

  /** How far from the first element others are, in either direction. */
  long span(long[] strides) {
    long span = 0;
    for (int a = 0; a < extents.length; a++) {
      span += Math.abs(strides[a]) * (extents[a] - 1L);
    }
    return span;
  }

  /**
   * What kernels need of an extent to divide by it, see {@code HesseExtent}; of Granlund and
   * Montgomery, Division by Invariant Integers using Multiplication (1994).
   */
  static int[] divisor(int extent) {
    int shift = extent == 1 ? 0 : 32 - Integer.numberOfLeadingZeros(extent - 1);
    long factor = (((1L << shift) - extent) << 32) / extent + 1;
    return new int[] {extent, (int) factor, shift};
  }
}
