package org.hesse.cli;

/** Range checks of options, before any work is done. */
final class Checks {
  private Checks() {}

  static void atLeast(String option, long value, long least) {
    if (value < least) {
      throw Failure.badInput(option + ": " + value + "; expected " + least + " or more");
    }
  }

  static void positive(String option, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw Failure.badInput(
          option + ": " + Numbers.shortest(value) + "; expected a positive number");
    }
  }

  static void notNegative(String option, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw Failure.badInput(
          option + ": " + Numbers.shortest(value) + "; expected 0 or a positive number");
    }
  }

  static void fraction(String option, double value, boolean zero) {
    if (!(value < 1) || !(zero ? value >= 0 : value > 0)) {
      throw Failure.badInput(
          option
              + ": "
              + Numbers.shortest(value)
              + "; expected a number "
              + (zero ? "from 0" : "above 0")
              + " and below 1");
    }
  }
}
