package org.hesse.optim;

/** Range checks of hyperparameters. */
final class Checks {
  private Checks() {}

  static void positive(String name, double value) {
    require(value > 0 && value < Double.POSITIVE_INFINITY, name, value, "a positive number");
  }

  static void notNegative(String name, double value) {
    require(value >= 0 && value < Double.POSITIVE_INFINITY, name, value, "0 or a positive number");
  }

  static void fraction(String name, double value) {
    require(value >= 0 && value < 1, name, value, "a number in [0, 1)");
  }

  private static void require(boolean ok, String name, double value, String expected) {
    if (!ok) {
      throw new IllegalArgumentException(name + ": " + value + "; expected " + expected);
    }
  }
}
