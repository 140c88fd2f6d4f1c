package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoublePredicate;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * The spectral distribution of a symmetric operator as weighted Ritz values, one rule per probe: φ
 * ≈ (1/p) Σₖ Σᵢ wₖᵢ δ(θₖᵢ). The weights of a rule are not negative and sum to 1.
 *
 * <p>Everything here is computed from the nodes themselves, without smoothing. Standard errors come
 * from the spread over the probes; they do not cover the error of the quadrature, which falls
 * geometrically with the steps for smooth functions, and for a {@link #cdf} is of the order of the
 * weight of one node.
 */
public final class Quadrature {

  /** Nodes, ascending, and weights of one probe. */
  static final class Rule {
    final double[] nodes;
    final double[] weights;

    private Rule(double[] nodes, double[] weights) {
      this.nodes = nodes;
      this.weights = weights;
    }

    /** The Gauss rule of a Jacobi matrix (Golub and Welsch 1969). */
    static Rule of(Tridiagonal t) {
      Tridiagonal.Ends ends = t.ends();
      double[] weights = new double[t.size()];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = ends.first[i] * ends.first[i];
      }
      return new Rule(ends.values, weights);
    }

    double sum(DoubleUnaryOperator f) {
      double sum = 0;
      for (int i = 0; i < nodes.length; i++) {
        sum += weights[i] * f.applyAsDouble(nodes[i]);
      }
      return sum;
    }

    /** The nodes that a predicate admits, mapped; weights unchanged, so they may sum to less. */
    Rule map(DoublePredicate admits, DoubleUnaryOperator f) {
      int[] kept = IntStream.range(0, nodes.length).filter(i -> admits.test(nodes[i])).toArray();
      return new Rule(
          Arrays.stream(kept).mapToDouble(i -> f.applyAsDouble(nodes[i])).toArray(),
          Arrays.stream(kept).mapToDouble(i -> weights[i]).toArray());
    }
  }

  private final int size;
  private final List<Rule> rules;
  private final int matvecs;

  Quadrature(int size, List<Rule> rules, int matvecs) {
    this.size = size;
    this.rules = List.copyOf(rules);
    this.matvecs = matvecs;
  }

  /** n, the number of eigenvalues. */
  public int size() {
    return size;
  }

  /** The number of probes, p. */
  public int probes() {
    return rules.size();
  }

  /** Products made with the operator. */
  public int matvecs() {
    return matvecs;
  }

  /** Ritz values of a probe, ascending. */
  public double[] nodes(int probe) {
    return rules.get(probe).nodes.clone();
  }

  /** Weights of a probe's Ritz values; they sum to 1. */
  public double[] weights(int probe) {
    return rules.get(probe).weights.clone();
  }

  List<Rule> rules() {
    return rules;
  }

  /** The smallest Ritz value, an upper bound on the smallest eigenvalue. */
  public double min() {
    return rules.stream().mapToDouble(r -> r.nodes[0]).min().orElseThrow();
  }

  /** The largest Ritz value, a lower bound on the largest eigenvalue. */
  public double max() {
    return rules.stream().mapToDouble(r -> r.nodes[r.nodes.length - 1]).max().orElseThrow();
  }

  /** (1/n) tr f(A), the mean of f over the eigenvalues. */
  public Estimate mean(DoubleUnaryOperator f) {
    return Estimate.ofSamples(rules.stream().mapToDouble(r -> r.sum(f)).toArray());
  }

  /** tr f(A), the sum of f over the eigenvalues. */
  public Estimate trace(DoubleUnaryOperator f) {
    return mean(f).scale(size);
  }

  /** tr A. */
  public Estimate trace() {
    return trace(x -> x);
  }

  /** The fraction of eigenvalues that are at most x. */
  public Estimate cdf(double x) {
    return mean(node -> node <= x ? 1 : 0);
  }

  /**
   * The Wasserstein-1 distance ∫|F(x) − G(x)| dx between this distribution F, averaged over the
   * probes, and that of a known spectrum.
   *
   * @param spectrum eigenvalues in any order, each of the same weight
   */
  public double wasserstein1(double... spectrum) {
    if (spectrum.length == 0) {
      throw new IllegalArgumentException("spectrum: empty; expected 1 or more eigenvalues");
    }
    record Atom(double x, double mass) {}
    List<Atom> atoms = new ArrayList<>();
    for (double x : spectrum) {
      atoms.add(new Atom(x, -1.0 / spectrum.length));
    }
    for (Rule rule : rules) {
      for (int i = 0; i < rule.nodes.length; i++) {
        atoms.add(new Atom(rule.nodes[i], rule.weights[i] / rules.size()));
      }
    }
    atoms.sort((a, b) -> Double.compare(a.x, b.x));
    double distance = 0;
    double difference = 0;
    for (int i = 0; i + 1 < atoms.size(); i++) {
      difference += atoms.get(i).mass;
      distance += Math.abs(difference) * (atoms.get(i + 1).x - atoms.get(i).x);
    }
    return distance;
  }

  /** The density by Gaussian smoothing, with the defaults of {@link Smoothing}. */
  public Density density() {
    return density(Smoothing.DEFAULT);
  }

  /** The density by Gaussian smoothing. */
  public Density density(Smoothing smoothing) {
    return smoothing.density(rules, min(), max());
  }

  /**
   * The density over log₁₀|λ|, apart for negative and positive eigenvalues: shows a bulk and its
   * outliers over many orders of magnitude at once.
   *
   * @param floor magnitudes up to this count as zero; a positive number, such as 10⁻⁶ times the
   *     largest magnitude
   */
  public LogDensity logDensity(double floor) {
    return LogDensity.of(this, floor);
  }

  /** Size, probes, nodes and the range that they span. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "Quadrature[size %d, probes %d, nodes %d, from %.6g to %.6g]",
        size,
        rules.size(),
        rules.stream().mapToInt(r -> r.nodes.length).sum(),
        min(),
        max());
  }
}
