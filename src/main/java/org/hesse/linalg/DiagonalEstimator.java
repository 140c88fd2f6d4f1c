package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.Map;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * The diagonal of an operator from products with random vectors.
 *
 * <pre>{@code
 * DiagonalEstimate d = DiagonalEstimator.xDiag(hessian).probes(100).seed(0).run();
 * d.value();           // [n]
 * d.standardError();   // [n], of each entry
 * d.error();           // of all entries together, in the Euclidean norm
 * }</pre>
 *
 * <p><b>Hutchinson's</b> estimator (Bekas, Kokiopoulou and Saad 2007): E v∘Av is the diagonal where
 * the entries of v are −1 or 1. The variance of entry i for one probe is Σⱼ≠ᵢ aᵢⱼ², so a diagonal
 * matrix is exact. It keeps some five vectors, whatever the number of probes.
 *
 * <p><b>XDiag</b> (Epperly, Tropp and Webber 2024): with the range Q of the products of all other
 * vectors, each vector samples diag(QQᵀA) + ω∘(I − QQᵀ)Aω: far better where the spectrum falls. Of
 * k products, half of them with the adjoint, it keeps k vectors.
 *
 * <p><b>Errors.</b> The standard error of an entry comes from the spread of its samples. Those of
 * XDiag share most of what they are computed from, so their covariance, summed over all entries, is
 * estimated as {@link LeaveOneOut} does, from pairs of vectors that leave each other out, and every
 * entry's error is raised by the same factor; single ones may differ from it. Entries are not
 * equally hard: the error of one in a row that a few large entries dominate is uncertain by itself.
 *
 * <p>The operator need not be symmetric.
 */
public final class DiagonalEstimator {
  private static final String STAGE = "diagonal";
  private static final int BETWEEN_STOPS = 4;
  private static final Function<Moments, Moments> ADD = compile(DiagonalEstimator::added);

  private final LinearOperator operator;
  private final boolean sketched;
  private int probes = 100;
  private double relativeError;
  private long seed;
  private Progress progress = Progress.NONE;

  private DiagonalEstimator(LinearOperator operator, boolean sketched) {
    Operators.requireReal(operator.dtype(), "operator");
    this.operator = operator;
    this.sketched = sketched;
  }

  /** Hutchinson's estimator: the mean of v∘Av. */
  public static DiagonalEstimator hutchinson(LinearOperator operator) {
    return new DiagonalEstimator(operator, false);
  }

  /** XDiag, with 4 products or more. */
  public static DiagonalEstimator xDiag(LinearOperator operator) {
    return new DiagonalEstimator(operator, true);
  }

  /** The number of products, or the most where it stops early; default 100. */
  public DiagonalEstimator probes(int count) {
    int least = sketched ? 4 : 2;
    if (count < least) {
      throw new IllegalArgumentException(
          "probes: "
              + count
              + "; expected "
              + least
              + " or more, as the error is estimated from the spread of the samples");
    }
    probes = count;
    return this;
  }

  /** Stops once {@link DiagonalEstimate#error} is at most this times the norm of the estimate. */
  public DiagonalEstimator relativeError(double target) {
    if (!(target > 0)) {
      throw new IllegalArgumentException(
          "relativeError: " + target + "; expected a positive number, such as 0.01");
    }
    relativeError = target;
    return this;
  }

  /** Seeds the probes; default 0. */
  public DiagonalEstimator seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Is told of every batch, in products. */
  public DiagonalEstimator progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Makes the products.
   *
   * @throws NumericalException if a product is NaN or infinite
   * @throws UnsupportedOperationException for XDiag if the operator's adjoint is not known
   */
  public DiagonalEstimate run() {
    return Hesse.on(operator.device(), () -> estimated());
  }

  private DiagonalEstimate estimated() {
    Products products = Products.scaled(operator, progress);
    Probing probing =
        new Probing(
            products,
            RngKey.of(seed),
            ProbeDistribution.RADEMACHER,
            probes,
            relativeError,
            STAGE,
            new Journal(products, Checkpoint.NONE.open(operator, Map.of())));
    return sketched ? new XDiag(probing, operator).run() : sampled(probing);
  }

  private DiagonalEstimate sampled(Probing probing) {
    Products products = probing.products();
    Moments moments = Moments.none(operator.dtype(), operator.size());
    int count = 0;
    int stop = Probing.LEAST_FOR_STOPPING;
    while (true) {
      int most = relativeError > 0 ? Math.min(stop, probes) : probes;
      int to = Math.min(most, count + probing.together());
      Tensor[] vs = probing.draw(count, to);
      int number = products.count();
      Tensor[] av = products.applyEach(vs);
      for (int i = 0; i < vs.length; i++) {
        products.requireFinite(Basis.norm(av[i]), av[i], number + i + 1);
        moments = moments.plus(vs[i].mul(av[i]), ++count);
      }
      probing.report();
      if (count == probes || relativeError > 0 && count == stop) {
        DiagonalEstimate e = moments.estimate(count, 0, probing, products.count());
        if (e.reached() || count == probes) {
          return e;
        }
        stop += Math.max(BETWEEN_STOPS, count / 8);
      }
    }
  }

  /**
   * Mean of samples and sum of squared deviations from it (Welford), with the next sample and one
   * over the samples with it, as data, so that one program serves all.
   */
  record Moments(Tensor mean, Tensor squares, Tensor sample, Tensor weight) {
    static Moments none(DType dtype, int n) {
      Tensor zero = Tensor.zeros(dtype, n);
      return new Moments(zero, zero, zero, Tensor.scalar(1, dtype));
    }

    /** With a further sample, the {@code count}-th. */
    Moments plus(Tensor next, int count) {
      Tensor share = Tensor.scalar(1.0 / count, mean.dtype());
      return ADD.apply(new Moments(mean, squares, next, share));
    }

    /**
     * The estimate of so many samples.
     *
     * @param covariance of two samples, summed over all entries
     */
    DiagonalEstimate estimate(int count, double covariance, Probing probing, int matvecs) {
      double naive = squares.cast(DType.F64).sum().item() / count / (count - 1);
      double variance = naive + Math.max(0, covariance);
      double factor = naive > 0 ? Math.sqrt(variance / naive / count / (count - 1)) : 0;
      double norm = Basis.norm(mean);
      double error = Math.sqrt(variance);
      double unit = probing.products().unit();
      return new DiagonalEstimate(
          mean.mul(unit),
          squares.sqrt().mul(factor).mul(unit),
          error * unit,
          norm * unit,
          matvecs,
          probing.relativeError() == 0 || error <= probing.relativeError() * norm);
    }
  }

  private static Moments added(Moments m) {
    Tensor step = m.sample.sub(m.mean);
    Tensor mean = m.mean.add(step.mul(m.weight));
    Tensor squares = m.squares.add(step.mul(m.sample.sub(mean)));
    return new Moments(mean, squares, m.weight, m.weight);
  }
}
