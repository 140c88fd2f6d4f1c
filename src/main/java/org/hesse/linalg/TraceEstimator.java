package org.hesse.linalg;

import java.util.Arrays;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * The trace of an operator from products with random vectors.
 *
 * <pre>{@code
 * Estimate trace = TraceEstimator.hutchinson(hessian).probes(100).seed(0).run().trace();
 * Estimate quick = TraceEstimator.hutchinson(hessian).probes(2000).relativeError(0.01).run().trace();
 * }</pre>
 *
 * <p>Hutchinson (1990): E vᵀAv = tr A where the entries of v are independent with mean 0 and
 * variance 1. For symmetric A the variance of one probe is 2 Σᵢ≠ⱼ aᵢⱼ² with Rademacher and 2‖A‖_F²
 * with normal entries. The operator need not be symmetric.
 *
 * <p>A result depends on the seed and on the number of probes, and not on how they are batched.
 */
public final class TraceEstimator {
  private static final int LEAST_FOR_STOPPING = 8;
  private static final int MOST_TOGETHER = 16;
  private static final int NUMBERS_TOGETHER = 1 << 22;
  private static final String STAGE = "trace";

  private final LinearOperator operator;
  private int probes = 100;
  private double relativeError;
  private ProbeDistribution distribution = ProbeDistribution.RADEMACHER;
  private long seed;
  private Progress progress = Progress.NONE;

  private TraceEstimator(LinearOperator operator) {
    Operators.requireReal(operator.dtype(), "operator");
    this.operator = operator;
  }

  /** Hutchinson's estimator: the mean of vᵀAv. */
  public static TraceEstimator hutchinson(LinearOperator operator) {
    return new TraceEstimator(operator);
  }

  /** The number of random vectors, 2 or more, or the most where it stops early; default 100. */
  public TraceEstimator probes(int count) {
    StochasticLanczosQuadrature.requireProbes(count);
    probes = count;
    return this;
  }

  /**
   * Stops once the standard error is at most this times |trace|, though not before 8 probes: the
   * spread of fewer says too little. By default all probes are used.
   */
  public TraceEstimator relativeError(double target) {
    if (!(target > 0)) {
      throw new IllegalArgumentException(
          "relativeError: " + target + "; expected a positive number, such as 0.01");
    }
    relativeError = target;
    return this;
  }

  /** The distribution of the probes; default {@link ProbeDistribution#RADEMACHER}. */
  public TraceEstimator distribution(ProbeDistribution which) {
    distribution = which;
    return this;
  }

  /** Seeds the probes; default 0. */
  public TraceEstimator seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Is told of every batch, in probes. */
  public TraceEstimator progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Makes the products.
   *
   * @throws NumericalException if a product is NaN or infinite
   */
  public TraceEstimate run() {
    return Hesse.on(operator.device(), () -> measured());
  }

  private TraceEstimate measured() {
    Products products = new Products(operator, progress);
    double[] traces = new double[probes];
    double[] squares = new double[probes];
    int batch = Math.clamp(NUMBERS_TOGETHER / operator.size(), 1, MOST_TOGETHER);
    int done = 0;
    while (done < probes) {
      int to = Math.min(probes, done + batch);
      measure(products, done, to, traces, squares);
      products.report(STAGE, to, probes);
      int stop = stop(traces, done, to);
      done = to;
      if (stop > 0) {
        return estimate(traces, squares, stop, true);
      }
    }
    return estimate(traces, squares, probes, relativeError == 0);
  }

  private void measure(Products products, int from, int to, double[] traces, double[] squares) {
    RngKey key = RngKey.of(seed);
    Tensor[] vs = new Tensor[to - from];
    for (int i = from; i < to; i++) {
      vs[i - from] = distribution.draw(key.fold(i), operator.dtype(), operator.size());
    }
    if (vs.length == 1) {
      measureOne(products, from, vs[0], products.apply(vs[0]), traces, squares);
      return;
    }
    Tensor block = products.applyAll(Tensor.stack(0, vs));
    for (int i = from; i < to; i++) {
      measureOne(products, i, vs[i - from], block.select(0, i - from), traces, squares);
    }
  }

  private static void measureOne(
      Products products, int i, Tensor v, Tensor av, double[] traces, double[] squares) {
    traces[i] = Basis.dot(v, av);
    squares[i] = Basis.dot(av, av);
    products.requireFinite(squares[i], av, i + 1);
  }

  /** The first count of probes in (from, to] that is accurate enough, or 0. */
  private int stop(double[] traces, int from, int to) {
    if (relativeError == 0) {
      return 0;
    }
    for (int count = Math.max(from + 1, LEAST_FOR_STOPPING); count <= to; count++) {
      Estimate trace = Estimate.ofSamples(Arrays.copyOf(traces, count));
      if (trace.standardError() <= relativeError * Math.abs(trace.value())) {
        return count;
      }
    }
    return 0;
  }

  private static TraceEstimate estimate(
      double[] traces, double[] squares, int count, boolean reached) {
    return new TraceEstimate(
        Estimate.ofSamples(Arrays.copyOf(traces, count)),
        Estimate.ofSamples(Arrays.copyOf(squares, count)),
        count,
        reached);
  }
}
