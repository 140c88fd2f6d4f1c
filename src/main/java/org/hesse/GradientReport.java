package org.hesse;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What {@link Autodiff#checkGradients} has found.
 *
 * @param findings the worst direction for each leaf and order
 * @param tolerance largest relative error that passes
 * @param moves points that were moved away from a kink or jump: a sentence for each leaf and order,
 *     with the distance as a multiple of the direction
 */
public record GradientReport(List<Finding> findings, double tolerance, List<String> moves) {
  /**
   * A derivative beside a difference quotient, along one direction.
   *
   * @param path name of the leaf that was moved
   * @param order order of the derivative
   * @param derivative by automatic differentiation
   * @param difference by central differences
   * @param error their difference, relative to the larger of the two, or to where rounding and
   *     truncation of the difference quotient explain as much as the tolerance, if that is more
   */
  public record Finding(
      String path, int order, double derivative, double difference, double error) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "'%s' order %d: derivative %.9g, difference %.9g, relative error %.2g",
          path,
          order,
          derivative,
          difference,
          error);
    }
  }

  /** Copies the lists. */
  public GradientReport {
    findings = List.copyOf(findings);
    moves = List.copyOf(moves);
  }

  /** Whether every error is within the tolerance; NaN is not. */
  public boolean passed() {
    return findings.stream().allMatch(f -> f.error <= tolerance);
  }

  /** The finding with the largest error. */
  public Finding worst() {
    return findings.stream().max(Comparator.comparingDouble(Finding::error)).orElseThrow();
  }

  /** Whether it passed, the worst finding, all findings, and what was moved; a line each. */
  @Override
  public String toString() {
    StringBuilder s = new StringBuilder(passed() ? "passed" : "FAILED");
    s.append(" (tolerance ").append(tolerance).append(")");
    if (!findings.isEmpty()) {
      s.append(", worst ").append(worst());
    }
    findings.forEach(f -> s.append("\n  ").append(f));
    moves.forEach(m -> s.append("\n  ").append(m));
    return s.toString();
  }
}
