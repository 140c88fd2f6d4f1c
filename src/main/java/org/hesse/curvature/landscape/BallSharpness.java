package org.hesse.curvature.landscape;

import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;
import org.hesse.linalg.NumericalException;
import org.hesse.linalg.Progress;

/**
 * By how much the loss rises within a ball around the parameters, to first order: its value at θ +
 * ρ g/‖g‖, with g the gradient, as sharpness-aware minimisation takes it (Foret, Kleiner, Mobahi
 * and Neyshabur 2021, equation 2).
 *
 * <pre>{@code
 * BallSharpness s = BallSharpness.of(f, 0.05);
 * s.rise();                       // at least so much is the largest loss in the ball above this
 * }</pre>
 *
 * <p>The point is in the ball, so the rise is a lower bound on the largest one. At a critical point
 * there is no direction to go, and the rise is 0 however sharp the minimum is: ask the Hessian.
 *
 * @param radius ρ
 * @param loss at the parameters
 * @param perturbed the loss at θ + ρ g/‖g‖
 * @param gradientNorm ‖g‖
 */
public record BallSharpness(double radius, double loss, double perturbed, double gradientNorm) {
  /**
   * Measures an objective.
   *
   * @param radius ρ, positive
   * @throws NumericalException if the gradient is NaN or infinite
   */
  public static <M> BallSharpness of(Objective<M> f, double radius) {
    if (!(radius > 0 && Double.isFinite(radius))) {
      throw new IllegalArgumentException("radius: " + radius + "; expected a positive number");
    }
    return Hesse.on(f.device(), () -> measured(f, radius));
  }

  private static <M> BallSharpness measured(Objective<M> f, double radius) {
    Tensor g = f.lossAndGradient().gradient().cast(DType.F64);
    double norm = Math.sqrt(g.square().sum().item());
    if (!Double.isFinite(norm)) {
      throw new NumericalException("the gradient has norm " + norm + ", so it has no direction");
    }
    Tensor unit = norm > 0 ? g.div(norm) : g;
    Losses<M> losses = new Losses<>(f, unit.cast(f.dtype()).insertAxis(0));
    double[][] point = {{radius}};
    double perturbed = losses.at(point, 1, Progress.NONE, "sharpness")[0];
    double here = losses.here();
    return new BallSharpness(radius, here, norm > 0 ? perturbed : here, norm);
  }

  /** By how much the loss at the other point is larger. */
  public double rise() {
    return perturbed - loss;
  }
}
