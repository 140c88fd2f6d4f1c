package org.hesse.linalg;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.hesse.io.DataException;

/**
 * The spectral distribution of a symmetric operator as weighted Ritz values, one rule per probe: φ
 * ≈ (1/p) Σₖ Σᵢ wₖᵢ δ(θₖᵢ). The weights of a rule are not negative and sum to 1.
 *
 * <pre>{@code
 * Quadrature q = StochasticLanczosQuadrature.of(hessian).probes(10).seed(0).run();
 * Estimate trace = q.trace(Math::exp);
 * Estimate logDet = q.logDeterminant(1e-3);
 * EigenvalueCount negative = q.countBelow(0);
 * q.save(file);
 * Quadrature more = Quadrature.load(file).plus(quadratureOfAnotherSeed);
 * Density log = more.density(Smoothing.DEFAULT.on(SpectralAxis.signedLog(1e-6)));
 * }</pre>
 *
 * <p>Everything here but a density is computed from the nodes themselves, without smoothing.
 * Standard errors come from the spread over the probes; they do not cover the error of the
 * quadrature, which falls geometrically with the steps for smooth functions, and for a {@link #cdf}
 * is of the order of the weight of one node. An {@link EigenvalueCount} covers both.
 */
public final class Quadrature {

  /** Which random vector a rule came from. */
  record Origin(long seed, int probe, ProbeDistribution distribution) {}

  /** Nodes, ascending, and weights of one probe. */
  static final class Rule {
    final Origin origin;

    /** Whether the Krylov space was invariant, so that the nodes are eigenvalues. */
    final boolean exact;

    final double[] nodes;
    final double[] weights;

    Rule(Origin origin, boolean exact, double[] nodes, double[] weights) {
      this.origin = origin;
      this.exact = exact;
      this.nodes = nodes;
      this.weights = weights;
    }

    /** The Gauss rule of a Jacobi matrix, over a unit (Golub and Welsch 1969). */
    static Rule of(Origin origin, Recurrence t, double unit) {
      Tridiagonal.Ends ends = t.tridiagonal().times(unit).ends();
      double[] weights = new double[t.size()];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = ends.first[i] * ends.first[i];
      }
      return new Rule(origin, t.invariant(), ends.values, weights);
    }

    double sum(DoubleUnaryOperator f) {
      double sum = 0;
      for (int i = 0; i < nodes.length; i++) {
        if (weights[i] > 0) {
          sum += weights[i] * finite(f, nodes[i]);
        }
      }
      return sum;
    }

