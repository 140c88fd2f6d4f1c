package org.hesse.curvature;

import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vjp;

import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import org.hesse.Tensor;
import org.hesse.io.Dataset;

/** Derivatives of a network's outputs in an objective's selected parameters. */
final class Outputs {
  private Outputs() {}

  private static <M> Function<List<Tensor>, Tensor> network(Objective<M> f, M at, Dataset batch) {
    return p -> f.outputs(f.with(at, p), batch.x());
  }

  /** J v, of the outputs' shape. */
  static <M> Tensor push(Objective<M> f, M at, Dataset batch, Tensor v) {
    return jvp(network(f, at, batch), f.leaves(at), f.unravel(v)).tangent();
  }

  /** Jᵀ u, [n]. */
  static <M> Tensor pull(Objective<M> f, M at, Dataset batch, Tensor u) {
    var outputs = vjp(network(f, at, batch), f.leaves(at));
    Tensor shaped = u.reshape(outputs.value().shape().dims());
    return f.ravel(outputs.pullback().apply(shaped));
  }

  /**
   * Jᵀ C J v, [n].
   *
   * @param matrix from outputs o and a vector u of their shape to C(o) u
   */
  static <M> Tensor sandwich(
      Objective<M> f, M at, Dataset batch, Tensor v, BinaryOperator<Tensor> matrix) {
    // Both trace the network; the planner finds that they compute the same and does so once.
    Tensor along = push(f, at, batch, v);
    var outputs = vjp(network(f, at, batch), f.leaves(at));
    return f.ravel(outputs.pullback().apply(matrix.apply(outputs.value(), along)));
  }
}
