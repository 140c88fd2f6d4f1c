package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Layer;
import org.hesse.nn.Likelihood;
import org.hesse.nn.LossFunction;
import org.jspecify.annotations.Nullable;

/**
 * What curvature is measured of: the loss of a model over data, as a function of the model's
 * parameters, or of some of them.
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(256));
 * Hessian<Mlp> h = Hessian.of(f);
 * Hessian<Mlp> first = Hessian.of(f.parameters("0"));    // of the first layer alone
 * double loss = f.lossAndGradient().loss().item();
 * }</pre>
 *
 * <p>The vector of n parameters is that of {@link org.hesse.Tree#ravel}: the selected tensors in
 * the model's order, each in row-major order. Batches count by their terms (see {@link
 * LossFunction}), so loss, gradient and operators do not depend on how the data is cut, ragged
 * batches included; empty ones do not count.
 *
 * <p><b>Streams.</b> A {@link java.util.Collection} of batches is held in memory. Any other {@link
 * Iterable} is iterated anew in each pass, once here, then once for each product, so that data can
 * be larger than memory. An operator needs the same data each time; so each pass over a stream is
 * compared with the first, by the sizes of the batches and by sums of their elements weighted by
 * place, and the first difference is an {@link IllegalStateException}. That costs some six
 * operations on each number of the data, in one fused pass, and one small read from the device for
 * each batch, little beside a product; {@link #verify} turns it off.
 *
 * <p>An objective does not change: what looks like a setter returns a copy.
 *
 * @param <M> the model, a tree whose real tensors have one dtype; others are constants
 */
public final class Objective<M> {
  private final M model;
  private final Selection<M> selection;
  private final Term<M> term;
  private final Batches batches;
  private final Reduction reduction;
  private final BiFunction<M, Dataset, LossGradient> lossAndGradient;

  /** Loss, [], and its gradient in the selected parameters, [n]. */
  public record LossGradient(Tensor loss, Tensor gradient) {}

  /** The loss of a batch, and what it is made of where that is known. */
  private record Term<M>(
      BiFunction<M, Dataset, Tensor> loss,
      @Nullable BiFunction<M, Tensor, Tensor> network,
      @Nullable LossFunction function) {}

  private Objective(
      M model, Selection<M> selection, Term<M> term, Batches batches, Reduction reduction) {
    this.model = model;
    this.selection = selection;
    this.term = term;
    this.batches = batches;
    this.reduction = reduction;
    this.lossAndGradient = compile(this::batchGradient);
  }

  private LossGradient batchGradient(M at, Dataset b) {
    var r =
        valueAndGrad((List<Tensor> p) -> loss(selection.with(at, p), b))
            .apply(selection.leaves(at));
    return new LossGradient(r.value(), Selection.ravel(r.gradient()));
  }

  /**
   * The loss of a network.
   *
   * @param model its parameters
   * @param network from the model and inputs [batch, …] to outputs [batch, …]
   * @param loss of outputs and targets
   * @param batches the data, in any pieces
   * @throws IllegalArgumentException if there is no data, or no real tensor in the model, or there
   *     are real ones of several dtypes
   */
  public static <M> Objective<M> of(
      M model,
      BiFunction<M, Tensor, Tensor> network,
      LossFunction loss,
      Iterable<Dataset> batches) {
    Objects.requireNonNull(network, "network");
    Objects.requireNonNull(loss, "loss");
    Term<M> term = new Term<>((m, b) -> loss.apply(network.apply(m, b.x()), b.y()), network, loss);
    return new Objective<>(
        model,
        Selection.all(model),
        term,
        new Batches(batches, b -> loss.terms(b.y())),
        Reduction.MEAN);
  }

  /** {@link #of(Object, BiFunction, LossFunction, Iterable)} of a layer. */
  public static <M extends Layer> Objective<M> of(
      M model, LossFunction loss, Iterable<Dataset> batches) {
    return of(model, Layer::apply, loss, batches);
  }

  /**
   * A loss that is not a function of outputs and targets, such as one with a penalty on the
   * parameters. Samples are its terms. It has a Hessian; operators that ask for outputs
   * (Gauss–Newton, Fisher, Jacobian, Kronecker factors) refuse it.
   *
   * @param loss the mean loss of a batch, a scalar
   */
  public static <M> Objective<M> ofLoss(
      M model, BiFunction<M, Dataset, Tensor> loss, Iterable<Dataset> batches) {
    Objects.requireNonNull(loss, "loss");
    return new Objective<>(
        model,
        Selection.all(model),
        new Term<>(loss, null, null),
        new Batches(batches, Dataset::size),
        Reduction.MEAN);
  }

  // ---- copies

  /** The same with the mean (as from the beginning) or the sum over all terms. */
  public Objective<M> reduction(Reduction to) {
    return new Objective<>(model, selection, term, batches, to);
  }

  /**
   * The same as a function of some parameters, the others being constants: a diagonal block of
   * every operator. Parameters stay in the model's order.
   *
   * @param paths of tensors, as {@link org.hesse.Tree#paths} names them, or beginnings of such by
   *     whole names, such as {@code layers.0} for {@code layers.0.weight} and {@code
   *     layers.0.bias}; names that all paths of the model begin with may be left out, so {@code 0}
   *     will do for an {@link org.hesse.nn.Mlp}
   * @throws IllegalArgumentException if there is nothing of that name; the message lists what there
   *     is
   */
  public Objective<M> parameters(String... paths) {
    return new Objective<>(model, selection.narrowed(model, paths), term, batches, reduction);
  }

  /** One objective for each selected tensor, by path and in the model's order. */
  public Map<String, Objective<M>> perParameter() {
    return parts(selection.layout().paths());
  }

