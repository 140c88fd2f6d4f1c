package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.Tensor;
import org.hesse.io.Dataset;

/**
 * The losses of single samples, each summed over the sample's own terms, as functions of an
 * objective's parameters.
 */
final class SampleLosses<M> {
  /** Gradients held at once, in numbers. */
  private static final int NUMBERS = 1 << 24;

  private final Objective<M> objective;
  private final BiFunction<M, Dataset, Tensor> gradients;
  private final BiFunction<Arguments<M>, Tensor, Tensor> derivatives;

  private record Arguments<M>(M model, Dataset batch) {}

  SampleLosses(Objective<M> objective) {
    this.objective = objective;
    this.gradients = compile((M at, Dataset b) -> vmap((Dataset s) -> gradient(at, s)).apply(b));
    this.derivatives =
        compile((Arguments<M> a, Tensor vs) -> vmap((Tensor v) -> derivative(a, v)).apply(vs));
  }

  private Tensor loss(M at, Dataset sample) {
    Dataset one =
        new Dataset(
            sample.name(), sample.x().insertAxis(0), sample.y().insertAxis(0), sample.classes());
    Tensor mean = objective.loss(at, one);
    long terms = objective.terms(one);
    return terms == 1 ? mean : mean.mul((double) terms);
  }

  private Tensor gradient(M at, Dataset sample) {
    List<Tensor> g =
        grad((List<Tensor> p) -> loss(objective.with(at, p), sample)).apply(objective.leaves(at));
    return objective.ravel(g);
  }

  private Tensor derivative(Arguments<M> a, Tensor v) {
    M at = a.model;
    return jvp(
            (List<Tensor> p) -> vmap((Dataset s) -> loss(objective.with(at, p), s)).apply(a.batch),
            objective.leaves(at),
            objective.unravel(v))
        .tangent();
  }

  /** The gradient of each sample's loss, [samples, n]. */
  Tensor gradients(Dataset batch) {
    return gradients.apply(objective.model(), batch);
  }

  /**
   * Derivatives of all samples' losses along some directions, without their gradients.
   *
   * @param vs [k, n]
   * @return [k, samples]
   */
  Tensor derivatives(Dataset batch, Tensor vs) {
    return derivatives.apply(new Arguments<>(objective.model(), batch), vs);
  }

  /** A batch in pieces of at most so many samples, and few enough to hold their gradients. */
  List<Dataset> pieces(Dataset batch, int most) {
    int size = Math.clamp(NUMBERS / objective.size(), 1, most);
    if (batch.size() <= size) {
      return List.of(batch);
    }
    List<Dataset> pieces = new ArrayList<>();
    for (int from = 0; from < batch.size(); from += size) {
      int to = Math.min(batch.size(), from + size);
      pieces.add(
          new Dataset(
              batch.name(),
              batch.x().slice(0, from, to),
              batch.y().slice(0, from, to),
              batch.classes()));
    }
    return pieces;
  }
}
