package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearMap;
import org.hesse.linalg.LinearOperator;

/**
 * The empirical neural tangent kernel K = J Jᵀ, m×m, of a network's outputs over all of the data:
 * entry (i, j) is the inner product of the gradients of outputs i and j in the parameters (Jacot,
 * Gabriel and Hongler, 2018). Rows are those of {@link Jacobian}.
 *
 * <pre>{@code
 * NeuralTangentKernel<Mlp> k = NeuralTangentKernel.of(f);
 * Tensor ku = k.apply(u);                   // [samples·outputs], J is never formed
 * Tensor matrix = k.toDense();              // for thousands of outputs
 * }</pre>
 *
 * <p>A product is two passes over the data. {@link #toDense} holds the gradients of as many outputs
 * as {@link #block} allows, and K.
 *
 * @param <M> the model
 */
public final class NeuralTangentKernel<M> implements LinearOperator {
  private static final int DENSE_LIMIT = 16_384;

  private final Jacobian<M> jacobian;
  private final int block;
  private final LinearOperator products;

  private NeuralTangentKernel(Jacobian<M> jacobian, int block) {
    this.jacobian = jacobian;
    this.block = block;
    LinearMap adjoint = jacobian.adjoint();
    this.products = adjoint.gram();
  }

  /**
   * The kernel of an objective's network, at its model.
   *
   * @throws IllegalArgumentException if the objective was made by {@link Objective#ofLoss}
   */
  public static <M> NeuralTangentKernel<M> of(Objective<M> f) {
    return new NeuralTangentKernel<>(Jacobian.of(f), ObjectiveOperator.DEFAULT_BLOCK);
  }

  /**
   * The same operator that multiplies at most so many vectors at once; 64 unless said otherwise.
   *
   * @throws IllegalArgumentException if that is less than 1
   */
  public NeuralTangentKernel<M> block(int vectors) {
    return new NeuralTangentKernel<>(jacobian.block(vectors), vectors);
  }

  /** J. */
  public Jacobian<M> jacobian() {
    return jacobian;
  }

  @Override
  public int size() {
    return jacobian.rows();
  }

  @Override
  public DType dtype() {
    return jacobian.dtype();
  }

  /** Where the parameters are. */
  @Override
  public Device device() {
    return jacobian.device();
  }

  @Override
  public boolean symmetric() {
    return true;
  }

  @Override
  public Tensor apply(Tensor u) {
    return products.apply(u);
  }

  @Override
  public Tensor applyAll(Tensor us) {
    Vectors.requireBlock(us, dtype(), size());
    return Vectors.inBlocks(us, block, products::applyAll);
  }

  /**
   * All of K, [m, m], a block of rows at a time: gradients of some outputs of one batch, then their
   * products with those of all others.
   *
   * @throws IllegalArgumentException if m exceeds {@value #DENSE_LIMIT}
   */
  @Override
  public Tensor toDense() {
    if (size() > DENSE_LIMIT) {
      throw new IllegalArgumentException(
          "toDense: "
              + this
              + " has more than "
              + DENSE_LIMIT
              + " rows; use products, or fewer samples");
    }
    List<Tensor> rows = new ArrayList<>();
    for (Dataset b : jacobian.objective().batches()) {
      int m = jacobian.outputs(b);
      for (int from = 0; from < m; from += block) {
        Tensor unit = unitRows(from, Math.min(m, from + block), m);
        rows.add(jacobian.applyAll(jacobian.pullBatch(b, unit)));
      }
    }
    return Tensor.concat(0, rows.toArray(Tensor[]::new));
  }

  private Tensor unitRows(int from, int to, int m) {
    return Hesse.on(
        device(),
        () -> {
          Tensor rows = Tensor.arange(DType.I32, to - from).add(from).insertAxis(1);
          return rows.eq(Tensor.arange(DType.I32, m)).cast(dtype());
        });
  }

  @Override
  public String toString() {
    return "neural tangent kernel of " + size() + " outputs, " + jacobian.objective();
  }
}