  /**
   * One objective for each layer: tensors whose paths differ in the last name only belong together.
   */
  public Map<String, Objective<M>> perLayer() {
    return parts(selection.layers());
  }

  private Map<String, Objective<M>> parts(List<String> names) {
    Map<String, Objective<M>> parts = new LinkedHashMap<>();
    for (String name : names) {
      parts.put(
          name, new Objective<>(model, selection.inside(model, name), term, batches, reduction));
    }
    return parts;
  }

  /**
   * The same at other parameters.
   *
   * @throws IllegalArgumentException if the structure is another
   */
  public Objective<M> at(M other) {
    selection.requireLike(model, other);
    return new Objective<>(other, selection, term, batches, reduction);
  }

  /** The same with streams compared in each pass, as from the beginning, or not. */
  public Objective<M> verify(boolean on) {
    return new Objective<>(model, selection, term, batches.verified(on), reduction);
  }

  // ---- what it is

  /** The whole model. */
  public M model() {
    return model;
  }

  /** n, the number of selected parameters. */
  public int size() {
    return selection.layout().size();
  }

  /** The selected parameters' dtype. */
  public DType dtype() {
    return leaves().getFirst().dtype();
  }

  /** Where the selected parameters are. */
  public Device device() {
    return leaves().getFirst().device();
  }

  /** The selected tensors' paths in the model. */
  public List<String> paths() {
    return selection.layout().paths();
  }

  /** The selected tensors, in the order of {@link #paths}. */
  public List<Tensor> leaves() {
    return selection.leaves(model);
  }

  /** The selected tensors of any model of this structure, such as the argument of a transform. */
  public List<Tensor> leaves(M at) {
    return selection.leaves(at);
  }

  /** Where each selected tensor lies in the vector of parameters. */
  public ParameterLayout layout() {
    return selection.layout();
  }

  /** Any model of this structure with other values for the selected tensors. */
  public M with(M at, List<Tensor> leaves) {
    return selection.with(at, leaves);
  }

  /**
   * The selected tensors' values in one vector.
   *
   * @return [n]
   */
  public Tensor ravel(List<Tensor> leaves) {
    return Selection.ravel(leaves);
  }

  /**
   * The inverse of {@link #ravel}.
   *
   * @param v [n]
   */
  public List<Tensor> unravel(Tensor v) {
    return selection.unravel(v);
  }

  /** Mean or sum. */
  public Reduction reduction() {
    return reduction;
  }

  /** Number of examples. */
  public long samples() {
    return batches.examples();
  }

  /** Number of terms of the loss: of examples, or of positions in all sequences. */
  public long terms() {
    return batches.terms();
  }

  /** Whether the data is in memory, and not a stream. */
  boolean holdsData() {
    return batches.held();
  }

  /**
   * The batches that have samples; each iterator is a pass over the data, which compares streams.
   */
  public Iterable<Dataset> batches() {
    return batches;
  }

  /** Number of terms of the loss in a batch. */
  public long terms(Dataset batch) {
    return term.function == null ? batch.size() : term.function.terms(batch.y());
  }

  /**
   * What to multiply a batch's mean with before these are added: its share of all terms, or for a
   * sum its number of terms.
   */
  public double weight(Dataset batch) {
    double terms = terms(batch);
    return reduction == Reduction.SUM ? terms : terms / batches.terms();
  }

  /** The mean loss of a batch, [], at any model of this structure. */
  public Tensor loss(M at, Dataset batch) {
    return term.loss.apply(at, batch);
  }

  /**
   * The network's outputs, at any model of this structure.
   *
   * @throws IllegalArgumentException if the objective was made of a loss alone
   */
  public Tensor outputs(M at, Tensor x) {
    return requireNetwork(term.network).apply(at, x);
  }

  /**
   * The loss of outputs and targets.
   *
   * @throws IllegalArgumentException if the objective was made of a loss alone
   */
  public LossFunction lossFunction() {
    return requireNetwork(term.function);
  }

  /**
   * The loss as a likelihood.
   *
   * @throws IllegalArgumentException if it is none
   */
  public Likelihood likelihood() {
    LossFunction loss = lossFunction();
    if (loss instanceof Likelihood likelihood) {
      return likelihood;
    }
    throw new IllegalArgumentException(
        "objective: its loss "
            + loss
            + " is no org.hesse.nn.Likelihood, and says of no distribution what a Fisher matrix"
            + " would be the expectation over; use Loss.CROSS_ENTROPY or Loss.MSE, implement"
            + " Likelihood, or use GaussNewton");
  }

  private static <T> T requireNetwork(@Nullable T part) {
    if (part == null) {
      throw new IllegalArgumentException(
          "objective: it was made by ofLoss, which does not tell the network's outputs from their"
              + " loss; use Objective.of(model, network, loss, batches)");
    }
    return part;
  }

  // ---- value

  /** The loss over all of the data, and its gradient in the selected parameters. */
  public LossGradient lossAndGradient() {
    Tensor loss = null;
    Tensor gradient = null;
    for (Dataset b : batches) {
      LossGradient part = lossAndGradient.apply(model, b);
      loss = plus(loss, part.loss, b);
      gradient = plus(gradient, part.gradient, b);
    }
    return new LossGradient(Objects.requireNonNull(loss), Objects.requireNonNull(gradient));
  }

  /** Adds a batch's mean to the sum of those before it. */
  Tensor plus(@Nullable Tensor sum, Tensor mean, Dataset batch) {
    double weight = weight(batch);
    Tensor part = weight == 1 ? mean : mean.mul(weight);
    return sum == null ? part : sum.add(part);
  }

  @Override
  public String toString() {
    return size()
        + " parameters over "
        + samples()
        + " samples"
        + (reduction == Reduction.SUM ? ", summed" : "");
  }
}
