package org.hesse.optim;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.Tree;

/**
 * All that a training step reads and writes, as one tree.
 *
 * <pre>{@code
 * BiFunction<TrainState<Mlp>, Batch, TrainState<Mlp>> step =
 *     (s, b) -> s.update(adam, grad((Mlp m) -> loss(m, b)).apply(s.model()));
 * var one = compile(step, Donate.first());                      // a step in each call
 * state = one.apply(state, batch);
 *
 * // Many steps in each call: one for each slice of a batch whose tensors are stacked, [steps, …].
 * var many = compile((TrainState<Mlp> s, Batch all) -> scan(step, s, all), Donate.first());
 * state = many.apply(state, stacked);
 * }</pre>
 *
 * <p>Inside such a loop the state is updated where it is.
 *
 * @param model the parameters, a tree of real tensors of one dtype
 * @param slots what the optimiser remembers, each shaped like the model
 * @param step number of steps done, an I32 scalar
 * @param learningRate a scalar of the model's dtype
 */
public record TrainState<M>(M model, List<M> slots, Tensor step, Tensor learningRate) {
  /**
   * The state before the first step, where the model is.
   *
   * @throws IllegalArgumentException if the model has no tensor
   */
  public static <M> TrainState<M> init(M model, Optimizer optimizer) {
    List<Tensor> parameters = Tree.leavesOf(model);
    Device device = parameters.isEmpty() ? Hesse.device() : parameters.getFirst().device();
    return Hesse.on(device, () -> initHere(model, optimizer));
  }

  private static <M> TrainState<M> initHere(M model, Optimizer optimizer) {
    List<M> slots = new ArrayList<>();
    for (int i = 0; i < optimizer.slots(); i++) {
      slots.add(Tree.map(model, t -> Tensor.zeros(t.dtype(), t.shape().dims())));
    }
    Tensor step = Tensor.zeros(DType.I32);
    Tensor rate = Tensor.scalar(optimizer.learningRate(), dtype(model));
    return new TrainState<>(model, List.copyOf(slots), step, rate);
  }

  private static DType dtype(Object model) {
    List<Tensor> leaves = Tree.leavesOf(model);
    if (leaves.isEmpty()) {
      throw new IllegalArgumentException(
          "model: a "
              + model.getClass().getSimpleName()
              + " without a tensor has nothing to train; expected a record, list or map of tensors");
    }
    return leaves.getFirst().dtype();
  }

  /** The state after one step along a gradient. */
  public TrainState<M> update(Optimizer optimizer, M gradient) {
    Tree<M> tree = Tree.of(model);
    Tensor next = step.add(1);
    Tensor count = next.cast(learningRate.dtype());
    List<Tensor> parameters = tree.leaves(model);
    List<Tensor> gradients = tree.leaves(gradient);
    List<List<Tensor>> old = slots.stream().map(tree::leaves).toList();
    List<Tensor> moved = new ArrayList<>();
    List<List<Tensor>> kept = new ArrayList<>();
    slots.forEach(s -> kept.add(new ArrayList<>()));
    for (int i = 0; i < parameters.size(); i++) {
      int leaf = i;
      List<Tensor> mine = old.stream().map(s -> s.get(leaf)).toList();
      List<Tensor> result =
          optimizer.update(parameters.get(i), gradients.get(i), mine, count, learningRate);
      moved.add(result.get(0));
      for (int s = 0; s < kept.size(); s++) {
        kept.get(s).add(result.get(s + 1));
      }
    }
    List<M> newSlots = kept.stream().map(tree::rebuild).toList();
    return new TrainState<>(tree.rebuild(moved), newSlots, next, learningRate);
  }
}
