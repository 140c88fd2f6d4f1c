package org.hesse;

import java.util.Comparator;
import java.util.List;

/**
 * What {@link Autodiff#checkGradients} has found.
 *
 * @param findings the worst direction for each leaf and order
 * @param tolerance largest relative error that passes
 */
public record GradientReport(List<Finding> findings, double tolerance) {
  /**
   * A derivative beside a difference quotient, along one direction.
   *
   * @param path name of the leaf that was moved
   * @param order order of the derivative
   * @param derivative by automatic differentiation
   * @param difference by central differences
   * @param error their difference, relative to the largest of the two and the function's value
   */
  public record Finding(
      String path, int order, double derivative, double difference, double error) {}

  /** Copies the list. */
  public GradientReport {
    findings = List.copyOf(findings);
  }

  /** Whether every error is within the tolerance; NaN is not. */
  public boolean passed() {
    return findings.stream().allMatch(f -> f.error <= tolerance);
  }

  /** The finding with the largest error. */
  public Finding worst() {
    return findings.stream().max(Comparator.comparingDouble(Finding::error)).orElseThrow();
  }
}
