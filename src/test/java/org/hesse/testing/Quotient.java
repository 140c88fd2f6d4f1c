package org.hesse.testing;

import java.util.ArrayList;
import java.util.List;

/**
 * Difference quotients along a direction by four points, with an estimate of their error: how far
 * they are from the quotients with twice the step, whose error is 16 times as large where the
 * function is smooth, and not so at a kink.
 *
 * @param value for each result
 * @param error the largest of each result's elements
 * @param size of each result
 */
record Quotient(List<Arr> value, List<Double> error, List<Double> size) {
  /** Its fourth power is at rounding, as is ε over it with what is allowed for rounding. */
  private static final double STEP = 5e-4;

  static Quotient of(Interpreted<?> f, List<Arr> x, List<Arr> v) {
    List<List<Arr>> y = new ArrayList<>();
    for (int k : new int[] {1, -1, 2, -2, 4, -4}) {
      List<Arr> moved = new ArrayList<>();
      for (int i = 0; i < x.size(); i++) {
        moved.add(x.get(i).plus(k * STEP, v.get(i)));
      }
      y.add(f.at(moved));
    }
    List<Arr> value = new ArrayList<>();
    List<Double> error = new ArrayList<>();
    List<Double> size = new ArrayList<>();
    for (int i = 0; i < y.get(0).size(); i++) {
      Arr narrow = fourPoints(y.get(0).get(i), y.get(1).get(i), y.get(2).get(i), y.get(3).get(i));
      Arr wide = fourPoints(y.get(2).get(i), y.get(3).get(i), y.get(4).get(i), y.get(5).get(i));
      value.add(narrow);
      error.add(narrow.plus(-0.5, wide).maxAbs());
      size.add(y.get(0).get(i).maxAbs());
    }
    return new Quotient(value, error, size);
  }

  /** (8 (f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h. */
  private static Arr fourPoints(Arr a, Arr b, Arr c, Arr d) {
    Arr near = a.plus(-1, b);
    Arr far = c.plus(-1, d);
    return near.map(z -> z * 8 / (12 * STEP)).plus(-1 / (12 * STEP), far);
  }

  private double scale(int i) {
    return Math.max(1, Math.max(value.get(i).maxAbs(), size.get(i)));
  }

  /** Whether a result's quotient says something: finite, and the same for both steps. */
  boolean isTrusted(int i) {
    return error.get(i) <= 1e-6 * scale(i);
  }

  void assertMatches(String what, int i, Arr exact) {
    Close.assertWithin(what, value.get(i), exact, error.get(i) + 1e-8 * scale(i));
  }
}
