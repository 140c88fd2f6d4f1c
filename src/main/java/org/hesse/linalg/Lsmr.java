package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;

/**
 * Solves the least-squares problem min ‖A x − b‖² + λ²‖x‖² for any linear map, square or not, of
 * any rank, by LSMR. Where A x = b has a solution and λ = 0 that is what it finds; of several
 * minimisers it finds the one of least norm.
 *
 * <pre>{@code
 * LeastSquares step = Lsmr.of(jacobian).damping(1e-3).run(residuals);       // Levenberg-Marquardt
 * step.normalResidual();              // ‖Aᵀ(b − A x) − λ²x‖
 * step.errorBound();                  // ‖x − x*‖ is at most this
 * }</pre>
 *
 * <p>In exact arithmetic this is MINRES on the normal equations, so ‖Aᵀ(b − A x) − λ²x‖ falls in
 * every step, but without forming AᵀA, whose condition number is the square of that of A. With r =
 * b − A x it stops, for the problem with λI beneath A, at
 *
 * <ul>
 *   <li>‖r‖ ≤ tolerance·(‖b‖ + ‖A‖·‖x‖), where there is a solution of A x = b, or
 *   <li>‖Aᵀr‖ ≤ tolerance·‖A‖·‖r‖, at a minimiser.
 * </ul>
 *
 * <p>Both say that x is exact for a problem that is relatively that near to the one given. Inner
 * products are summed in F64; the bidiagonalisation is not re-orthogonalised.
 *
 * <p>Source: Fong and Saunders, LSMR: an iterative algorithm for sparse least-squares problems
 * (2011), sections 2, 3 and 5.
 */
public final class Lsmr {
  private static final String STAGE = "LSMR";

  private static final Function<Rest, Remainder> REMAINDER = compile(Lsmr::remainder);
  private static final Function<Iterate, Iterate> UPDATE = compile(Lsmr::updated);

  private final LinearMap map;
  private double damping;
  private double tolerance;
  private int maxIterations;
  private double smallestSingularValue;
  private Progress progress = Progress.NONE;

  private Lsmr(LinearMap map) {
    Operators.requireReal(map.dtype(), "map");
    this.map = map;
    this.tolerance = map.dtype().epsilon() < 1e-10 ? 1e-10 : 1e-5;
    this.maxIterations = (int) Math.min(10L * Math.min(map.rows(), map.columns()), 10_000);
  }

  /** A solver; says what is wanted before {@link #run}. The map must know its adjoint. */
  public static Lsmr of(LinearMap map) {
    return new Lsmr(map);
  }

