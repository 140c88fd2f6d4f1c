package org.hesse.optim;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Donate;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Layer;
import org.hesse.nn.Loss;

/**
 * Trains a model by a first-order method on shuffled batches, one compiled step for each.
 *
 * <pre>{@code
 * Training.Result<Mlp> r =
 *     Training.of(Loss.CROSS_ENTROPY, Adam.of(1e-3)).epochs(20).batch(32).seed(0)
 *         .onEpoch(e -> System.out.println(e))
 *         .fit(model, data.split(0.2, 0));
 * }</pre>
 *
 * <p>The order of the samples in each epoch depends on the seed and the epoch only.
 */
public final class Training {
  /** Samples evaluated at once. */
  private static final int EVALUATED = 1024;

  /** Steps on a GPU whose losses are read at once, since reading them waits for it. */
  private static final int UNREAD = 64;

  /** Keeps the orders of different epochs apart. */
  private static final long EPOCH_STRIDE = 0x9e3779b97f4a7c15L;

  private final Loss loss;
  private final Optimizer optimizer;
  private int epochs = 20;
  private int batch = 32;
  private long seed;
  private Consumer<Epoch> onEpoch = e -> {};
  private Consumer<Long> onStep = n -> {};

  private Training(Loss loss, Optimizer optimizer) {
    this.loss = loss;
    this.optimizer = optimizer;
  }

  /**
   * What training ends with.
   *
   * @param model with the parameters after the last step
   * @param epochs one after another
   */
  public record Result<M>(M model, List<Epoch> epochs) {
    /** Copies the list. */
    public Result {
      epochs = List.copyOf(epochs);
    }
  }

  /** The state after a step, and the batch's mean loss before it. */
  private record Stepped<M>(TrainState<M> state, Tensor loss) {}

  /** Training that minimises a loss by a method; of 20 epochs of batches of 32 unless told. */
  public static Training of(Loss loss, Optimizer optimizer) {
    return new Training(loss, optimizer);
  }

  /** How often each sample is seen; 1 or more. */
  public Training epochs(int count) {
    requirePositive("epochs", count);
    epochs = count;
    return this;
  }

  /** How many samples make a step; 1 or more. The last batch of an epoch may be smaller. */
  public Training batch(int size) {
    requirePositive("batch", size);
    batch = size;
    return this;
  }

  /** Seeds the order of the samples; default 0. */
  public Training seed(long s) {
    seed = s;
    return this;
  }

  /** Is told of each epoch as it ends. */
  public Training onEpoch(Consumer<Epoch> callback) {
    onEpoch = callback;
    return this;
  }

  /** Is told of each step, with the number of steps done. */
  public Training onStep(Consumer<Long> callback) {
    onStep = callback;
    return this;
  }

  /** How many steps {@link #fit} makes on so many samples. */
  public long steps(int samples) {
    return (long) epochs * ((samples + batch - 1) / batch);
  }

  /**
   * Trains a model and evaluates it after each epoch on both parts of the data.
   *
   * @param model a tree of real tensors of the data's dtype, which is left as it is
   * @throws NumericalException if the loss becomes NaN or infinite; on a GPU up to 64 steps later,
   *     with the number of the step all the same
   */
  public <M extends Layer> Result<M> fit(M model, Dataset.Split data) {
    return fit(model, data, s -> {});
  }

  /**
   * The same, with an observer of the run.
   *
   * @param onState is told of the state after each step; the next step takes the state's tensors
   *     away, so what is to be kept must be copied
   */
  public <M extends Layer> Result<M> fit(
      M model, Dataset.Split data, Consumer<TrainState<M>> onState) {
    BiFunction<TrainState<M>, Dataset, Stepped<M>> step = compile(this::step, Donate.first());
    BiFunction<M, Dataset, Evaluation> evaluate = Evaluation.with(loss, EVALUATED);
    // Copies, since each step gives the state before it away.
    TrainState<M> state = TrainState.init(Tree.map(model, Tensor::copy), optimizer);
    List<Epoch> done = new ArrayList<>();
    List<Tensor> losses = new ArrayList<>();
    long steps = 0;
    for (int e = 1; e <= epochs; e++) {
      long start = System.nanoTime();
      for (Dataset b : data.train().shuffled(seed + e * EPOCH_STRIDE).batches(batch)) {
        Stepped<M> next = step.apply(state, b);
        state = next.state;
        steps++;
        losses.add(next.loss);
        if (losses.size() == (next.loss.device().equals(Device.CPU) ? 1 : UNREAD)) {
          requireFinite(losses, e, steps);
        }
        onStep.accept(steps);
        onState.accept(state);
      }
      requireFinite(losses, e, steps);
      Evaluation train = evaluate.apply(state.model(), data.train());
      requireFinite(train.loss(), e, steps);
      Evaluation test = evaluate.apply(state.model(), data.test());
      Epoch epoch = new Epoch(e, train, test, (System.nanoTime() - start) * 1e-9, steps);
      done.add(epoch);
      onEpoch.accept(epoch);
    }
    return new Result<>(state.model(), done);
  }

  private <M extends Layer> Stepped<M> step(TrainState<M> state, Dataset batch) {
    var r = valueAndGrad((M m) -> loss.apply(m.apply(batch.x()), batch.y())).apply(state.model());
    return new Stepped<>(state.update(optimizer, r.gradient()), r.value());
  }

  /** Reads the losses of the last steps, the first one first, and forgets them. */
  private void requireFinite(List<Tensor> losses, int epoch, long steps) {
    if (!losses.isEmpty()) {
      double[] values =
          Tensor.stack(0, losses.toArray(Tensor[]::new)).cast(DType.F64).toDoubleArray();
      for (int i = 0; i < values.length; i++) {
        requireFinite(values[i], epoch, steps - values.length + 1 + i);
      }
      losses.clear();
    }
  }

  private void requireFinite(double value, int epoch, long step) {
    if (!Double.isFinite(value)) {
      throw new NumericalException(
          "the training loss became "
              + value
              + " at step "
              + step
              + ", in epoch "
              + epoch
              + "; lower the learning rate ("
              + optimizer.learningRate()
              + ") or bring the inputs to a scale of about 1");
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + "; expected 1 or more");
    }
  }
}
