package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.linearize;

import java.util.Locale;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.EigenvalueCount;
import org.hesse.linalg.LinearOperator;

/**
 * What kind of point of a function this is, by the norm of its gradient and the signature of its
 * Hessian, with the numbers that decided it.
 *
 * <pre>{@code
 * CriticalPoint p = CriticalPoint.classify(f).seed(0).run();     // f an Objective
 * p.kind();                     // SADDLE
 * p.negative();                 // the Morse index, with an interval where it is estimated
 * p.smallest().residual();      // the least eigenvalue is within this of its value
 * }</pre>
 *
 * <p>An eigenvalue counts as zero within ±{@link #zero}, and as negative or positive if it lies
 * beyond with its whole residual bound. What the bounds do not decide is {@link Kind#UNDECIDED}.
 * Counts are exact, low = high, or enclosed.
 *
 * @param gradientNorm ‖∇f‖
 * @param gradientTolerance up to which ‖∇f‖ counts as zero
 * @param hessian the signs of the Hessian's eigenvalues, whatever the gradient is
 * @param smallest eigenvalue of the Hessian, algebraically
 * @param largest eigenvalue of the Hessian, algebraically
 * @param zero up to which the magnitude of an eigenvalue counts as zero
 * @param negative how many eigenvalues are negative; at a critical point the Morse index
 * @param nullity how many eigenvalues count as zero
 * @param positive how many eigenvalues are positive
 * @param matvecs products made with the Hessian
 */
public record CriticalPoint(
    double gradientNorm,
    double gradientTolerance,
    Definiteness hessian,
    Eigenpair smallest,
    Eigenpair largest,
    double zero,
    EigenvalueCount negative,
    EigenvalueCount nullity,
    EigenvalueCount positive,
    int matvecs) {

  /** What a point is. */
  public enum Kind {
    /** The gradient is not zero. */
    NOT_CRITICAL,
    /** A strict local minimum: the gradient is zero and all eigenvalues are positive. */
    MINIMUM,
    /** A strict local maximum: the gradient is zero and all eigenvalues are negative. */
    MAXIMUM,
    /** The gradient is zero and there are eigenvalues of both signs; others may be zero. */
    SADDLE,
    /**
     * The gradient is zero, some eigenvalues are, and the others have one sign if there are any: a
     * minimum or maximum, perhaps not strict, or a saddle, which second derivatives do not tell.
     */
    DEGENERATE,
    /** The gradient is zero, but the error bounds of the eigenvalues leave their signs open. */
    UNDECIDED
  }

  /** Signs of the eigenvalues of a symmetric matrix. */
  public enum Definiteness {
    /** All are positive. */
    POSITIVE_DEFINITE,
    /** All are negative. */
    NEGATIVE_DEFINITE,
    /** Some are positive and some negative. */
    INDEFINITE,
    /** Some count as zero, and no two have different signs. */
    SEMIDEFINITE,
    /** The error bounds leave it open. */
    UNDECIDED
  }

  /**
   * Asks what kind of point of an objective its model is.
   *
   * @param f of all parameters, or of some
   */
  public static <M> Classification classify(Objective<M> f) {
    return classify(Hessian.of(f), f.lossAndGradient().gradient());
  }

  /**
   * Asks what kind of point it is where a function has this Hessian and gradient.
   *
   * @param hessian symmetric
   * @param gradient [n], of the Hessian's size and dtype
   * @throws IllegalArgumentException if they do not go together
   */
  public static Classification classify(LinearOperator hessian, Tensor gradient) {
    return new Classification(hessian, gradient);
  }

  /**
   * Asks what kind of point of a function a value is.
   *
   * <pre>{@code
   * CriticalPoint.classify((Tensor p) -> rosenbrock(p), Tensor.of(new double[] {1, 1})).run();
   * }</pre>
   *
   * @param f a function with a scalar result
   * @param at a tree of real tensors of one dtype
   */
  public static <M> Classification classify(Function<M, Tensor> f, M at) {
    Tree<M> tree = Tree.of(at);
    Tensor x = tree.ravel(at);
    var derivative = linearize(grad(f), at);
    UnaryOperator<Tensor> product =
        v -> tree.ravel(derivative.pushforward().apply(tree.unravel(v, at)));
    return classify(
        LinearOperator.ofSymmetric(x.dim(0), x.dtype(), product), tree.ravel(derivative.value()));
  }

  /** Whether ‖∇f‖ counts as zero. */
  public boolean critical() {
    return gradientNorm <= gradientTolerance;
  }

  /** What the point is. */
  public Kind kind() {
    if (!critical()) {
      return Kind.NOT_CRITICAL;
    }
    return switch (hessian) {
      case POSITIVE_DEFINITE -> Kind.MINIMUM;
      case NEGATIVE_DEFINITE -> Kind.MAXIMUM;
      case INDEFINITE -> Kind.SADDLE;
      case SEMIDEFINITE -> Kind.DEGENERATE;
      case UNDECIDED -> Kind.UNDECIDED;
    };
  }

  /** The kind and all that decided it, in a line. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s: |gradient| %.3g (zero up to %.3g), eigenvalues from %.6g ± %.2g to %.6g ± %.2g"
            + " (zero up to %.3g): %s negative, %s zero, %s positive",
        kind(),
        gradientNorm,
        gradientTolerance,
        smallest.value(),
        smallest.residual(),
        largest.value(),
        largest.residual(),
        zero,
        print(negative),
        print(nullity),
        print(positive));
  }

  private static String print(EigenvalueCount n) {
    return n.low() == n.high()
        ? String.format(Locale.ROOT, "%.0f", n.value())
        : String.format(Locale.ROOT, "about %.0f (%.0f to %.0f)", n.value(), n.low(), n.high());
  }
}
