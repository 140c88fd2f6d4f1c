package org.hesse.optim;

import java.util.List;
import org.hesse.Tensor;

/**
 * Gradient descent, with heavy-ball momentum as PyTorch formulates it: b ← μ b + g, w ← w − η b.
 *
 * @param learningRate η
 * @param momentum μ, 0 for none
 * @param weightDecay λ, added to the gradient as λ w
 */
public record Sgd(double learningRate, double momentum, double weightDecay) implements Optimizer {
  /** Checks the numbers. */
  public Sgd {
    Checks.positive("learningRate", learningRate);
    Checks.fraction("momentum", momentum);
    Checks.notNegative("weightDecay", weightDecay);
  }

  /** Plain gradient descent. */
  public static Sgd of(double learningRate) {
    return new Sgd(learningRate, 0, 0);
  }

  @Override
  public int slots() {
    return momentum == 0 ? 0 : 1;
  }

  @Override
  public List<Tensor> update(
      Tensor parameter, Tensor gradient, List<Tensor> slots, Tensor step, Tensor learningRate) {
    Tensor g = weightDecay == 0 ? gradient : gradient.add(parameter.mul(weightDecay));
    if (momentum == 0) {
      return List.of(parameter.sub(g.mul(learningRate)));
    }
    Tensor velocity = slots.get(0).mul(momentum).add(g);
    return List.of(parameter.sub(velocity.mul(learningRate)), velocity);
  }
}
