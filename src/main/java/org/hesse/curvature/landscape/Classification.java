package org.hesse.curvature.landscape;

import java.util.Arrays;
import java.util.function.DoublePredicate;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Matrices;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.curvature.landscape.CriticalPoint.Definiteness;
import org.hesse.linalg.CountingOperator;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.EigenvalueCount;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;
import org.hesse.linalg.Progress;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;

/**
 * Finds out the kind of a {@link CriticalPoint}.
 *
 * <p>Up to {@link #dense} parameters the Hessian is formed and all its eigenvalues computed, so
 * every count is exact unless rounding leaves a sign open. Beyond, {@link Lanczos} finds both ends
 * of the spectrum, which decide the kind, and stochastic Lanczos quadrature counts what is between,
 * with a 95% interval ({@link EigenvalueCount}).
 */
public final class Classification {
  private final LinearOperator hessian;
  private final Tensor gradient;
  private double gradientTolerance;
  private double zeroTolerance;
  private int dense = 500;
  private int probes = 10;
  private int steps = 100;
  private long seed;
  private Progress progress = Progress.NONE;

  /** The sign of an eigenvalue, as far as its bound tells. */
  private enum Sign {
    NEGATIVE,
    ZERO,
    POSITIVE,
    OPEN;

    static Sign of(double value, double residual, double zero) {
      if (value - residual > zero) {
        return POSITIVE;
      }
      if (value + residual < -zero) {
        return NEGATIVE;
      }
      return Math.abs(value) + residual <= zero ? ZERO : OPEN;
    }
  }

  Classification(LinearOperator hessian, Tensor gradient) {
    if (!hessian.symmetric()) {
      throw new IllegalArgumentException(
          "hessian: " + hessian + " is not symmetric; expected second derivatives of a function");
    }
    if (!gradient.shape().equals(Shape.of(hessian.size())) || gradient.dtype() != hessian.dtype()) {
      throw new IllegalArgumentException(
          "gradient: "
              + gradient.dtype()
              + gradient.shape()
              + "; expected "
              + hessian.dtype()
              + Shape.of(hessian.size())
              + ", as "
              + hessian
              + " has");
    }
    this.hessian = hessian;
    this.gradient = gradient;
    boolean fine = hessian.dtype() == DType.F64;
    this.gradientTolerance = fine ? 1e-6 : 1e-4;
    this.zeroTolerance = Math.sqrt(hessian.dtype().epsilon());
  }

  /** Up to which norm the gradient counts as zero; default 1e-6 in F64 and 1e-4 in F32. */
  public Classification gradientTolerance(double norm) {
    gradientTolerance = positive("gradientTolerance", norm);
    return this;
  }

  /**
   * An eigenvalue counts as zero up to this times the largest magnitude; default √ε of the dtype,
   * 1.5e-8 in F64 and 3.5e-4 in F32.
   */
  public Classification zeroTolerance(double relative) {
    zeroTolerance = positive("zeroTolerance", relative);
    return this;
  }

