package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearOperator;

/**
 * The Hessian of an objective in its inputs, all of the data's numbers x in their order: how a
 * model's loss curves around what it is given. Examples do not see each other's inputs (unless the
 * network makes them, as batch normalisation does), so there is a diagonal block for each.
 *
 * <pre>{@code
 * InputHessian<Mlp> h = InputHessian.of(f);
 * Tensor hv = h.apply(v);                           // [samples·features] -> the same
 *
 * // In the inputs of the layers from number 2 on: those are the model, and what comes before
 * // makes the data.
 * Mlp head = new Mlp(model.layers().subList(0, 2));
 * Mlp tail = new Mlp(model.layers().subList(2, 3));
 * Dataset hidden = new Dataset("hidden", head.apply(data.x()), data.y(), data.classes());
 * InputHessian.of(Objective.of(tail, Loss.CROSS_ENTROPY, hidden.batches(256)));
 * }</pre>
 *
 * @param <M> the model
 */
public final class InputHessian<M> implements LinearOperator {
  private final Objective<M> objective;
  private final int block;
  private final int size;
  private final BiFunction<Arguments<M>, Tensor, Tensor> one;
  private final BiFunction<Arguments<M>, Tensor, Tensor> many;

  /** A model and the batch that it meets. */
  private record Arguments<M>(M model, Dataset batch) {}

  private InputHessian(Objective<M> f, int block, int size) {
    if (block < 1) {
      throw new IllegalArgumentException("block: " + block + " vectors; 1 is the least");
    }
    this.objective = f;
    this.block = block;
    this.size = size;
    this.one = compile(this::product);
    this.many = compile((Arguments<M> a, Tensor vs) -> vmap((Tensor v) -> product(a, v)).apply(vs));
  }

  /**
   * The Hessian of an objective in its data's inputs. The choice of parameters has no part in it.
   *
   * @throws IllegalArgumentException if inputs are not of the parameters' dtype, as the numbers of
   *     words are not
   */
  public static <M> InputHessian<M> of(Objective<M> f) {
    int size = 0;
    for (Dataset b : f.batches()) {
      if (b.x().dtype() != f.dtype()) {
        throw new IllegalArgumentException(
            "batches: inputs are "
                + b.x().dtype()
                + b.x().shape()
                + "; expected "
                + f.dtype()
                + ", the parameters' dtype (for words, take their embeddings as inputs)");
      }
      size = Math.addExact(size, Math.toIntExact(b.x().size()));
    }
    return new InputHessian<>(f, ObjectiveOperator.DEFAULT_BLOCK, size);
  }

  /**
   * The same operator that multiplies at most so many vectors at once; 64 unless said otherwise.
   *
   * @throws IllegalArgumentException if that is less than 1
   */
  public InputHessian<M> block(int vectors) {
    return new InputHessian<>(objective, vectors, size);
  }

  /** What this is the Hessian of. */
  public Objective<M> objective() {
    return objective;
  }

  private Tensor product(Arguments<M> a, Tensor v) {
    Dataset b = a.batch;
    Tensor direction = v.reshape(b.x().shape().dims());
    return hvp(
            (Tensor x) -> objective.loss(a.model, new Dataset(b.name(), x, b.y(), b.classes())),
            b.x(),
            direction)
        .reshape(-1);
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public DType dtype() {
    return objective.dtype();
  }

  /** Where the parameters are. */
  @Override
  public Device device() {
    return objective.device();
  }

  @Override
  public boolean symmetric() {
    return true;
  }

  @Override
  public Tensor apply(Tensor v) {
    Vectors.require("v", v, dtype(), Shape.of(size));
    return pass(one, v);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Vectors.requireBlock(vs, dtype(), size);
    return Vectors.inBlocks(vs, block, part -> pass(many, part));
  }

  private Tensor pass(BiFunction<Arguments<M>, Tensor, Tensor> product, Tensor v) {
    List<Tensor> parts = new ArrayList<>();
    int at = 0;
    for (Dataset b : objective.batches()) {
      int next = at + Math.toIntExact(b.x().size());
      Tensor mean = product.apply(new Arguments<>(objective.model(), b), v.slice(-1, at, next));
      parts.add(objective.plus(null, mean, b));
      at = next;
    }
    return parts.size() == 1 ? parts.getFirst() : Tensor.concat(-1, parts.toArray(Tensor[]::new));
  }

  @Override
  public String toString() {
    return "Hessian in " + size + " inputs, " + objective.samples() + " samples";
  }
}
