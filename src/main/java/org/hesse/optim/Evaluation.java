package org.hesse.optim;

import static org.hesse.Autodiff.compile;

import java.util.function.BiFunction;
import org.hesse.DType;
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
  /** Mean loss of a batch, [], and how many samples of it are labelled right, []. */
  private record Outcome(Tensor loss, Tensor hits) {}

  /**
   * Prepares the evaluation of models of one structure; the same plans serve every call.
   *
   * @param batch samples taken at once; the last batch may be smaller, and each counts by its size
   * @return a function of a model and a data set that is not empty
   */
  public static <M extends Layer> BiFunction<M, Dataset, Evaluation> with(Loss loss, int batch) {
    BiFunction<M, Dataset, Outcome> outcome = compile((M m, Dataset b) -> outcome(loss, m, b));
    return (model, data) -> {
      double sum = 0;
      double hits = 0;
      for (Dataset b : data.batches(batch)) {
        Outcome o = outcome.apply(model, b);
        sum += o.loss.item() * b.size();
        hits += o.hits.item();
      }
      double n = data.size();
      return new Evaluation(sum / n, data.classes() > 0 ? hits / n : Double.NaN);
    };
  }

  /** Evaluates a model once. */
  public static <M extends Layer> Evaluation of(M model, Loss loss, Dataset data, int batch) {
    return Evaluation.<M>with(loss, batch).apply(model, data);
  }

  private static <M extends Layer> Outcome outcome(Loss loss, M model, Dataset batch) {
    Tensor outputs = model.apply(batch.x());
    Tensor hits =
        batch.classes() > 0
            ? outputs.argMax(-1).eq(batch.y()).cast(DType.F64).sum()
            : Tensor.zeros(DType.F64);
    return new Outcome(loss.apply(outputs, batch.y()), hits);
  }
}
