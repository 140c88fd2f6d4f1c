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
import org.jspecify.annotations.Nullable;

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
 * <p><b>What products share.</b> The pass over the model is the same for every vector. Its values
 * are kept from the first product on where they take no more than {@link #keep} allows, 256 MiB
 * unless said otherwise, of data that is held in up to 64 batches: about what the activations of
 * all batches take, some two numbers for each. A product then is what is linear in its vector, half
 * of the work for a single one. Streams are passed each time.
 *
 * @param <M> the model
 */
public abstract sealed class ObjectiveOperator<M> implements LinearOperator
    permits Hessian, GaussNewton, Fisher {
  /** Vectors at once, unless {@link #block} says otherwise. */
  static final int DEFAULT_BLOCK = 64;

  private static final long DEFAULT_KEEP = 1L << 28;

  private final Objective<M> objective;
  private final Effort effort;
  private @Nullable KeptPass kept;
  private final BiFunction<Arguments<M>, Tensor, Tensor> one;
  private final BiFunction<Arguments<M>, Tensor, Tensor> many;

  /** A model, the batch that it meets, and the number of the batch's first example. */
  private record Arguments<M>(M model, Dataset batch, Tensor first) {}

  /** Vectors multiplied at once, and bytes kept between products. */
  record Effort(int block, long keep) {
    static final Effort DEFAULT = new Effort(DEFAULT_BLOCK, DEFAULT_KEEP);

    Effort {
      if (block < 1) {
        throw new IllegalArgumentException("block: " + block + " vectors; 1 is the least");
      }
      if (keep < 0) {
        throw new IllegalArgumentException("keep: " + keep + " bytes; 0 keeps nothing");
      }
    }
  }

  ObjectiveOperator(Objective<M> objective, Effort effort) {
    this.objective = objective;
    this.effort = effort;
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
  public ObjectiveOperator<M> block(int vectors) {
    return with(new Effort(vectors, effort.keep));
  }

  /**
   * The same operator that keeps values of the model between products if they take at most so many
   * bytes; 256 MiB unless said otherwise, 0 for none.
   *
   * @throws IllegalArgumentException if that is negative
   */
  public ObjectiveOperator<M> keep(long bytes) {
    return with(new Effort(effort.block, bytes));
  }

  abstract ObjectiveOperator<M> with(Effort other);

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
    return Vectors.inBlocks(vs, effort.block, part -> pass(many, part));
  }

  private Tensor pass(BiFunction<Arguments<M>, Tensor, Tensor> product, Tensor v) {
    KeptPass ready = kept();
    Tensor sum = null;
    int number = 0;
    int first = 0;
    for (Dataset b : objective.batches()) {
      Tensor part =
          ready.isEmpty()
              ? product.apply(new Arguments<>(objective.model(), b, index(first)), v)
              : ready.product(number, v);
      sum = objective.plus(sum, part, b);
      number++;
      first = Math.addExact(first, b.size());
    }
    return Objects.requireNonNull(sum);
  }

  private Tensor index(int example) {
    return Hesse.on(device(), () -> Tensor.scalar(example, DType.I32));
  }

  /** What products have in common, made by the first of them. */
  private synchronized KeptPass kept() {
    KeptPass made = kept;
    if (made == null) {
      made =
          KeptPass.of(
              objective,
              (b, at) -> v -> product(new Arguments<>(objective.model(), b, at), v),
              effort.keep);
      kept = made;
    }
    return made;
  }

  @Override
  public String toString() {
    return name() + " of " + objective;
  }
}
