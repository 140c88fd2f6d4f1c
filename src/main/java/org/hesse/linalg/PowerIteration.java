package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * The eigenvalues of largest magnitude by power iteration, one after the other: each from a random
 * vector that is kept orthogonal to the eigenvectors found before (deflation).
 *
 * <pre>{@code
 * Eigenpairs top = PowerIteration.of(hessian).largest(5).tolerance(1e-3).seed(0).run();
 * top.pairs();                                   // value, residual bound, converged
 * }</pre>
 *
 * <p>It holds three vectors and those found, and is the simplest method there is. The residual
 * falls by |λ₂/λ₁| in each step, so close eigenvalues take thousands of products and a pair ±λ
 * never converges: {@link Lanczos} makes better use of the same products in all cases, and takes
 * the memory of its basis for it.
 *
 * <p>An eigenvalue has converged when its residual within what earlier ones leave is small enough.
 * What inexact deflation mixes is undone at the end by the Rayleigh–Ritz procedure on all vectors
 * found, and residuals are computed as in {@link Lanczos}.
 *
 * <p>Source: G. Golub and C. Van Loan, Matrix Computations, sections 7.3 and 8.2.
 */
public final class PowerIteration {
  /** Pairs must converge a little further than asked, as deflation adds a little. */
  private static final double MARGIN = 0.3;

  private static final String STAGE = "eigenvalues";

  private final LinearOperator operator;
  private final double symmetryTolerance;
  private int wanted = 1;
  private double tolerance = 1e-3;
  private int maxSteps = 1000;
  private boolean keepVectors;
  private long seed;
  private Progress progress = Progress.NONE;

  private PowerIteration(LinearOperator operator) {
    Products.requireSymmetric(operator, "power iteration");
    this.operator = operator;
    this.symmetryTolerance = Math.sqrt(operator.dtype().epsilon());
  }

  /**
   * An iteration with a symmetric operator.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static PowerIteration of(LinearOperator operator) {
    return new PowerIteration(operator);
  }

  /** Wants the k eigenvalues of largest magnitude, largest first. Default 1. */
  public PowerIteration largest(int k) {
    Lanczos.requireCount(operator, k);
    wanted = k;
    return this;
  }

  /** A pair has converged when its residual is at most this times |value|. Default 1e-3. */
  public PowerIteration tolerance(double relative) {
    Lanczos.requireTolerance(relative);
    tolerance = relative;
    return this;
  }

  /** The most steps, of one product each, for each eigenvalue; default 1000. */
  public PowerIteration maxSteps(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("maxSteps: " + steps + "; expected 1 or more");
    }
    maxSteps = steps;
    return this;
  }

  /** Whether the result keeps the eigenvectors; default false. */
  public PowerIteration vectors(boolean keep) {
    keepVectors = keep;
    return this;
  }

  /** Seeds the random start vectors; default 0. */
  public PowerIteration seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Is told of every product, in terms of eigenvalues done. */
  public PowerIteration progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Runs the iteration. Pairs that did not converge within {@link #maxSteps} are returned too, with
   * the residuals they have, and say so.
   *
   * @return pairs that count as {@link Eigenpairs#complete} only where they are all there are: that
   *     none was passed over is not checked
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   */
  public Eigenpairs run() {
    return Hesse.on(operator.device(), () -> new Search().run());
  }

  /** One run. */
  private final class Search {
    private final Products products = Products.scaled(operator, progress);
    private final Basis found = new Basis();

    /** The operator on the vectors found: rows of its lower triangle. */
    private final List<double[]> projected = new ArrayList<>();

    private double scale;

    Eigenpairs run() {
      while (found.size() < wanted) {
        iterate(start());
      }
      ResidualCheck check =
          new ResidualCheck(products, Target.MAGNITUDE, tolerance, scale, keepVectors);
      Eigenpairs pairs = check.of(rotated(), wanted == operator.size());
      products.report(STAGE, wanted, wanted);
      return pairs;
    }

    private Tensor start() {
      RngKey key = RngKey.of(seed).fold(found.size());
      Tensor v = Basis.unit(key.normal(operator.dtype(), operator.size()));
      Basis.Projection p = Basis.project(v, found);
      return Basis.divide(p.remainder(), p.norm());
    }

    private void iterate(Tensor start) {
      Tensor v = start;
      Tensor before = start;
      double coupling = Double.NaN;
      for (int step = 1; ; step++) {
        Tensor product = products.apply(v);
        Basis.Projection p = Basis.project(product, found);
        products.requireFinite(p.norm(), product, products.count());
        scale = Math.max(scale, Basis.norm(product));
        if (step > 1) {
          products.requireSymmetric(
              Basis.dot(before, product), coupling, products.count(), scale, symmetryTolerance);
        }
        double value = Basis.dot(v, p.remainder());
        double residual = Basis.norm(p.remainder().sub(scaled(v, value)));
        double enough = Math.max(MARGIN * tolerance * Math.abs(value), rounding());
        if (residual <= enough || step == maxSteps) {
          take(v, value, p.coefficients()[0]);
          products.report(STAGE, found.size(), wanted);
          return;
        }
        products.report(STAGE, found.size(), wanted);
        before = v;
        coupling = p.norm();
        v = Basis.divide(p.remainder(), p.norm());
      }
    }

    private Tensor scaled(Tensor v, double by) {
      return v.mul(Tensor.of(new double[] {by}, 1).cast(v.dtype()));
    }

    private double rounding() {
      return ResidualCheck.rounding(operator, scale);
    }

    private void take(Tensor v, double value, double[] coefficients) {
      found.append(v);
      double[] row = Arrays.copyOf(coefficients, found.size());
      row[row.length - 1] = value;
      projected.add(row);
    }

    /** Ritz vectors of the operator on all that was found. */
    private List<Tensor> rotated() {
      double[][] h = new double[wanted][wanted];
      for (int i = 0; i < wanted; i++) {
        for (int j = 0; j <= i; j++) {
          h[i][j] = projected.get(i)[j];
          h[j][i] = h[i][j];
        }
      }
      Tensor rows = found.combine(DenseSymmetric.eigen(h).vectors);
      return IntStream.range(0, wanted).mapToObj(i -> rows.select(0, i)).toList();
    }
  }
}
