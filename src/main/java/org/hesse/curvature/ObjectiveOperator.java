package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vmap;

import java.util.Objects;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearOperator;

/**
 * A symmetric matrix that is a mean, or sum, over an objective's data: {@link Hessian}, {@link
 * GaussNewton}, {@link Fisher}. One product is one pass over the data.
 *
 * <p><b>Memory.</b> A product holds the intermediate values of one batch, for one vector or for as
 * many as {@link #block} allows, and the block itself; nothing grows with the number of batches. A
 * block of k vectors shares the pass over the model and runs as wider products; its tangents take k
 * times what the activations of a batch take. So peak memory is about (1 + 2k) activations of a
 * batch and 3k vectors of n numbers; smaller batches or blocks lower it.
 *
 * @param <M> the model
 */
public abstract sealed class ObjectiveOperator<M> implements LinearOperator
    permits Hessian, GaussNewton, Fisher {
  /** Vectors at once, unless {@link #block} says otherwise. */
  static final int DEFAULT_BLOCK = 64;

  private final Objective<M> objective;
  private final int block;
  private final BiFunction<Arguments<M>, Tensor, Tensor> one;
  private final BiFunction<Arguments<M>, Tensor, Tensor> many;

  /** A model, the batch that it meets, and the number of the batch's first example. */
  private record Arguments<M>(M model, Dataset batch, Tensor first) {}

  ObjectiveOperator(Objective<M> objective, int block) {
    if (block < 1) {
      throw new IllegalArgumentException("block: " + block + " vectors; 1 is the least");
    }
    this.objective = objective;
    this.block = block;
    this.one = compile(this::product);
    this.many = compile((Arguments<M> a, Tensor vs) -> vmap((Tensor v) -> product(a, v)).apply(vs));
  }

  private Tensor product(Arguments<M> a, Tensor v) {
    return product(objective, a.model, a.batch, a.first, v);
  }

  /**
   * The product with the matrix of a batch's mean.
   *
   * @param first the number of the batch's first example in the data, I32[]
   * @param v [n]
   * @return [n]
   */
  abstract Tensor product(Objective<M> f, M at, Dataset batch, Tensor first, Tensor v);

  abstract String name();

  /** What this is the curvature of. */
  public Objective<M> objective() {
    return objective;
  }

  /**
   * The same operator that multiplies at most so many vectors at once, where a block has more; 64
   * unless said otherwise.
   *
   * @throws IllegalArgumentException if that is less than 1
   */
  public abstract ObjectiveOperator<M> block(int vectors);

  @Override
  public int size() {
    return objective.size();
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
    Vectors.require("v", v, dtype(), Shape.of(size()));
    return pass(one, v);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Vectors.requireBlock(vs, dtype(), size());
    return Vectors.inBlocks(vs, block, part -> pass(many, part));
  }

  private Tensor pass(BiFunction<Arguments<M>, Tensor, Tensor> product, Tensor v) {
    Tensor sum = null;
    int first = 0;
    for (Dataset b : objective.batches()) {
      int number = first;
      Tensor at = Hesse.on(device(), () -> Tensor.scalar(number, DType.I32));
      Arguments<M> arguments = new Arguments<>(objective.model(), b, at);
      sum = objective.plus(sum, product.apply(arguments, v), b);
      first = Math.addExact(first, b.size());
    }
    return Objects.requireNonNull(sum);
  }

  @Override
  public String toString() {
    return name() + " of " + objective;
  }
}