  /** λ, 0 or more; default 0. Note that λ² is what is added to AᵀA. */
  public Lsmr damping(double lambda) {
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException(
          "damping: " + lambda + "; expected 0 or a positive number");
    }
    damping = lambda;
    return this;
  }

  /** See the rules above; default 1e-10 in F64 and 1e-5 in F32. */
  public Lsmr tolerance(double relative) {
    if (!(relative >= 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number from 0 to 1, such as 1e-8");
    }
    tolerance = relative;
    return this;
  }

  /** The most steps; default 10 min(m, n), and at most 10,000. */
  public Lsmr maxIterations(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("maxIterations: " + count + "; expected 1 or more");
    }
    maxIterations = count;
    return this;
  }

  /**
   * Says that no singular value of A is below this positive number, for {@link
   * LeastSquares#errorBound}; of n if A has fewer rows than columns, it has some that are 0.
   */
  public Lsmr smallestSingularValue(double bound) {
    ConjugateGradients.requirePositive("smallestSingularValue", bound);
    smallestSingularValue = bound;
    return this;
  }

  /** Is told of every step. */
  public Lsmr progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Solves from x = 0. What did not converge is returned too, and says so.
   *
   * @param b [m]
   * @throws NumericalException if a product is NaN or infinite
   */
  public LeastSquares run(Tensor b) {
    Operators.requireVector(map.adjoint(), b);
    return Hesse.on(map.device(), () -> new Search(b).run());
  }

  /** One solution; names as in the paper, whose bars are {@code Bar} and hats {@code Hat}. */
  private final class Search {
    private final Products forward = Products.scaled(map, progress);
    private final Products back = forward.adjoint();
    private final Tensor b;
    private final RightHandSides given;
    private final double size;
    private final ResidualNorm residual;
    private Tensor u;
    private Tensor v;
    private double alpha;
    private double beta;
    private double alphaBar;
    private double zetaBar;
    private double rho = 1;
    private double rhoBar = 1;
    private double cBar = 1;
    private double sBar;
    private double squares;
    private double largest;
    private double least = Double.POSITIVE_INFINITY;
    private Iterate iterate;

    Search(Tensor right) {
      this.given = new RightHandSides(back.operator(), right);
      this.b = given.rows.select(0, 0);
      this.size = given.sizes[0];
      this.beta = size;
      this.residual = new ResidualNorm(size);
      this.u = size == 0 ? b : Basis.divide(b, size);
      this.v = Tensor.zeros(map.dtype(), map.columns());
      this.iterate = new Iterate(v, v, v, v, Tensor.zeros(DType.F64, 3));
    }

    LeastSquares run() {
      int steps = 0;
      boolean done = size == 0;
      if (!done) {
        alpha = next(back, u, v, 0);
        done = alpha == 0;
        alphaBar = alpha;
        zetaBar = alpha * beta;
        squares = alpha * alpha;
        iterate = new Iterate(v, iterate.hBar, iterate.x, v, iterate.factors);
      }
      while (!done && steps < maxIterations) {
        done = step();
        forward.report(STAGE, ++steps, maxIterations);
      }
      return solution(steps);
    }

    /** λ over the unit of the products, which the first one tells. */
    private double lambda() {
      return damping / forward.unit();
    }

    /** Makes the next vector of the bidiagonalisation from a product; answers its norm. */
    private double next(Products products, Tensor of, Tensor last, double along) {
      Tensor product = products.apply(of);
      Remainder w = REMAINDER.apply(new Rest(product, last, Tensor.of(new double[] {along}, 1)));
      double norm = Math.sqrt(w.square.item());
      products.requireFinite(norm, product, products.count());
      Tensor vector = norm == 0 ? w.vector : Basis.divide(w.vector, norm);
      if (products == back) {
        v = vector;
      } else {
        u = vector;
      }
      return norm;
    }

    /** Answers whether the iterate is good enough, or cannot become better. */
    private boolean step() {
      beta = next(forward, v, u, alpha);
      alpha = beta == 0 ? 0 : next(back, u, v, beta);

      double alphaHat = Math.hypot(alphaBar, lambda());
      double cHat = alphaBar / alphaHat;
      double sHat = lambda() / alphaHat;
      double rhoOld = rho;
      rho = Math.hypot(alphaHat, beta);
      double c = alphaHat / rho;
      double s = beta / rho;
      double theta = s * alpha;
      alphaBar = c * alpha;

      double rhoBarOld = rhoBar;
      double thetaBar = sBar * rho;
      double rhoTemp = cBar * rho;
      rhoBar = Math.hypot(rhoTemp, theta);
      cBar = rhoTemp / rhoBar;
      sBar = theta / rhoBar;
      double zeta = cBar * zetaBar;
      zetaBar = -sBar * zetaBar;

      double[] factors = {
        thetaBar * rho / (rhoOld * rhoBarOld), zeta / (rho * rhoBar), theta / rho
      };
      iterate =
          UPDATE.apply(new Iterate(iterate.h, iterate.hBar, iterate.x, v, Tensor.of(factors, 3)));
      residual.advance(cHat, sHat, c, s, thetaBar, rhoBar, zeta);
      squares += beta * beta + lambda() * lambda();
      if (forward.count() > 1) {
        seen(rhoBarOld);
      }
      seen(Math.abs(rhoTemp));
      boolean done = small();
      squares += alpha * alpha;
      return done || alpha == 0;
    }

    /** A diagonal element of the triangular factor lies among the singular values. */
    private void seen(double diagonal) {
      largest = Math.max(largest, diagonal);
      least = Math.min(least, diagonal);
    }

    /** No tolerance below the rounding error is of use. */
    private boolean small() {
      double limit = Math.max(tolerance, map.dtype().epsilon());
      double norm = Math.sqrt(squares);
      double r = residual.norm;
      return r <= limit * (size + norm * Basis.norm(iterate.x))
          || Math.abs(zetaBar) <= limit * norm * r;
    }

    private LeastSquares solution(int steps) {
      Tensor x = iterate.x;
      Tensor r = steps == 0 ? b : b.sub(forward.apply(x));
      Tensor normal = size == 0 ? x : back.apply(r);
      Tensor s = REMAINDER.apply(new Rest(normal, x, scalar(lambda() * lambda()))).vector;
      double residualNorm = Basis.norm(r);
      double normalNorm = Basis.norm(s);
      double norm = Math.sqrt(squares);
      double length = Basis.norm(x);
      double whole = Math.hypot(residualNorm, lambda() * length);
      // The recurrence has met the tolerance; what rounding left of that is judged with a margin.
      boolean converged =
          whole <= 2 * tolerance * (size + norm * length)
              || normalNorm <= 2 * tolerance * norm * whole;
      double unit = forward.unit();
      return new LeastSquares(
          given.unscaled(x.insertAxis(0), unit),
          residualNorm * given.unit(0),
          normalNorm * given.unit(0) * unit,
          norm * unit,
          steps == 0 ? 1 : largest / least,
          Math.hypot(smallestSingularValue, damping),
          converged,
          steps,
          forward.count() + back.count());
    }
  }

  /** ‖b − A x‖ with λI beneath A, from the rotations alone (section 5 of the paper). */
  private static final class ResidualNorm {
    private double betaDotDot;
    private double betaDot;
    private double rhoDot = 1;
    private double tauTilde;
    private double thetaTilde;
    private double zetaOld;
    private double squares;
    double norm;

    ResidualNorm(double beta) {
      betaDotDot = beta;
      norm = beta;
    }

    void advance(
        double cHat, double sHat, double c, double s, double thetaBar, double rhoBar, double zeta) {
      double betaAcute = cHat * betaDotDot;
      double betaCheck = -sHat * betaDotDot;
      double betaHat = c * betaAcute;
      betaDotDot = -s * betaAcute;

      double thetaTildeOld = thetaTilde;
      double rhoTilde = Math.hypot(rhoDot, thetaBar);
      double cTilde = rhoDot / rhoTilde;
      double sTilde = thetaBar / rhoTilde;
      thetaTilde = sTilde * rhoBar;
      rhoDot = cTilde * rhoBar;
      betaDot = -sTilde * betaDot + cTilde * betaHat;

      tauTilde = (zetaOld - thetaTildeOld * tauTilde) / rhoTilde;
      double tauDot = (zeta - thetaTilde * tauTilde) / rhoDot;
      zetaOld = zeta;
      squares += betaCheck * betaCheck;
      double difference = betaDot - tauDot;
      norm = Math.sqrt(squares + difference * difference + betaDotDot * betaDotDot);
    }
  }

  private static Tensor scalar(double c) {
    return Tensor.of(new double[] {c}, 1);
  }

  private record Rest(Tensor product, Tensor last, Tensor along) {}

  private record Remainder(Tensor vector, Tensor square) {}

  private static Remainder remainder(Rest r) {
    Tensor w = r.product.sub(r.last.mul(r.along.cast(r.last.dtype())));
    return new Remainder(w, w.matmul(w, DType.F64));
  }

  /** h, h̄ and x, the next v, and the three factors that they are updated with. */
  private record Iterate(Tensor h, Tensor hBar, Tensor x, Tensor v, Tensor factors) {}

  private static Iterate updated(Iterate s) {
    Tensor f = s.factors.cast(s.x.dtype());
    Tensor hBar = s.h.sub(s.hBar.mul(f.slice(0, 0, 1)));
    Tensor x = s.x.add(hBar.mul(f.slice(0, 1, 2)));
    Tensor h = s.v.sub(s.h.mul(f.slice(0, 2, 3)));
    return new Iterate(h, hBar, x, s.v, s.factors);
  }
}
