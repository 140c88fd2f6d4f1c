package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.Autodiff.vmap;

import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearOperator;

/**
 * The Hessian of a model's mean loss over a data set, as an operator on the vector of all
 * parameters ({@link Tree#ravel}). Batches count by their sizes, so the result is the mean over all
 * samples however the data is cut. Products with a block of vectors share one pass over the model.
 *
 * <pre>{@code
 * Hessian<Mlp> h = Hessian.of(model, (m, b) -> Loss.CROSS_ENTROPY.apply(m.apply(b.x()), b.y()),
 *     data.batches(256));
 * Tensor hv = h.apply(v);
 * }</pre>
 *
 * @param <M> the model, a tree of real tensors of one dtype
 */
public final class Hessian<M> implements LinearOperator {
  private final M model;
  private final Tree<M> tree;
  private final List<Dataset> batches;
  private final long samples;
  private final int size;
  private final DType dtype;
  private final Device device;
  private final BiFunction<M, Dataset, LossGradient> lossAndGradient;
  private final BiFunction<Arguments<M>, Tensor, Tensor> product;
  private final BiFunction<Arguments<M>, Tensor, Tensor> products;

  /** A model and the batch that it meets, as one tree. */
  private record Arguments<M>(M model, Dataset batch) {}

  /** Mean loss, [], and its gradient as a vector, [n]. */
  public record LossGradient(Tensor loss, Tensor gradient) {}

  private Hessian(M model, BiFunction<M, Dataset, Tensor> loss, List<Dataset> batches) {
    this.model = model;
    this.tree = Tree.of(model);
    this.batches = List.copyOf(batches);
    this.samples = batches.stream().mapToLong(Dataset::size).sum();
    Tensor flat = tree.ravel(model);
    this.size = flat.dim(0);
    this.dtype = flat.dtype();
    this.device = flat.device();
    this.lossAndGradient =
        compile((M m, Dataset b) -> {
          var r = valueAndGrad((M p) -> loss.apply(p, b)).apply(m);
          return new LossGradient(r.value(), tree.ravel(r.gradient()));
        });
    this.product = compile((Arguments<M> a, Tensor v) -> single(loss, a, v));
    this.products =
        compile((Arguments<M> a, Tensor vs) -> vmap((Tensor v) -> single(loss, a, v)).apply(vs));
  }

  /**
   * The Hessian at a model.
   *
   * @param model a tree of real tensors of one dtype
   * @param loss the mean loss of a batch, a scalar
   * @param batches the data; ragged ones are fine
   * @throws IllegalArgumentException if there is no data
   */
  public static <M> Hessian<M> of(
      M model, BiFunction<M, Dataset, Tensor> loss, List<Dataset> batches) {
    if (batches.stream().mapToInt(Dataset::size).sum() == 0) {
      throw new IllegalArgumentException("batches: no samples; a mean needs at least one");
    }
    return new Hessian<>(model, loss, batches);
  }

  private Tensor single(BiFunction<M, Dataset, Tensor> loss, Arguments<M> a, Tensor v) {
    M direction = tree.unravel(v, a.model);
    return tree.ravel(hvp((M m) -> loss.apply(m, a.batch), a.model, direction));
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  /** Where the model is. */
  @Override
  public Device device() {
    return device;
  }

  @Override
  public boolean symmetric() {
    return true;
  }

  /** Number of samples that the mean is over. */
  public long samples() {
    return samples;
  }

  /** Mean loss and gradient over all samples. */
  public LossGradient lossAndGradient() {
    LossGradient sum = null;
    for (Dataset b : batches) {
      if (b.size() > 0) {
        LossGradient part = lossAndGradient.apply(model, b);
        Tensor loss = weighted(part.loss, b);
        Tensor gradient = weighted(part.gradient, b);
        sum =
            sum == null
                ? new LossGradient(loss, gradient)
                : new LossGradient(sum.loss.add(loss), sum.gradient.add(gradient));
      }
    }
    return Objects.requireNonNull(sum);
  }

  /** A batch's part of a mean over all samples. */
  private Tensor weighted(Tensor mean, Dataset batch) {
    return batch.size() == samples ? mean : mean.mul(weight(batch));
  }

  private double weight(Dataset batch) {
    return (double) batch.size() / samples;
  }

  @Override
  public Tensor apply(Tensor v) {
    return mean(product, v, size);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    return mean(products, vs, vs.dim(0), size);
  }

  private Tensor mean(BiFunction<Arguments<M>, Tensor, Tensor> f, Tensor v, int... dims) {
    if (!v.shape().equals(org.hesse.Shape.of(dims)) || v.dtype() != dtype) {
      throw new IllegalArgumentException(
          "v: " + v.dtype() + v.shape() + "; expected " + dtype + org.hesse.Shape.of(dims));
    }
    Tensor sum = null;
    for (Dataset b : batches) {
      if (b.size() > 0) {
        Tensor part = weighted(f.apply(new Arguments<>(model, b), v), b);
        sum = sum == null ? part : sum.add(part);
      }
    }
    return Objects.requireNonNull(sum);
  }

  @Override
  public String toString() {
    return "Hessian of " + size + " parameters over " + samples + " samples";
  }
}
