package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.Hesse;
import org.hesse.Tensor;

/** A network's outputs for single samples and their Jacobians in an objective's parameters. */
final class SampleJacobians<M> {
  /** Numbers of Jacobians held at once. */
  private static final long NUMBERS = 1 << 24;

  private final Objective<M> objective;
  private final BiFunction<M, Tensor, Rows> rows;

  /**
   * Of some samples.
   *
   * @param outputs [samples, …]
   * @param jacobian a row for each output of a sample, [samples, outputs, n]
   */
  record Rows(Tensor outputs, Tensor jacobian) {}

  SampleJacobians(Objective<M> objective) {
    this.objective = objective;
    this.rows = compile((M at, Tensor xs) -> vmap((Tensor x) -> rows(at, x)).apply(xs));
  }

  private Rows rows(M at, Tensor x) {
    var outputs =
        vjp(
            (List<Tensor> p) -> objective.outputs(objective.with(at, p), x.insertAxis(0)),
            objective.leaves(at));
    Tensor value = outputs.value();
    int[] dims = value.shape().dims();
    Tensor units = Tensor.eye(value.dtype(), Math.toIntExact(value.size()));
    Tensor jacobian =
        vmap((Tensor u) -> objective.ravel(outputs.pullback().apply(u.reshape(dims)))).apply(units);
    return new Rows(value.reshape(value.shape().remove(0).dims()), jacobian);
  }

  /** In pieces that are small enough to hold; the first sample tells how many outputs there are. */
  List<Rows> of(Tensor xs) {
    return Hesse.on(
        objective.device(),
        () -> {
          int count = xs.dim(0);
          Rows first = rows.apply(objective.model(), xs.slice(0, 0, 1));
          int most = (int) Math.clamp(NUMBERS / first.jacobian.size(), 1, Integer.MAX_VALUE);
          List<Rows> pieces = new ArrayList<>();
          for (int from = 0; from < count; from += most) {
            int to = Math.min(count, from + most);
            pieces.add(rows.apply(objective.model(), xs.slice(0, from, to)));
          }
          return pieces;
        });
  }

  /** The shape of a sample's outputs. */
  static int[] width(Rows rows) {
    int[] dims = rows.outputs.shape().dims();
    return Arrays.copyOfRange(dims, 1, dims.length);
  }
}
