package org.hesse.linalg;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
  private Checkpoint checkpoint = Checkpoint.NONE;
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
   * Keeps the state of the run in a file, as {@link Lanczos#checkpoint} does: the bases of the
   * probes that run, and the rules of those that have ended.
   *
   * @param file is replaced as a whole, and never left half written
   */
  public StochasticLanczosQuadrature checkpoint(Path file, int everyProducts) {
    checkpoint = Checkpoint.of(file, everyProducts);
    return this;
  }

  /**
   * Runs the Lanczos processes.
   *
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   * @throws IllegalArgumentException if the {@link #checkpoint} belongs to another run
   * @throws java.io.UncheckedIOException if the checkpoint cannot be read or written
   */
  public Quadrature run() {
    return Hesse.on(operator.device(), () -> new Search().run());
  }

  private Checkpoint.Run opened() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("algorithm", "stochastic Lanczos quadrature");
    settings.put("probes", probes);
    settings.put("steps", steps);
    settings.put("together", group());
    settings.put("until", enough != null);
    settings.put("distribution", distribution);
    settings.put("symmetryTolerance", symmetryTolerance);
    settings.put("seed", seed);
    return checkpoint.open(operator, settings);
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
    long basis = (long) Basis.rowsHeld(stepsMade()) * operator.size() * operator.dtype().bytes();
    long room = together > 0 ? together : BASIS_BYTES / Math.max(1, basis);
    return (int) Math.clamp(room, 1, probes);
  }

  /** One run. */
  private final class Search {
    private final Products products = Products.scaled(operator, progress);
    private final Checkpoint.Run checkpoint = opened();
    private final List<Quadrature.Rule> rules = new ArrayList<>();

    /** The matrices of the probes that run together, and what runs of them. */
    private final List<Recurrence> together = new ArrayList<>();

    private @Nullable Running running;
    private int step;

    Quadrature run() {
      State saved = checkpoint.state();
      if (saved != null) {
        load(saved);
      }
      while (true) {
        int from = rules.size();
        if (from > 0 && running == null) {
          Quadrature q = new Quadrature(operator.size(), rules, products.count());
          if (from == probes || enough != null && from == nextStop(from - 1) && enough.test(q)) {
            checkpoint.write(this::save);
            return q;
          }
        }
        advance(from, running == null ? begin(from) : running);
        for (int i = 0; i < together.size(); i++) {
          rules.add(Quadrature.Rule.of(origin(from + i), together.get(i), products.unit()));
        }
      }
    }

    private Quadrature.Origin origin(int probe) {
      return new Quadrature.Origin(seed, probe, distribution);
    }

    private Recurrence recurrence() {
      return new Recurrence(products, 0, symmetryTolerance);
    }

    private Running begin(int from) {
      RngKey key = RngKey.of(seed);
      int to = Math.min(Math.min(probes, from + group()), nextStop(from));
      Tensor[] starts = new Tensor[to - from];
      together.clear();
      step = 0;
      for (int i = 0; i < starts.length; i++) {
        starts[i] =
            Basis.unit(distribution.draw(key.fold(from + i), operator.dtype(), operator.size()));
        together.add(recurrence());
      }
      return new Running(new Basis(), Tensor.stack(0, starts), List.copyOf(together));
    }

    /** Runs probes to their ends. */
    private void advance(int from, Running start) {
      Running now = start;
      while (step < stepsMade() && !now.t.isEmpty()) {
        now = advanced(products, now);
        running = now;
        step++;
        checkpoint.reached(products.count(), this::save);
        int done = from * stepsMade() + together.size() * step;
        products.report(STAGE, done, probes * stepsMade());
      }
      running = null;
    }

    private void save(State state) {
      state.put("products", products.count());
      products.save(state);
      state.put("nodes", rules.stream().map(r -> r.nodes).toArray(double[][]::new));
      state.put("weights", rules.stream().map(r -> r.weights).toArray(double[][]::new));
      state.put("exact", rules.stream().mapToInt(r -> r.exact ? 1 : 0).toArray());
      Running now = running;
      if (now != null) {
        state.put("step", step, together.size());
        for (int i = 0; i < together.size(); i++) {
          together.get(i).save(state.in("t").in(i));
        }
        state.put("running", now.t.stream().mapToInt(together::indexOf).toArray());
        state.put("vectors", now.vectors);
        now.bases.save(state.in("bases"));
      }
    }

    private void load(State state) {
      products.resume(state.integer("products"));
      products.load(state);
      double[][] nodes = state.rows("nodes");
      double[][] weights = state.rows("weights");
      int[] exact = state.integers("exact");
      for (int i = 0; i < nodes.length; i++) {
        rules.add(new Quadrature.Rule(origin(i), exact[i] != 0, nodes[i], weights[i]));
      }
      if (state.has("step")) {
        step = state.integers("step")[0];
        for (int i = 0; i < state.integers("step")[1]; i++) {
          together.add(recurrence());
          together.get(i).load(state.in("t").in(i));
        }
        running =
            new Running(
                Basis.load(state.in("bases")),
                state.tensor("vectors"),
                Arrays.stream(state.integers("running")).mapToObj(together::get).toList());
      }
    }
  }

  /** Processes in lock-step: their bases, the next vectors, [p, n], and their matrices. */
  private record Running(Basis bases, Tensor vectors, List<Recurrence> t) {}

  /** One product with each vector; what has become invariant ends. */
  private Running advanced(Products products, Running now) {
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