    private static double finite(DoubleUnaryOperator f, double node) {
      double y = f.applyAsDouble(node);
      if (!Double.isFinite(y)) {
        throw new NumericalException(
            "f: f("
                + node
                + ") = "
                + y
                + " at a Ritz value, so its sum over the spectrum is not finite; shift the "
                + "operator, or take a function that is finite on all of the spectrum");
      }
      return y;
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

  /**
   * (1/n) tr f(A), the mean of f over the eigenvalues.
   *
   * @throws NumericalException if f is NaN or infinite at a Ritz value
   */
  public Estimate mean(DoubleUnaryOperator f) {
    return overProbes(r -> r.sum(f));
  }

  private Estimate overProbes(ToDoubleFunction<Rule> sample) {
    return Estimate.ofSamples(rules.stream().mapToDouble(sample).toArray());
  }

  /**
   * tr f(A), the sum of f over the eigenvalues.
   *
   * @throws NumericalException if f is NaN or infinite at a Ritz value
   */
  public Estimate trace(DoubleUnaryOperator f) {
    return mean(f).scale(size);
  }

  /** tr A. */
  public Estimate trace() {
    return trace(x -> x);
  }

  /**
   * log det(A + cI) = tr log(A + cI).
   *
   * @param shift c, such that A + cI is positive definite; its error grows as c nears the smallest
   *     eigenvalue, where more steps are needed as well
   * @throws NumericalException if a Ritz value shows that A + cI is not positive definite
   */
  public Estimate logDeterminant(double shift) {
    requireAbove(-shift, "log det(A + cI) with c = " + shift);
    return trace(x -> Math.log(x + shift));
  }

  /**
   * The effective dimension tr A(A + cI)⁻¹: how many eigenvalues stand out above c.
   *
   * @param damping c, such that A + cI is positive definite
   * @throws NumericalException if a Ritz value shows that A + cI is not positive definite
   */
  public Estimate effectiveDimension(double damping) {
    requireAbove(-damping, "tr A(A + cI)⁻¹ with c = " + damping);
    return trace(x -> x / (x + damping));
  }

  private void requireAbove(double bound, String what) {
    if (!(min() > bound)) {
      throw new NumericalException(
          what
              + ": the operator has a Ritz value of "
              + min()
              + "; expected all above "
              + bound
              + "; take a larger c, or a positive semi-definite operator such as a Gauss-Newton");
    }
  }

  /** The nuclear norm tr |A|, the sum of the magnitudes of the eigenvalues. */
  public Estimate nuclearNorm() {
    return trace(Math::abs);
  }

  /**
   * The entropy −Σ pᵢ log pᵢ of pᵢ = λᵢ/tr A, from 0 for a single eigenvalue to log n for equal
   * ones; its exponential is another effective dimension. The standard error is of first order, as
   * this is log tr A − tr(A log A)/tr A, a function of two traces from the same probes.
   *
   * @throws NumericalException if a Ritz value is below 0 by more than rounding, or all are 0
   */
  public Estimate entropy() {
    if (!(max() > 0 && min() >= -1e-6 * max())) {
      throw new NumericalException(
          "entropy: the Ritz values reach from "
              + min()
              + " to "
              + max()
              + "; expected a positive semi-definite operator other than 0, such as a "
              + "Gauss-Newton");
    }
    DoubleUnaryOperator xLogX = x -> x > 0 ? x * Math.log(x) : 0;
    double t = mean(x -> x).value();
    double l = mean(xLogX).value();
    Estimate first = overProbes(r -> (1 + l / t) * r.sum(x -> x) / t - r.sum(xLogX) / t);
    return new Estimate(Math.log(size * t) - l / t, first.standardError(), first.degrees());
  }

  /** How many eigenvalues are above x. */
  public EigenvalueCount countAbove(double x) {
    return EigenvalueCount.above(this, x);
  }

  /** How many eigenvalues are below x, such as how many are negative. */
  public EigenvalueCount countBelow(double x) {
    return EigenvalueCount.below(this, x);
  }

  /**
   * How many eigenvalues have a magnitude above a threshold.
   *
   * @param threshold 0 or more, such as 10⁻⁶ times the largest magnitude
   */
  public EigenvalueCount rank(double threshold) {
    if (!(threshold >= 0)) {
      throw new IllegalArgumentException("threshold: " + threshold + "; expected 0 or more");
    }
    return EigenvalueCount.outside(this, threshold);
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
   * This quadrature and another of the same operator as one, of all their probes.
   *
   * @throws IllegalArgumentException if they differ in size, or have a random vector in common: run
   *     the other with another seed
   */
  public Quadrature plus(Quadrature other) {
    if (size != other.size) {
      throw new IllegalArgumentException(
          "other: of an operator of size "
              + other.size
              + "; expected one of size "
              + size
              + ", that is of the same operator");
    }
    List<Rule> all = new ArrayList<>(rules);
    Set<Origin> origins = new HashSet<>();
    rules.forEach(r -> origins.add(r.origin));
    for (Rule r : other.rules) {
      if (!origins.add(r.origin)) {
        throw new IllegalArgumentException(
            "other: its probe "
                + r.origin.probe
                + " of seed "
                + r.origin.seed
                + " is in both, so that it would count twice; run one of them with another seed");
      }
      all.add(r);
    }
    return new Quadrature(size, all, matvecs + other.matvecs);
  }

  /**
   * Keeps the quadrature in a safetensors file, so that densities can be drawn anew and probes be
   * added later.
   *
   * @throws DataException if the file cannot be written
   */
  public void save(Path file) throws DataException {
    QuadratureFile.save(this, file);
  }

  /**
   * A quadrature that {@link #save} kept, to the last bit.
   *
   * @throws DataException if the file cannot be read or does not hold a quadrature
   */
  public static Quadrature load(Path file) throws DataException {
    return QuadratureFile.load(file);
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
