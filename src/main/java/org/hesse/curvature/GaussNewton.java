package org.hesse.curvature;

import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.LossFunction;

/**
 * The generalised Gauss–Newton matrix of an objective, n×n: the mean over the data of Jᵀ H J, where
 * J is the Jacobian of a sample's outputs in the parameters and H the Hessian of its loss in the
 * outputs (Schraudolph, 2002). It is the Hessian of the loss of the linearised network, positive
 * semidefinite for a loss that is convex in the outputs.
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(256));
 * GaussNewton<Mlp> g = GaussNewton.of(f);
 * Tensor gv = g.apply(v);                                      // [n] -> [n]
 * Eigenpairs top = Lanczos.of(g).largest(5).run();
 * f.perLayer().forEach((path, layer) -> show(path, GaussNewton.of(layer)));  // diagonal blocks
 * }</pre>
 *
 * <p>A product is one forward-mode derivative of the network, the loss's {@link
 * LossFunction#hessianProduct}, a closed form for {@link org.hesse.nn.Loss}, and one reverse-mode
 * derivative; all three share the pass over the network.
 *
 * @param <M> the model
 */
public final class GaussNewton<M> extends ObjectiveOperator<M> {
  private GaussNewton(Objective<M> f, Effort effort) {
    super(f, effort);
  }

  /**
   * The Gauss–Newton matrix of an objective, at its model.
   *
   * @throws IllegalArgumentException if the objective was made by {@link Objective#ofLoss}, which
   *     does not tell outputs from their loss
   */
  public static <M> GaussNewton<M> of(Objective<M> f) {
    f.lossFunction();
    return new GaussNewton<>(f, Effort.DEFAULT);
  }

  @Override
  public GaussNewton<M> block(int vectors) {
    return (GaussNewton<M>) super.block(vectors);
  }

  @Override
  public GaussNewton<M> keep(long bytes) {
    return (GaussNewton<M>) super.keep(bytes);
  }

  @Override
  GaussNewton<M> with(Effort other) {
    return new GaussNewton<>(objective(), other);
  }

  @Override
  Tensor product(Objective<M> f, M at, Dataset batch, Tensor first, Tensor v) {
    LossFunction loss = f.lossFunction();
    return Outputs.sandwich(f, at, batch, v, (o, u) -> loss.hessianProduct(o, batch.y(), u));
  }

  @Override
  String name() {
    return "Gauss–Newton matrix";
  }
}
