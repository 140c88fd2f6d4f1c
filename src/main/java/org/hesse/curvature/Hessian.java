package org.hesse.curvature;

import static org.hesse.Autodiff.hvp;

import java.util.List;
import org.hesse.Tensor;
import org.hesse.io.Dataset;

/**
 * The Hessian of an objective in its parameters, n×n: products by forward over reverse mode
 * (Pearlmutter, 1994; Griewank and Walther, 2008, chapter 3).
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(256));
 * Hessian<Mlp> h = Hessian.of(f);
 * Tensor hv = h.apply(v);                                 // [n] -> [n]
 * Eigenpairs top = Lanczos.of(h).largest(5).run();
 * }</pre>
 *
 * @param <M> the model
 */
public final class Hessian<M> extends ObjectiveOperator<M> {
  private Hessian(Objective<M> f, Effort effort) {
    super(f, effort);
  }

  /** The Hessian of an objective, at its model. */
  public static <M> Hessian<M> of(Objective<M> f) {
    return new Hessian<>(f, Effort.DEFAULT);
  }

  @Override
  public Hessian<M> block(int vectors) {
    return (Hessian<M>) super.block(vectors);
  }

  @Override
  public Hessian<M> keep(long bytes) {
    return (Hessian<M>) super.keep(bytes);
  }

  @Override
  Hessian<M> with(Effort other) {
    return new Hessian<>(objective(), other);
  }

  @Override
  Tensor product(Objective<M> f, M at, Dataset batch, Tensor first, Tensor v) {
    List<Tensor> product =
        hvp((List<Tensor> p) -> f.loss(f.with(at, p), batch), f.leaves(at), f.unravel(v));
    return f.ravel(product);
  }

  @Override
  String name() {
    return "Hessian";
  }
}
