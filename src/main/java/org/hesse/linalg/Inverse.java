package org.hesse.linalg;

import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Tensor;

/**
 * A⁻¹ as an operator each of whose products is the solution of a linear system. A system that is
 * not solved to the solver's tolerance is a {@link NumericalException}, so a product is never worse
 * than that; how good the worst one was, {@link #worst} says.
 *
 * <pre>{@code
 * Inverse inverse = ConjugateGradients.of(ggn.shift(1e-3)).tolerance(1e-8).inverse();
 * Tensor x = inverse.apply(gradient);
 * Estimate trace = TraceEstimator.hutchinson(inverse).run().trace();
 * }</pre>
 *
 * <p>Made by {@link ConjugateGradients#inverse} and {@link NeumannSeries#inverse}.
 */
public final class Inverse implements LinearOperator {
  private final LinearOperator operator;
  private final Function<Tensor, Solution> solver;
  private double worst;
  private long matvecs;

  Inverse(LinearOperator operator, Function<Tensor, Solution> solver) {
    this.operator = operator;
    this.solver = solver;
  }

  @Override
  public int size() {
    return operator.size();
  }

  @Override
  public DType dtype() {
    return operator.dtype();
  }

  @Override
  public Device device() {
    return operator.device();
  }

  @Override
  public boolean symmetric() {
    return operator.symmetric();
  }

  @Override
  public Tensor apply(Tensor v) {
    Operators.requireVector(this, v);
    return solve(v);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Operators.requireBlock(this, vs);
    return solve(vs);
  }

  private Tensor solve(Tensor b) {
    Solution s = solver.apply(b).orThrow();
    synchronized (this) {
      matvecs += s.matvecs();
      for (double r : s.relativeResiduals()) {
        worst = Math.max(worst, r);
      }
    }
    return s.solution();
  }

  /** The largest relative residual ‖b − A x‖ / ‖b‖ of all products made so far. */
  public synchronized double worst() {
    return worst;
  }

  /** Products made with A so far. */
  public synchronized long matvecs() {
    return matvecs;
  }

  @Override
  public String toString() {
    return "inverse of " + operator;
  }
}