  /** Up to how many parameters the Hessian is formed; default 500. */
  public Classification dense(int parameters) {
    if (parameters < 0) {
      throw new IllegalArgumentException(
          "dense: " + parameters + " parameters; expected 0 (never) or more");
    }
    dense = parameters;
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#probes}, for what is counted by quadrature. */
  public Classification probes(int count) {
    probes = count;
    return this;
  }

  /** As {@link StochasticLanczosQuadrature#steps}, for what is counted by quadrature. */
  public Classification steps(int count) {
    steps = count;
    return this;
  }

  /** Seeds start vectors and probes; default 0. */
  public Classification seed(long number) {
    seed = number;
    return this;
  }

  /** Is told of every product. */
  public Classification progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Computes what is needed and decides.
   *
   * @throws NumericalException if the gradient or a product is NaN or infinite, or the Hessian not
   *     symmetric
   */
  public CriticalPoint run() {
    return Hesse.on(hessian.device(), this::decided);
  }

  private CriticalPoint decided() {
    double norm = Math.sqrt(gradient.cast(DType.F64).square().sum().item());
    if (!Double.isFinite(norm)) {
      throw new NumericalException(
          "the gradient has norm " + norm + ", so this is no point that could be classified");
    }
    return hessian.size() <= dense ? fromAll(norm) : fromEnds(norm);
  }

  private CriticalPoint fromAll(double norm) {
    int n = hessian.size();
    Tensor matrix = hessian.toDense().cast(DType.F64);
    double asymmetry = frobenius(matrix.sub(matrix.transpose()));
    double[] values = Matrices.eigh(matrix).values().toDoubleArray();
    double scale = Math.max(Math.abs(values[0]), Math.abs(values[n - 1]));
    if (!(asymmetry <= Math.sqrt(hessian.dtype().epsilon()) * scale * n)) {
      throw new NumericalException(
          hessian + " is not symmetric: ‖H − Hᵀ‖ is " + asymmetry + ", ‖H‖ " + scale);
    }
    // Weyl: no eigenvalue moves further than the norm of what rounding did to the matrix.
    double rounding = (1 + Math.log(n) / Math.log(2)) * 4 * hessian.dtype().epsilon() * scale;
    double residual = rounding + asymmetry / 2;
    double zero = zeroTolerance * scale;
    Sign[] signs =
        Arrays.stream(values).mapToObj(v -> Sign.of(v, residual, zero)).toArray(Sign[]::new);
    return new CriticalPoint(
        norm,
        gradientTolerance,
        definiteness(signs[0], signs[n - 1]),
        new Eigenpair(values[0], residual, true),
        new Eigenpair(values[n - 1], residual, true),
        zero,
        count(values, signs, v -> v < -zero, Sign.NEGATIVE),
        count(values, signs, v -> Math.abs(v) <= zero, Sign.ZERO),
        count(values, signs, v -> v > zero, Sign.POSITIVE),
        n);
  }

  private static double frobenius(Tensor matrix) {
    return Math.sqrt(matrix.square().sum().item());
  }

  private static EigenvalueCount count(
      double[] values, Sign[] signs, DoublePredicate is, Sign sign) {
    long certain = Arrays.stream(signs).filter(s -> s == sign).count();
    long open = Arrays.stream(signs).filter(s -> s == Sign.OPEN).count();
    return new EigenvalueCount(Arrays.stream(values).filter(is).count(), certain, certain + open);
  }

  private CriticalPoint fromEnds(double norm) {
    CountingOperator counted = hessian.counting();
    Eigenpairs first = search(counted).largest(1).run();
    Eigenpair outer = first.pairs().getFirst();
    // Shifted by it, the other end has the largest magnitude, and one tolerance fits both.
    double shift = Math.abs(outer.value());
    boolean up = outer.value() > 0;
    LinearOperator shifted = counted.scale(up ? -1 : 1).shift(shift);
    Eigenpairs second = search(shifted).largestAlgebraic(1).run();
    Eigenpair other = second.pairs().getFirst();
    double value = up ? shift - other.value() : other.value() - shift;
    Eigenpair inner = new Eigenpair(value, other.residual(), other.converged());
    Eigenpair smallest = up ? inner : outer;
    Eigenpair largest = up ? outer : inner;
    double zero = zeroTolerance * shift;
    Sign low = sign(smallest, (up ? second : first).complete(), Sign.NEGATIVE, zero);
    Sign high = sign(largest, (up ? first : second).complete(), Sign.POSITIVE, zero);
    Definiteness definiteness = definiteness(low, high);
    EigenvalueCount[] counts = counts(counted, low, high, zero);
    return new CriticalPoint(
        norm,
        gradientTolerance,
        definiteness,
        smallest,
        largest,
        zero,
        counts[0],
        counts[1],
        counts[2],
        (int) counted.matvecs());
  }

  private Lanczos search(LinearOperator operator) {
    return Lanczos.of(operator)
        .tolerance(Math.min(1e-3, zeroTolerance / 4))
        .seed(seed)
        .progress(progress);
  }

  /**
   * The sign of an extreme eigenvalue. A Rayleigh quotient bounds it from inside whatever else was
   * missed; that nothing lies further out needs a search that ended well.
   */
  private static Sign sign(Eigenpair pair, boolean complete, Sign outward, double zero) {
    Sign sign = Sign.of(pair.value(), pair.residual(), zero);
    return complete || sign == outward ? sign : Sign.OPEN;
  }

  private static Definiteness definiteness(Sign low, Sign high) {
    if (low == Sign.POSITIVE) {
      return Definiteness.POSITIVE_DEFINITE;
    }
    if (high == Sign.NEGATIVE) {
      return Definiteness.NEGATIVE_DEFINITE;
    }
    if (low == Sign.NEGATIVE && high == Sign.POSITIVE) {
      return Definiteness.INDEFINITE;
    }
    return low == Sign.OPEN || high == Sign.OPEN
        ? Definiteness.UNDECIDED
        : Definiteness.SEMIDEFINITE;
  }

  /** Negative, zero and positive ones, by quadrature where the ends do not tell. */
  private EigenvalueCount[] counts(LinearOperator operator, Sign low, Sign high, double zero) {
    int n = hessian.size();
    EigenvalueCount none = exactly(0);
    EigenvalueCount all = exactly(n);
    if (low == Sign.POSITIVE) {
      return new EigenvalueCount[] {none, none, all};
    }
    if (high == Sign.NEGATIVE) {
      return new EigenvalueCount[] {all, none, none};
    }
    if (low == Sign.ZERO && high == Sign.ZERO) {
      return new EigenvalueCount[] {none, all, none};
    }
    Quadrature q =
        StochasticLanczosQuadrature.of(operator)
            .probes(probes)
            .steps(steps)
            .seed(seed)
            .progress(progress)
            .run();
    EigenvalueCount negative =
        low == Sign.ZERO ? none : within(q.countBelow(-zero), low == Sign.NEGATIVE ? 1 : 0, n);
    EigenvalueCount positive =
        high == Sign.ZERO ? none : within(q.countAbove(zero), high == Sign.POSITIVE ? 1 : 0, n);
    EigenvalueCount other = q.rank(zero);
    EigenvalueCount nullity =
        within(
            new EigenvalueCount(n - other.value(), n - other.high(), n - other.low()),
            0,
            n - negative.low() - positive.low());
    return new EigenvalueCount[] {negative, nullity, positive};
  }

  private static EigenvalueCount exactly(double n) {
    return new EigenvalueCount(n, n, n);
  }

  /** An estimate of what is known to lie between two numbers. */
  private static EigenvalueCount within(EigenvalueCount n, double least, double most) {
    double low = Math.clamp(n.low(), least, most);
    double high = Math.clamp(n.high(), low, most);
    return new EigenvalueCount(Math.clamp(n.value(), low, high), low, high);
  }

  private static double positive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + ": " + value + "; expected a positive number");
    }
    return value;
  }
}
