package org.hesse.backend.cpu;

/** Which elements of a matrix count. */
enum Region {
  ALL,
  LOWER,
  UPPER,
  STRICTLY_LOWER,
  STRICTLY_UPPER;

  static Region triangle(boolean lower, boolean unit) {
    return lower ? (unit ? STRICTLY_LOWER : LOWER) : unit ? STRICTLY_UPPER : UPPER;
  }

  /** The first row of a column that counts. */
  int first(int column, int rows) {
    return switch (this) {
      case ALL, UPPER, STRICTLY_UPPER -> 0;
      case LOWER -> Math.min(column, rows);
      case STRICTLY_LOWER -> Math.min(column + 1, rows);
    };
  }

  /** The row after the last one of a column that counts. */
  int end(int column, int rows) {
    return switch (this) {
      case ALL, LOWER, STRICTLY_LOWER -> rows;
      case UPPER -> Math.min(column + 1, rows);
      case STRICTLY_UPPER -> Math.min(column, rows);
    };
  }
}
