package org.hesse.linalg;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Stochastic Lanczos quadrature: the spectral distribution of a symmetric operator.
 *
 * <pre>{@code
 * Quadrature q = StochasticLanczosQuadrature.of(hessian).probes(10).steps(100).seed(0).run();
 * Estimate logDet = q.trace(x -> Math.log(x + 1e-3));
 * Estimate negative = q.cdf(0);
 * }</pre>
 *
 * <p>For a random unit vector v, E vᵀf(A)v = tr f(A)/n. After m Lanczos steps from v, vᵀf(A)v ≈ Σ
 * τᵢ² f(θᵢ), with the Ritz values θᵢ and the first components τᵢ of the eigenvectors of T: Gauss
 * quadrature, exact for polynomials of degree 2m − 1 (Golub and Welsch 1969; Ubaru, Chen and Saad
 * 2017; for Hessians Ghorbani, Krishnan and Xiao 2019).
 *
 * <p>The probes run in lock-step, so that each step is one {@link LinearOperator#applyAll}. As many
 * run together as have room for their bases in 1 GiB, at the least one.
 */
public final class StochasticLanczosQuadrature {
  private static final long BASIS_BYTES = 1L << 30;
  private static final int LEAST_FOR_STOPPING = 8;
  private static final int BETWEEN_STOPS = 4;
  private static final String STAGE = "spectral density";

  private final LinearOperator operator;
  private int probes = 10;
  private int steps = 100;
  private int together;
  private double symmetryTolerance;
  private ProbeDistribution distribution = ProbeDistribution.RADEMACHER;
  private long seed;
  private Progress progress = Progress.NONE;
  private @Nullable Predicate<Quadrature> enough;

  private StochasticLanczosQuadrature(LinearOperator operator) {
    Products.requireSymmetric(operator, "stochastic Lanczos quadrature");
    this.operator = operator;
    this.symmetryTolerance = Math.sqrt(operator.dtype().epsilon());
  }

  /**
   * A quadrature of a symmetric operator.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static StochasticLanczosQuadrature of(LinearOperator operator) {
    return new StochasticLanczosQuadrature(operator);
  }

  /** The number of random vectors, 2 or more; default 10. Errors fall as 1/√(probes·n). */
  public StochasticLanczosQuadrature probes(int count) {
    requireProbes(count);
    probes = count;
    return this;
  }

  static void requireProbes(int count) {
    if (count < 2) {
      throw new IllegalArgumentException(
          "probes: " + count + "; expected 2 or more, as the error is estimated from their spread");
    }
  }

  /**
   * Stops before all probes are used once the quadrature so far is good enough, such as {@code q ->
   * q.density().uncertainty() < 0.05} or {@code q -> q.logDeterminant(1e-3).relativeError() <
   * 0.01}. Asked at 8 probes, as fewer say too little about their spread, and every 4 from there.
   */
  public StochasticLanczosQuadrature until(Predicate<Quadrature> enough) {
    this.enough = enough;
    return this;
  }

  /** Lanczos steps from each probe; default 100. Of an operator with fewer rows, n are made. */
  public StochasticLanczosQuadrature steps(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("steps: " + count + "; expected 1 or more");
    }
    steps = count;
    return this;
  }

  /** The most probes that run together; default: as many as have room. Changes no result. */
  public StochasticLanczosQuadrature together(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("together: " + count + "; expected 1 or more");
    }
    together = count;
    return this;
  }

  /** The distribution of the probes; default {@link ProbeDistribution#RADEMACHER}. */
  public StochasticLanczosQuadrature distribution(ProbeDistribution which) {
    distribution = which;
    return this;
  }

  /** As {@link Lanczos#symmetryTolerance}. */
  public StochasticLanczosQuadrature symmetryTolerance(double relative) {
    if (!(relative > 0)) {
      throw new IllegalArgumentException(
          "symmetryTolerance: " + relative + "; expected a positive number");
    }
    symmetryTolerance = relative;
    return this;
  }

  /** Seeds the probes; default 0. */
  public StochasticLanczosQuadrature seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Is told of every step, in products. */
  public StochasticLanczosQuadrature progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Runs the Lanczos processes.
   *
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   */
  public Quadrature run() {
    return Hesse.on(operator.device(), () -> measured());
  }

  private Quadrature measured() {
    Products products = new Products(operator, progress);
    List<Quadrature.Rule> rules = new ArrayList<>();
    int group = group();
    while (true) {
      int from = rules.size();
      int to = Math.min(Math.min(probes, from + group), nextStop(from));
      rules.addAll(runGroup(products, from, to));
      Quadrature q = new Quadrature(operator.size(), rules, products.count());
      if (to == probes || enough != null && to == nextStop(to - 1) && enough.test(q)) {
        return q;
      }
    }
  }

  /** The first number of probes above this one at which to ask whether they are enough. */
  private int nextStop(int done) {
    if (enough == null) {
      return probes;
    }
    int later = done - done % BETWEEN_STOPS + BETWEEN_STOPS;
    return Math.max(LEAST_FOR_STOPPING, later);
  }

  private int stepsMade() {
    return Math.min(steps, operator.size());
  }

  private int group() {
    long basis = (long) stepsMade() * operator.size() * operator.dtype().bytes();
    long room = together > 0 ? together : BASIS_BYTES / Math.max(1, basis);
    return (int) Math.clamp(room, 1, probes);
  }

  private List<Quadrature.Rule> runGroup(Products products, int from, int to) {
    RngKey key = RngKey.of(seed);
    Tensor[] starts = new Tensor[to - from];
    List<Recurrence> all = new ArrayList<>();
    for (int i = 0; i < starts.length; i++) {
      starts[i] =
          Basis.unit(distribution.draw(key.fold(from + i), operator.dtype(), operator.size()));
      all.add(new Recurrence(operator, 0, symmetryTolerance));
    }
    Running running = new Running(new Basis(), Tensor.stack(0, starts), all);
    for (int step = 0; step < stepsMade() && !running.t.isEmpty(); step++) {
      running = advance(products, running);
      int done = from * stepsMade() + (to - from) * (step + 1);
      products.report(STAGE, done, probes * stepsMade());
    }
    List<Quadrature.Rule> rules = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      Quadrature.Origin origin = new Quadrature.Origin(seed, from + i, distribution);
      rules.add(Quadrature.Rule.of(origin, all.get(i)));
    }
    return rules;
  }

  /** Processes in lock-step: their bases, the next vectors, [p, n], and their matrices. */
  private record Running(Basis bases, Tensor vectors, List<Recurrence> t) {}

  /** One product with each vector; what has become invariant ends. */
  private Running advance(Products products, Running now) {
    int first = products.count() + 1;
    Tensor block = products.applyAll(now.vectors);
    now.bases.append(now.vectors);
    Basis.Projection p = Basis.project(block, now.bases);
    boolean full = now.bases.size() == operator.size();
    List<Recurrence> next = new ArrayList<>();
    for (int i = 0; i < now.t.size(); i++) {
      Recurrence t = now.t.get(i);
      if (!Double.isFinite(p.norms()[i])) {
        products.requireFinite(p.norms()[i], block.select(0, i), first + i);
      }
      t.take(p.coefficients()[i], p.norms()[i], first + i, full);
      if (!t.invariant()) {
        next.add(t);
      }
    }
    return next.size() == now.t.size()
        ? new Running(now.bases, Basis.divide(p.remainder(), p.norms()), next)
        : remaining(now, p.remainder(), next);
  }

  private static Running remaining(Running now, Tensor remainder, List<Recurrence> next) {
    if (next.isEmpty()) {
      return new Running(now.bases, now.vectors, next);
    }
    int[] kept = next.stream().mapToInt(now.t::indexOf).toArray();
    double[] norms = next.stream().mapToDouble(Recurrence::coupling).toArray();
    Tensor rest = remainder.take(0, Tensor.of(kept, kept.length));
    return new Running(now.bases.only(kept), Basis.divide(rest, norms), next);
  }
}
