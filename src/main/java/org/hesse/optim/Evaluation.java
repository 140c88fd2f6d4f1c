package org.hesse.optim;

import static org.hesse.Autodiff.compile;

import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Layer;
import org.hesse.nn.Loss;

/**
 * How a model does on a data set.
 *
 * @param loss mean over all samples
 * @param accuracy share of samples whose largest output is at their label, NaN for regression
 */
public record Evaluation(double loss, double accuracy) {
  /** Sums over samples, F64 []: of losses, and of those that are labelled right. */
  private record Sums(Tensor loss, Tensor hits) {}

  /** A model and what has been summed before. */
  private record Partly<M>(M model, Sums sums) {}

  /**
   * Prepares the evaluation of models of one structure; the same plans serve every call.
   *
   * @param batch samples taken at once; the last batch may be smaller, and each counts by its size
   * @return a function of a model and a data set that is not empty
   */
  public static <M extends Layer> BiFunction<M, Dataset, Evaluation> with(Loss loss, int batch) {
    BiFunction<Partly<M>, Dataset, Sums> add = compile((Partly<M> p, Dataset b) -> add(loss, p, b));
    return (model, data) -> {
      Sums sums =
          Hesse.on(
              data.x().device(), () -> new Sums(Tensor.zeros(DType.F64), Tensor.zeros(DType.F64)));
      for (Dataset b : data.batches(batch)) {
        sums = add.apply(new Partly<>(model, sums), b);
      }
      double n = data.size();
      double hits = data.classes() > 0 ? sums.hits.item() / n : Double.NaN;
      return new Evaluation(sums.loss.item() / n, hits);
    };
  }

  /** Evaluates a model once. */
  public static <M extends Layer> Evaluation of(M model, Loss loss, Dataset data, int batch) {
    return Evaluation.<M>with(loss, batch).apply(model, data);
  }

  /** The sums stay on the device, which nobody waits for between batches. */
  private static <M extends Layer> Sums add(Loss loss, Partly<M> before, Dataset batch) {
    Tensor outputs = before.model.apply(batch.x());
    Tensor mean = loss.apply(outputs, batch.y()).cast(DType.F64);
    Tensor hits = before.sums.hits;
    if (batch.classes() > 0) {
      hits = hits.add(outputs.argMax(-1).eq(batch.y()).cast(DType.F64).sum());
    }
    return new Sums(before.sums.loss.add(mean.mul(batch.size())), hits);
  }
}
