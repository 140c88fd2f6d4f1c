package org.hesse;

/**
 * How {@link Autodiff#checkGradients} checks. Immutable.
 *
 * @param order highest order of derivatives, 1 or more
 * @param directions random directions for each leaf; 0 moves every coordinate by itself
 * @param seed of the directions
 */
public record GradientOptions(int order, int directions, long seed) {
  /** Refuses what cannot be checked. */
  public GradientOptions {
    if (order < 1) {
      throw new IllegalArgumentException("order: " + order + "; expected 1 or more");
    }
    if (directions < 0) {
      throw new IllegalArgumentException(
          "directions: " + directions + "; expected 1 or more, or 0 for every coordinate");
    }
  }

  /** Derivatives up to an order, along three random directions for each leaf. */
  public static GradientOptions order(int order) {
    return new GradientOptions(order, 3, 0);
  }

  /** Every coordinate of every leaf by itself, which takes long for large trees. */
  public GradientOptions everyCoordinate() {
    return new GradientOptions(order, 0, seed);
  }

  /** Another number of random directions for each leaf. */
  public GradientOptions directions(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("directions: " + count + "; expected 1 or more");
    }
    return new GradientOptions(order, count, seed);
  }

  /** Other random directions. */
  public GradientOptions seed(long number) {
    return new GradientOptions(order, directions, number);
  }
}
