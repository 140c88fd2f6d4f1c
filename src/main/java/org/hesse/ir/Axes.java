package org.hesse.ir;

import java.util.Arrays;
import java.util.stream.IntStream;

/** An immutable list of axis numbers, offsets or strides, equal by value. */
public final class Axes {
  private static final Axes NONE = new Axes(new int[0]);

  private final int[] values;

  private Axes(int[] values) {
    this.values = values;
  }

  /** A list of the given numbers. */
  public static Axes of(int... values) {
    return values.length == 0 ? NONE : new Axes(values.clone());
  }

  /** The numbers from {@code from} (inclusive) to {@code to} (exclusive). */
  public static Axes range(int from, int to) {
    return of(IntStream.range(from, to).toArray());
  }

  /** How many numbers there are. */
  public int size() {
    return values.length;
  }

  /** The number at a position. */
  public int get(int i) {
    return values[i];
  }

  /** Whether the number occurs. */
  public boolean contains(int value) {
    return indexOf(value) >= 0;
  }

  /** The first position of a number, or −1. */
  public int indexOf(int value) {
    for (int i = 0; i < values.length; i++) {
      if (values[i] == value) {
        return i;
      }
    }
    return -1;
  }

  /** The numbers as a fresh array. */
  public int[] toArray() {
    return values.clone();
  }

  /** The numbers 0 … rank−1 that do not occur here, ascending. */
  public Axes complement(int rank) {
    return of(IntStream.range(0, rank).filter(a -> !contains(a)).toArray());
  }

  /** Every number increased by {@code delta}. */
  public Axes plus(int delta) {
    return of(Arrays.stream(values).map(v -> v + delta).toArray());
  }

  /** The numbers of this list, then those of another. */
  public Axes then(Axes other) {
    return of(IntStream.concat(Arrays.stream(values), Arrays.stream(other.values)).toArray());
  }

  /** Where this list is a permutation, the one that undoes it. */
  public Axes inverse() {
    int[] inverse = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      inverse[values[i]] = i;
    }
    return new Axes(inverse);
  }

  /** Whether the numbers strictly ascend. */
  public boolean isAscending() {
    for (int i = 1; i < values.length; i++) {
      if (values[i - 1] >= values[i]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Axes a && Arrays.equals(values, a.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return Arrays.toString(values);
  }
}
