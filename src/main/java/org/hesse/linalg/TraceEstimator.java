package org.hesse.linalg;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.jspecify.annotations.Nullable;

/**
 * The trace and the Frobenius norm of an operator from products with random vectors.
 *
 * <pre>{@code
 * TraceEstimate e = TraceEstimator.of(hessian).probes(100).seed(0).run();
 * e.trace();                                      // value and standard error
 * e.method();                                     // what was chosen
 * Estimate quick = TraceEstimator.of(hessian).probes(2000).relativeError(0.01).run().trace();
 * }</pre>
 *
 * <p><b>Hutchinson</b> (1990): E vᵀAv = tr A where the entries of v are independent with mean 0 and
 * variance 1. For symmetric A the variance of one probe is 2 Σᵢ≠ⱼ aᵢⱼ² with Rademacher and 2‖A‖_F²
 * with normal entries. Two vectors are in memory at a time, whatever the number of probes.
 *
 * <p><b>Hutch++</b> (Meyer, Musco, Musco and Woodruff 2021) and <b>XTrace</b> (Epperly, Tropp and
 * Webber 2024) find the leading part of the spectrum by the way and sample only the rest: far
 * better where the spectrum falls, worse by a factor of √3 and √2 where it does not, as fewer
 * products are samples. Of k products they keep k/3 and k vectors. XTrace is the better one; its
 * samples share most of what they are computed from, and yet their spread is its error.
 *
 * <p><b>The choice</b> of {@link #of} looks at up to 16 products, which both uses keep: R of AΩ =
 * QR tells how much of A the range of these products leaves, and Hutchinson's samples how far they
 * spread. The rest is extrapolated to the number of products at hand by a power law, and what has
 * the smaller variance is used: XTrace, or Hutch++ where XTrace's vectors do not fit into 1 GiB, or
 * Hutchinson. Where 32 vectors do not fit, that is from 8 million rows in F32 on, nothing is looked
 * at and Hutchinson's estimator is used. If no more products are allowed for than rows, and no
 * error is asked for, the diagonal is read off by a product with each unit vector, and the result
 * is exact.
 *
 * <p><b>The error.</b> Over random seeds two standard errors hold the truth in 90 to 99% of runs.
 * Errors of few samples are rough: at 12 products, on spectra that fall steeply, it is a little
 * under 90%; {@link Estimate#low} and {@link Estimate#high} allow for that by Student's quantiles.
 *
 * <p>The operator need not be symmetric. A result depends on the seed and on the number of probes,
 * and not on how they are batched.
 */
public final class TraceEstimator {
  /** How a trace is estimated. */
  public enum Method {
    /** The mean of vᵀAv. */
    HUTCHINSON,
    /** The trace on a sketched range, and Hutchinson's estimate of the rest. */
    HUTCH_PLUS_PLUS,
    /** The same for each vector with the range of all others. */
    XTRACE,
    /** The sum of the diagonal, from a product with each unit vector. */
    EXACT
  }

  private static final int LEAST_FOR_SKETCH = 4;

  private final LinearOperator operator;
  private final @Nullable Method method;
  private int probes = 100;
  private double relativeError;
  private ProbeDistribution distribution = ProbeDistribution.RADEMACHER;
  private long seed;
  private Progress progress = Progress.NONE;
  private Checkpoint checkpoint = Checkpoint.NONE;

  private TraceEstimator(LinearOperator operator, @Nullable Method method) {
    Operators.requireReal(operator.dtype(), "operator");
    this.operator = operator;
    this.method = method;
  }

  /** The estimator that the operator's spectrum suggests, see above. */
  public static TraceEstimator of(LinearOperator operator) {
    return new TraceEstimator(operator, null);
  }

  /** Hutchinson's estimator: the mean of vᵀAv. */
  public static TraceEstimator hutchinson(LinearOperator operator) {
    return new TraceEstimator(operator, Method.HUTCHINSON);
  }

  /** Hutch++, with 4 products or more. */
  public static TraceEstimator hutchPlusPlus(LinearOperator operator) {
    return new TraceEstimator(operator, Method.HUTCH_PLUS_PLUS);
  }

  /** XTrace, with 4 products or more. */
  public static TraceEstimator xTrace(LinearOperator operator) {
    return new TraceEstimator(operator, Method.XTRACE);
  }

  /**
   * The number of products, 2 or more, or the most where it stops early; default 100. For
   * Hutchinson's estimator that is the number of random vectors.
   */
  public TraceEstimator probes(int count) {
    StochasticLanczosQuadrature.requireProbes(count);
    if (count < LEAST_FOR_SKETCH && (method == Method.HUTCH_PLUS_PLUS || method == Method.XTRACE)) {
      throw new IllegalArgumentException(
          "probes: "
              + count
              + " products; expected "
              + LEAST_FOR_SKETCH
              + " or more for "
              + method
              + ", which spends some on the range of the operator; or use hutchinson");
    }
    probes = count;
    return this;
  }

  /**
   * Stops once the standard error is at most this times |trace|, though not before 8 samples: the
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

  /** Is told of every batch, in products. */
  public TraceEstimator progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Keeps what has been measured in a file, written every so many products, from which a run with
   * the same settings goes on: to the same bits as without interruption, on the same kind of
   * device. Of Hutchinson's estimator that is two numbers for each product, of the others the
   * vectors that they hold as well. When the run has ended, the file holds all of it, and to run it
   * again makes no products but the one by which the file knows its operator, and which is not
   * counted.
   *
   * @param file is replaced as a whole, and never left half written
   */
  public TraceEstimator checkpoint(Path file, int everyProducts) {
    checkpoint = Checkpoint.of(file, everyProducts);
    return this;
  }

  /**
   * Makes the products.
   *
   * @throws NumericalException if a product is NaN or infinite
   * @throws IllegalArgumentException if the {@link #checkpoint} belongs to another run
   * @throws java.io.UncheckedIOException if the checkpoint cannot be read or written
   */
  public TraceEstimate run() {
    return Hesse.on(operator.device(), () -> estimated());
  }

  private TraceEstimate estimated() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("algorithm", "trace estimator");
    settings.put("method", method == null ? "that the spectrum suggests" : method);
    settings.put("probes", probes);
    settings.put("relativeError", relativeError);
    settings.put("distribution", distribution);
    settings.put("seed", seed);
    Products products = Products.scaled(operator, progress);
    Journal journal = new Journal(products, checkpoint.open(operator, settings));
    Probing probing =
        new Probing(
            products, RngKey.of(seed), distribution, probes, relativeError, "trace", journal);
    Sketch sketch = new Sketch(probing, products);
    TraceEstimate result = estimated(probing, sketch);
    journal.close();
    return result;
  }

  private TraceEstimate estimated(Probing probing, Sketch sketch) {
    return switch (method) {
      case HUTCHINSON -> sketch.samples().run(Method.HUTCHINSON, probes);
      case HUTCH_PLUS_PLUS -> new HutchPlusPlus(probing, sketch).run(probes);
      case XTRACE -> new XTrace(probing, sketch).run();
      case EXACT -> throw new IllegalStateException("exact: chosen only");
      case null -> new TraceChoice(probing, sketch).run();
    };
  }
}
