package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.function.Executable;

/** Assertions on tensors, and samples for them. */
final class Expect {
  private Expect() {}

  static Tensor normal(long seed, int... dims) {
    double[] values = new Random(seed).doubles(Shape.of(dims).size(), -1.5, 1.5).toArray();
    return Tensor.of(values, dims);
  }

  /** The same shape, and elements that differ by no more than a part of the largest, or of 1. */
  static void close(Tensor expected, Tensor actual, double tolerance) {
    assertEquals(expected.shape(), actual.shape());
    double[] e = expected.toDoubleArray();
    double[] a = actual.toDoubleArray();
    double scale = Math.max(1, Arrays.stream(e).map(Math::abs).max().orElse(1));
    for (int i = 0; i < e.length; i++) {
      int at = i;
      assertEquals(e[i], a[i], tolerance * scale, () -> "element " + at + " of " + actual);
    }
  }

  static void illegalArgument(Executable call, String... words) {
    has(assertThrows(IllegalArgumentException.class, call), words);
  }

  static void illegalState(Executable call, String... words) {
    has(assertThrows(IllegalStateException.class, call), words);
  }

  private static void has(Exception e, String... words) {
    String message = String.valueOf(e.getMessage());
    for (String word : words) {
      assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
    }
  }
}
