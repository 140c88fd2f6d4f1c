package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.program;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearMap;

/**
 * The Jacobian of a network's outputs over all of the data in an objective's parameters, m×n: a row
 * for each output of each sample, in the data's order.
 *
 * <pre>{@code
 * Jacobian<Mlp> j = Jacobian.of(Objective.of(model, Loss.MSE, data.batches(256)));
 * Tensor change = j.apply(v);                    // [n] -> [samples·outputs]
 * Tensor g = j.adjoint().apply(u);               // [samples·outputs] -> [n]
 * LinearMap ofOneLayer = Jacobian.of(f.parameters("2"));
 * }</pre>
 *
 * <p>Products are forward-mode derivatives, those with the adjoint reverse-mode ones; each is one
 * pass over the data. The objective's loss and reduction have no part in it. Memory is as {@link
 * ObjectiveOperator} says, and one number for each row and vector.
 *
 * <p>{@link org.hesse.Jacobian}, which {@link org.hesse.Autodiff#jacobian} makes, is the written
 * out derivative of any function; this is an operator.
 *
 * @param <M> the model
 */
public final class Jacobian<M> implements LinearMap {
  private final Objective<M> objective;
  private final int block;
  private final int rows;
  private final Map<Shape, Integer> outputs;
  private final Adjoint adjoint = new Adjoint();
  private final BiFunction<Arguments<M>, Tensor, Tensor> push;
  private final BiFunction<Arguments<M>, Tensor, Tensor> pushAll;
  private final BiFunction<Arguments<M>, Tensor, Tensor> pull;
  private final BiFunction<Arguments<M>, Tensor, Tensor> pullAll;

  /** A model and the batch that it meets. */
  private record Arguments<M>(M model, Dataset batch) {}

  private Jacobian(Objective<M> f, int block, int rows, Map<Shape, Integer> outputs) {
    if (block < 1) {
      throw new IllegalArgumentException("block: " + block + " vectors; 1 is the least");
    }
    this.objective = f;
    this.block = block;
    this.rows = rows;
    this.outputs = outputs;
    this.push = compile(this::pushed);
    this.pushAll =
        compile((Arguments<M> a, Tensor vs) -> vmap((Tensor v) -> pushed(a, v)).apply(vs));
    this.pull = compile(this::pulled);
    this.pullAll =
        compile((Arguments<M> a, Tensor us) -> vmap((Tensor u) -> pulled(a, u)).apply(us));
  }

  /**
   * The Jacobian of an objective's network, at its model. The network is traced for each shape of
   * batch, to see how many outputs it has.
   *
   * @throws IllegalArgumentException if the objective was made by {@link Objective#ofLoss}
   */
  public static <M> Jacobian<M> of(Objective<M> f) {
    Map<Shape, Integer> outputs = new HashMap<>();
    int rows = 0;
    for (Dataset b : f.batches()) {
      int count = outputs.computeIfAbsent(b.x().shape(), s -> count(f, b));
      rows = Math.addExact(rows, count);
    }
    return new Jacobian<>(f, ObjectiveOperator.DEFAULT_BLOCK, rows, Map.copyOf(outputs));
  }

  private static <M> int count(Objective<M> f, Dataset b) {
    Arguments<M> at = new Arguments<>(f.model(), b);
    Shape shape =
        program((Arguments<M> a) -> f.outputs(a.model, a.batch.x()), at)
            .outputs()
            .getFirst()
            .shape();
    return Math.toIntExact(shape.size());
  }

  /**
   * The same map that multiplies at most so many vectors at once, where a block has more; 64 unless
   * said otherwise.
   *
   * @throws IllegalArgumentException if that is less than 1
   */
  public Jacobian<M> block(int vectors) {
    return new Jacobian<>(objective, vectors, rows, outputs);
  }

  /** What this is the Jacobian of. */
  public Objective<M> objective() {
    return objective;
  }

  private Tensor pushed(Arguments<M> a, Tensor v) {
    return Outputs.push(objective, a.model, a.batch, v).reshape(-1);
  }

  private Tensor pulled(Arguments<M> a, Tensor u) {
    return Outputs.pull(objective, a.model, a.batch, u);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
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
  public Tensor apply(Tensor v) {
    Vectors.require("v", v, dtype(), Shape.of(columns()));
    return pushPass(push, v);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Vectors.requireBlock(vs, dtype(), columns());
    return Vectors.inBlocks(vs, block, part -> pushPass(pushAll, part));
  }

  private Tensor pushPass(BiFunction<Arguments<M>, Tensor, Tensor> product, Tensor v) {
    List<Tensor> parts = new ArrayList<>();
    for (Dataset b : objective.batches()) {
      parts.add(product.apply(new Arguments<>(objective.model(), b), v));
    }
    return parts.size() == 1 ? parts.getFirst() : Tensor.concat(-1, parts.toArray(Tensor[]::new));
  }

  /** Jᵀ: from cotangents of all outputs, [m], to a sum over the data, [n]. */
  @Override
  public LinearMap adjoint() {
    return adjoint;
  }

  /** Number of outputs of a batch. */
  int outputs(Dataset batch) {
    return Objects.requireNonNull(outputs.get(batch.x().shape()));
  }

  /** Jᵀ of one batch, [k, m of the batch] → [k, n]. */
  Tensor pullBatch(Dataset batch, Tensor us) {
    return pullAll.apply(new Arguments<>(objective.model(), batch), us);
  }

  @Override
  public String toString() {
    return "Jacobian of " + rows + " outputs, " + objective;
  }

  private final class Adjoint implements LinearMap {
    @Override
    public int rows() {
      return objective.size();
    }

    @Override
    public int columns() {
      return rows;
    }

    @Override
    public DType dtype() {
      return objective.dtype();
    }

    @Override
    public Device device() {
      return objective.device();
    }

    @Override
    public Tensor apply(Tensor u) {
      Vectors.require("v", u, dtype(), Shape.of(rows));
      return pullPass(pull, u);
    }

    @Override
    public Tensor applyAll(Tensor us) {
      Vectors.requireBlock(us, dtype(), rows);
      return Vectors.inBlocks(us, block, part -> pullPass(pullAll, part));
    }

    private Tensor pullPass(BiFunction<Arguments<M>, Tensor, Tensor> product, Tensor u) {
      Tensor sum = null;
      int at = 0;
      for (Dataset b : objective.batches()) {
        int next = at + outputs(b);
        Tensor part = product.apply(new Arguments<>(objective.model(), b), u.slice(-1, at, next));
        sum = sum == null ? part : sum.add(part);
        at = next;
      }
      return Objects.requireNonNull(sum);
    }

    @Override
    public LinearMap adjoint() {
      return Jacobian.this;
    }

    @Override
    public String toString() {
      return "adjoint of " + Jacobian.this;
    }
  }
}
