package org.hesse.curvature;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.vmap;

import org.hesse.ControlFlow;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Likelihood;
import org.hesse.nn.LossFunction;

/**
 * The Fisher information matrix of an objective, n×n: the mean over the data's terms of E[g gᵀ],
 * where g is the gradient of −log p(target | outputs) in the parameters. What the expectation is
 * over makes three of them:
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(256));
 * Fisher.exact(f)                 // targets of the model's distribution, in closed form
 * Fisher.monteCarlo(f, 10, 0)     // ten targets drawn from it for each term, with seed 0
 * Fisher.empirical(f)             // the data's targets: mean of the gradients' outer products
 * }</pre>
 *
 * <p>Terms are those of {@link LossFunction}: examples, or the positions of a sequence, each of
 * which has a target of its own. The scale is the loss's, see {@link Likelihood}, so that the exact
 * Fisher matrix is {@link GaussNewton} for both of {@link org.hesse.nn.Loss}. The empirical one is
 * no Fisher matrix and need not be near one (Kunstner, Balles and Hennig, 2019).
 *
 * <p>No gradient of a single term is ever formed: a product is Jᵀ S Sᵀ J v, with the scores S of
 * the outputs.
 *
 * @param <M> the model
 */
public final class Fisher<M> extends ObjectiveOperator<M> {
  private final Targets targets;

  /** What the expectation is over. */
  private sealed interface Targets {
    /** The mean over a batch's terms of E[s sᵀ] u, where s is the gradient in the outputs. */
    Tensor product(LossFunction loss, Dataset batch, Tensor first, Tensor outputs, Tensor u);

    String label();
  }

  private Fisher(Objective<M> f, Effort effort, Targets targets) {
    super(f, effort);
    this.targets = targets;
  }

  /**
   * The expectation over the model's own distribution, exactly.
   *
   * @throws IllegalArgumentException if the loss is no {@link Likelihood}
   */
  public static <M> Fisher<M> exact(Objective<M> f) {
    return new Fisher<>(f, Effort.DEFAULT, new Exact(f.likelihood()));
  }

  /**
   * The mean over targets drawn from the model's distribution: an unbiased estimate of {@link
   * #exact}, whose standard error falls with the square root of the number of draws. The draws are
   * fixed by the seed, term by term, however the data is cut: the operator is one matrix.
   *
   * @param samples draws for each term, 1 or more
   * @throws IllegalArgumentException if the loss is no {@link Likelihood}, or there are no samples
   */
  public static <M> Fisher<M> monteCarlo(Objective<M> f, int samples, long seed) {
    if (samples < 1) {
      throw new IllegalArgumentException("samples: " + samples + "; 1 is the least");
    }
    RngKey key = Hesse.on(f.device(), () -> RngKey.of(seed));
    return new Fisher<>(f, Effort.DEFAULT, new Drawn(f.likelihood(), samples, key, seed));
  }

  /**
   * With the targets of the data: the mean of the outer products of the terms' gradients. Any loss
   * will do.
   *
   * @throws IllegalArgumentException if the objective was made by {@link Objective#ofLoss}
   */
  public static <M> Fisher<M> empirical(Objective<M> f) {
    f.lossFunction();
    return new Fisher<>(f, Effort.DEFAULT, new Given());
  }

  @Override
  public Fisher<M> block(int vectors) {
    return (Fisher<M>) super.block(vectors);
  }

  @Override
  public Fisher<M> keep(long bytes) {
    return (Fisher<M>) super.keep(bytes);
  }

  @Override
  Fisher<M> with(Effort other) {
    return new Fisher<>(objective(), other, targets);
  }

  @Override
  Tensor product(Objective<M> f, M at, Dataset batch, Tensor first, Tensor v) {
    LossFunction loss = f.lossFunction();
    return Outputs.sandwich(f, at, batch, v, (o, u) -> targets.product(loss, batch, first, o, u));
  }

  @Override
  String name() {
    return targets.label() + " Fisher matrix";
  }

  /**
   * Mean over terms of s (s · u), where s is the gradient of a term's loss in its outputs.
   *
   * @param outputs [terms…, …], as u
   */
  private static Tensor outerProduct(LossFunction loss, Tensor outputs, Tensor targets, Tensor u) {
    int terms = Math.toIntExact(loss.terms(targets));
    // The gradient of a mean is that of each term over their number.
    Tensor s = grad((Tensor o) -> loss.apply(o, targets)).apply(outputs).reshape(terms, -1);
    Tensor along = s.mul(u.reshape(terms, -1)).sum(1).mul(terms);
    return s.mul(along.insertAxis(1)).reshape(outputs.shape().dims());
  }

  private record Exact(Likelihood likelihood) implements Targets {
    @Override
    public Tensor product(
        LossFunction loss, Dataset batch, Tensor first, Tensor outputs, Tensor u) {
      // For its checks of the shapes; nobody reads the value, so it is not computed.
      var _ = likelihood.apply(outputs, batch.y());
      return likelihood.fisherProduct(outputs, u).div((double) likelihood.terms(batch.y()));
    }

    @Override
    public String label() {
      return "Exact";
    }
  }

  private record Given() implements Targets {
    @Override
    public Tensor product(
        LossFunction loss, Dataset batch, Tensor first, Tensor outputs, Tensor u) {
      return outerProduct(loss, outputs, batch.y(), u);
    }

    @Override
    public String label() {
      return "Empirical";
    }
  }

  private record Drawn(Likelihood likelihood, int samples, RngKey key, long seed)
      implements Targets {
    @Override
    public Tensor product(
        LossFunction loss, Dataset batch, Tensor first, Tensor outputs, Tensor u) {
      Tensor numbers = Tensor.arange(DType.I32, batch.size()).add(first);
      Tensor sum =
          ControlFlow.forLoop(
              samples,
              (Tensor total, Tensor s) -> {
                Tensor drawn = draw(key.fold(s), numbers, outputs);
                return total.add(outerProduct(likelihood, outputs, drawn, u));
              },
              Tensor.zeros(u.dtype(), u.shape().dims()));
      return sum.div(samples);
    }

    /** Targets from a key for each example, so that batches do not matter. */
    private Tensor draw(RngKey draw, Tensor numbers, Tensor outputs) {
      return vmap((Example e) ->
              likelihood.sample(e.outputs.insertAxis(0), draw.fold(e.number)).select(0, 0))
          .apply(new Example(numbers, outputs));
    }

    @Override
    public String label() {
      return "Monte Carlo (" + samples + " draws, seed " + seed + ")";
    }
  }

  /** An example's number and its outputs. */
  private record Example(Tensor number, Tensor outputs) {}
}
