package org.hesse.linalg;

import java.util.Comparator;
import java.util.stream.IntStream;

/** Which eigenvalues a search wants. */
enum Target {
  MAGNITUDE,
  LARGEST,
  SMALLEST,
  BOTH_ENDS;

  /** Values up to {@code low} and from {@code high} on, which belong among the wanted. */
  record Ends(double low, double high) {
    /** Whether a value belongs among the wanted by more than {@code margin}. */
    boolean admit(double value, double margin) {
      return value > high + margin || value < low - margin;
    }
  }

  private static final Ends ALL = new Ends(Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY);

  /** Sorts results by this: the larger, the earlier. */
  double rank(double value) {
    return switch (this) {
      case MAGNITUDE -> Math.abs(value);
      case LARGEST -> value;
      case SMALLEST, BOTH_ENDS -> -value;
    };
  }

  /** Indices of values, the most wanted first; of both ends in turn, the largest first. */
  int[] order(double[] values) {
    int n = values.length;
    int[] sorted =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -rank(values[i])))
            .mapToInt(Integer::intValue)
            .toArray();
    return this == BOTH_ENDS
        ? IntStream.range(0, n).map(i -> sorted[i % 2 == 0 ? n - 1 - i / 2 : i / 2]).toArray()
        : sorted;
  }

  /** Where values must be to belong among {@code wanted}, given those found, sorted by rank. */
  Ends beyond(double[] found, int wanted) {
    if (found.length < wanted) {
      return ALL;
    }
    double last = found[wanted - 1];
    return switch (this) {
      case MAGNITUDE -> new Ends(-Math.abs(last), Math.abs(last));
      case LARGEST -> new Ends(Double.NEGATIVE_INFINITY, last);
      case SMALLEST -> new Ends(last, Double.POSITIVE_INFINITY);
      case BOTH_ENDS -> new Ends(found[Math.max(0, wanted / 2 - 1)], found[wanted / 2]);
    };
  }
}
