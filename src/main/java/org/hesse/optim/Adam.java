package org.hesse.optim;

import java.util.List;
import org.hesse.Tensor;

/**
 * Adam (Kingma and Ba, 2015, algorithm 1), and AdamW where the weight decay is decoupled
 * (Loshchilov and Hutter, 2019, algorithm 2).
 *
 * @param learningRate η
 * @param beta1 decay of the gradient's running mean
 * @param beta2 decay of the running mean of its square
 * @param epsilon added to the root of that mean
 * @param weightDecay λ
 * @param decoupled whether w shrinks by η λ w directly, or λ w is added to the gradient
 */
public record Adam(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean decoupled)
    implements Optimizer {
  /** Checks the numbers. */
  public Adam {
    Checks.positive("learningRate", learningRate);
    Checks.fraction("beta1", beta1);
    Checks.fraction("beta2", beta2);
    Checks.positive("epsilon", epsilon);
    Checks.notNegative("weightDecay", weightDecay);
  }

  /** Adam with the usual constants. */
  public static Adam of(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0, false);
  }

  /** AdamW with the usual constants. */
  public static Adam decoupled(double learningRate, double weightDecay) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, weightDecay, true);
  }

  @Override
  public int slots() {
    return 2;
  }

  @Override
  public List<Tensor> update(
      Tensor parameter, Tensor gradient, List<Tensor> slots, Tensor step, Tensor learningRate) {
    boolean coupled = weightDecay != 0 && !decoupled;
    Tensor g = coupled ? gradient.add(parameter.mul(weightDecay)) : gradient;
    Tensor mean = slots.get(0).mul(beta1).add(g.mul(1 - beta1));
    Tensor square = slots.get(1).mul(beta2).add(g.square().mul(1 - beta2));
    Tensor rate = learningRate.div(correction(beta1, step));
    Tensor root = square.div(correction(beta2, step)).sqrt().add(epsilon);
    boolean shrink = weightDecay != 0 && decoupled;
    Tensor start = shrink ? parameter.sub(parameter.mul(learningRate.mul(weightDecay))) : parameter;
    return List.of(start.sub(mean.div(root).mul(rate)), mean, square);
  }

  /** 1 − βᵗ, without cancellation for β near 1. */
  private static Tensor correction(double beta, Tensor step) {
    return step.mul(Math.log(beta)).expm1().neg();
  }
}
