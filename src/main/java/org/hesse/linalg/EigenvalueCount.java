package org.hesse.linalg;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * A number of eigenvalues, with an interval for the two errors that it has: the spread over the
 * probes, and that a Gauss quadrature knows the distribution to the weight of a node.
 *
 * <p>A rule of nodes θᵢ with weights wᵢ says of the distribution F of its probe that w₁ + … + wⱼ₋₁
 * ≤ F(θⱼ−) ≤ F(θⱼ) ≤ w₁ + … + wⱼ (Chebyshev, Markov, Stieltjes). So the number below a threshold is
 * known to the weights of the nodes on both sides of it: to one eigenvalue or so in a gap beside an
 * outlier, to more within a bulk. There more steps help, and more probes against the spread.
 *
 * @param value the number that the nodes themselves give; not rounded to a whole one
 * @param low the lower end of the 95% interval, at least 0
 * @param high the upper end of the 95% interval, at most n
 */
public record EigenvalueCount(double value, double low, double high) {

  /** A number known to lie within bounds, in fractions of all eigenvalues. */
  private record Bracket(double low, double value, double high) {
    Bracket plus(Bracket other) {
      return new Bracket(low + other.low, value + other.value, high + other.high);
    }
  }

  static EigenvalueCount above(Quadrature q, double x) {
    return of(q, r -> above(r, x));
  }

  static EigenvalueCount below(Quadrature q, double x) {
    return of(q, r -> below(r, x));
  }

  static EigenvalueCount outside(Quadrature q, double threshold) {
    return of(q, r -> above(r, threshold).plus(below(r, -threshold)));
  }

  private static EigenvalueCount of(Quadrature q, Function<Quadrature.Rule, Bracket> count) {
    List<Bracket> all = q.rules().stream().map(count).toList();
    double n = q.size();
    return new EigenvalueCount(
        n * Math.clamp(mean(all, Bracket::value).value(), 0, 1),
        n * Math.max(0, mean(all, Bracket::low).low()),
        n * Math.min(1, mean(all, Bracket::high).high()));
  }

  private static Estimate mean(List<Bracket> all, ToDoubleFunction<Bracket> side) {
    return Estimate.ofSamples(all.stream().mapToDouble(side).toArray());
  }

  private static Bracket above(Quadrature.Rule r, double x) {
    int first = (int) Arrays.stream(r.nodes).filter(node -> node <= x).count();
    double sum = Arrays.stream(r.weights, first, r.nodes.length).sum();
    return new Bracket(sum - weight(r, first), sum, sum + weight(r, first - 1));
  }

  private static Bracket below(Quadrature.Rule r, double x) {
    int end = (int) Arrays.stream(r.nodes).filter(node -> node < x).count();
    double sum = Arrays.stream(r.weights, 0, end).sum();
    return new Bracket(sum - weight(r, end - 1), sum, sum + weight(r, end));
  }

  /** What a node leaves open; nothing where nodes are eigenvalues, or there is none. */
  private static double weight(Quadrature.Rule r, int i) {
    return r.exact || i < 0 || i >= r.nodes.length ? 0 : r.weights[i];
  }
}
