package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.DoubleStream;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.Inverse;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.Progress;
import org.hesse.linalg.Solution;
import org.jspecify.annotations.Nullable;

/**
 * Influence functions: what single training samples do to the loss of others.
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, train.batches(256));
 * GaussNewton<Mlp> g = GaussNewton.of(f);
 * Influence<Mlp> influence = Influence.of(f, ConjugateGradients.of(g.shift(1e-3)).inverse());
 * InfluenceScores s = influence.scores(test.batches(32));
 * s.values();                               // [test samples, training samples]
 * s.helpful(0, 5);                          // that lower the loss of test sample 0 most
 * s.leaveOneOut();                          // predicted changes of the test losses
 * influence.self().helpful(0, 20);          // outliers and wrong labels among them
 *
 * // Other inverses: exact, LiSSA, and eigenvalue-corrected Kronecker factors.
 * Influence.of(f, Inverse.dense(g.shift(1e-3)));
 * Influence.of(f, NeumannSeries.of(g).damping(1e-3).inverse());
 * Influence.of(f, ekfac.inverse(Damping.exact(1e-3))).measuredBy(g.shift(1e-3));
 * }</pre>
 *
 * <p><b>Scores.</b> With ℓ(z) the loss of a sample, summed over its own terms if it has several,
 * g(z) its gradient, C the curvature of the objective J and λ the damping,
 *
 * <pre>score(t, i) = g(t)ᵀ (C + λI)⁻¹ g(zᵢ).</pre>
 *
 * <p>Let the model be the minimiser of J + λ‖θ‖²/2. Adding ε ℓ(zᵢ) to J moves it by −ε (C + λI)⁻¹
 * g(zᵢ), so ℓ(t) changes by −ε·score (Koh and Liang, equation 2, whose I is −score). For J = Σ ℓ/N
 * leaving zᵢ out is ε = −1/N: ℓ(t) changes by score/N, to first order. For J = Σ ℓ it is ε = −1 and
 * the change is the score, which is 1/N of that of the mean with λ/N. {@link
 * InfluenceScores#leaveOneOut} makes the two one. A positive score is that of a helpful sample. In
 * both cases the penalty stays as it is and the sum loses a term, its divisor remaining N.
 *
 * <p>Scores depend on neither the batches of the data nor the blocks of the computation. The
 * gradients of the training samples are never held: a score is a derivative of ℓ(zᵢ) along the
 * solution for t, by forward mode, one pass over the training data for a block of them.
 *
 * <p><b>Errors.</b> The residual of each system comes along. The error of a score is g(zᵢ)ᵀ(C +
 * λI)⁻¹r, at most ‖g(zᵢ)‖·‖r‖/λ for positive semidefinite C. What influence functions leave out,
 * that leaving out a sample is no infinitesimal change and that a network may end in another
 * minimum, is in none of these numbers.
 *
 * <p>Sources: Koh and Liang, Understanding black-box predictions via influence functions (2017);
 * Grosse et al., Studying large language model generalization with influence functions (2023),
 * sections 2 and 3.
 *
 * @param <M> the model
 */
public final class Influence<M> {
  private static final String STAGE = "influence";
  private static final int DEFAULT_BLOCK = 32;

  private final Objective<M> objective;
  private final LinearOperator inverse;
  private final @Nullable LinearOperator curvature;
  private final Progress progress;
  private final int block;
  private final SampleLosses<M> losses;

  private Influence(
      Objective<M> objective,
      LinearOperator inverse,
      @Nullable LinearOperator curvature,
      Progress progress,
      int block,
      SampleLosses<M> losses) {
    this.objective = objective;
    this.inverse = inverse;
    this.curvature = curvature;
    this.progress = progress;
    this.block = block;
    this.losses = losses;
  }

  /**
   * The influence of the samples of an objective's data, on the objective's parameters.
   *
   * @param objective of the training data, at the trained model
   * @param inverse (C + λI)⁻¹, exact, solved for or approximate, with the objective's reduction
   * @throws IllegalArgumentException if the inverse is not of the objective's size and dtype
   */
  public static <M> Influence<M> of(Objective<M> objective, LinearOperator inverse) {
    require("inverse", objective, inverse);
    return new Influence<>(
        objective, inverse, null, Progress.NONE, DEFAULT_BLOCK, new SampleLosses<>(objective));
  }

  private static void require(String name, Objective<?> f, LinearOperator a) {
    if (a.size() != f.size() || a.dtype() != f.dtype()) {
      throw new IllegalArgumentException(
          name
              + ": "
              + a
              + " is of "
              + a.size()
              + " numbers in "
              + a.dtype()
              + "; expected one for the "
              + f
              + " in "
              + f.dtype());
    }
  }

  /**
   * The same with residuals measured with this operator, C + λI, by one product for each system;
   * for inverses that are approximations, such as those of Kronecker factors.
   */
  public Influence<M> measuredBy(LinearOperator damped) {
    require("damped", objective, damped);
    return new Influence<>(objective, inverse, damped, progress, block, losses);
  }

  /** The same with somebody told of every block, in systems solved; see {@link Progress}. */
  public Influence<M> progress(Progress callback) {
    return new Influence<>(objective, inverse, curvature, callback, block, losses);
  }

