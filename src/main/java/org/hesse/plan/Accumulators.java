package org.hesse.plan;

/** Sums. */
final class Accumulators {
  private Accumulators() {}

  static void extract(OpenLoop loop) {}
}