  /** The same with at most so many systems solved together; default 32. */
  public Influence<M> block(int systems) {
    if (systems < 1) {
      throw new IllegalArgumentException("block: " + systems + " systems; 1 is the least");
    }
    return new Influence<>(objective, inverse, curvature, progress, systems, losses);
  }

  /**
   * Scores of each training sample for each sample of other data.
   *
   * @return a row for each test sample
   * @throws IllegalArgumentException if there is no test sample
   */
  public InfluenceScores scores(Iterable<Dataset> tests) {
    return on(() -> {
      List<Dataset> pieces = pieces(tests);
      int total = pieces.stream().mapToInt(Dataset::size).sum();
      Run run = new Run(total);
      List<Tensor> rows = new ArrayList<>();
      for (Dataset piece : pieces) {
        rows.add(run.rows(losses.gradients(piece)));
      }
      return run.scores(concat(0, rows));
    });
  }

  /**
   * Scores of each training sample for the mean of the losses of other samples.
   *
   * @return one row
   * @throws IllegalArgumentException if there is no test sample
   */
  public InfluenceScores onMean(Iterable<Dataset> tests) {
    return on(() -> {
      List<Dataset> pieces = pieces(tests);
      int total = pieces.stream().mapToInt(Dataset::size).sum();
      Tensor sum =
          pieces.stream().map(p -> losses.gradients(p).sum(0)).reduce(Tensor::add).orElseThrow();
      Run run = new Run(1);
      return run.scores(run.rows(sum.div(total).insertAxis(0)));
    });
  }

  /**
   * The score of each training sample for itself, never negative where C + λI is positive definite.
   * Wrong labels and outliers have large ones: the model would not fit them without having seen
   * them.
   *
   * @return one row
   */
  public InfluenceScores self() {
    return on(() -> {
      Run run = new Run(Math.toIntExact(objective.samples()));
      List<Tensor> parts = new ArrayList<>();
      for (Dataset batch : objective.batches()) {
        for (Dataset piece : losses.pieces(batch, block)) {
          Tensor g = losses.gradients(piece);
          Tensor products = g.insertAxis(-2).matmul(run.solve(g).insertAxis(-1), DType.F64);
          parts.add(products.reshape(1, g.dim(0)).cast(g.dtype()));
        }
      }
      return run.scores(concat(1, parts));
    });
  }

  private InfluenceScores on(java.util.function.Supplier<InfluenceScores> body) {
    return Hesse.on(objective.device(), body::get);
  }

  private List<Dataset> pieces(Iterable<Dataset> tests) {
    List<Dataset> pieces = new ArrayList<>();
    for (Dataset batch : tests) {
      if (batch.size() > 0) {
        pieces.addAll(losses.pieces(batch, block));
      }
    }
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException("tests: no samples; expected one or more");
    }
    return pieces;
  }

  private static Tensor concat(int axis, List<Tensor> parts) {
    return parts.size() == 1 ? parts.getFirst() : Tensor.concat(axis, parts.toArray(Tensor[]::new));
  }

  /** Solves systems and collects what is known of their errors. */
  private final class Run {
    private final int total;
    private final List<Double> residuals = new ArrayList<>();
    private boolean converged = true;
    private int done;

    Run(int total) {
      this.total = total;
    }

    /** The scores of all training samples for some gradients, [k, n] → [k, samples]. */
    Tensor rows(Tensor gradients) {
      Tensor x = solve(gradients);
      List<Tensor> parts = new ArrayList<>();
      for (Dataset batch : objective.batches()) {
        parts.add(losses.derivatives(batch, x));
      }
      return concat(1, parts);
    }

    /** (C + λI)⁻¹ g for each row g. */
    Tensor solve(Tensor gradients) {
      Tensor x;
      if (inverse instanceof Inverse solver) {
        Solution solution = solver.solution(gradients);
        converged &= solution.converged();
        x = solution.solution();
        if (curvature == null) {
          add(solution.relativeResiduals());
        }
      } else {
        x = inverse.applyAll(gradients);
      }
      if (curvature != null) {
        Tensor rest = gradients.sub(curvature.applyAll(x));
        double[] left = norms(rest);
        double[] sizes = norms(gradients);
        for (int i = 0; i < left.length; i++) {
          left[i] = left[i] == 0 ? 0 : left[i] / sizes[i];
        }
        add(left);
      }
      done += gradients.dim(0);
      if (!progress.step(STAGE, done, total)) {
        throw new CancellationException(
            STAGE + ": cancelled by the progress callback at " + done + " of " + total);
      }
      return x;
    }

    private void add(double[] relative) {
      DoubleStream.of(relative).forEach(residuals::add);
    }

    InfluenceScores scores(Tensor values) {
      double divisor = objective.reduction() == Reduction.SUM ? 1 : (double) objective.terms();
      double[] all = residuals.stream().mapToDouble(Double::doubleValue).toArray();
      return new InfluenceScores(values, divisor, all, converged);
    }
  }

  private static double[] norms(Tensor rows) {
    double[] squares =
        rows.insertAxis(-2).matmul(rows.insertAxis(-1), DType.F64).reshape(-1).toDoubleArray();
    return DoubleStream.of(squares).map(Math::sqrt).toArray();
  }
}
