package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Loss;

/**
 * The Laplace approximation: a normal distribution of the parameters about those of a trained
 * model, from the Gauss–Newton matrix of the loss and a normal prior.
 *
 * <pre>{@code
 * Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, train.batches(256));
 * Laplace<Mlp> posterior = Laplace.of(f, Laplace.Structure.KRON).fitPrior();
 * posterior.logEvidence().value();               // log p(data), to compare models by
 * Prediction p = posterior.predict(x);
 * p.variance();                                  // of each logit
 * p.probit();                                    // probabilities that know what is not known
 * p.monteCarlo(1000, 0).standardError();
 * List<Mlp> models = posterior.sample(20, 0);
 *
 * Laplace<Mlp> regression = Laplace.of(g, Laplace.Structure.LAST_LAYER).fitPriorAndNoise();
 * }</pre>
 *
 * <p>The prior is N(0, δ⁻¹I); the posterior N(θ̂, P⁻¹) with P = s C + δ I, where C is the
 * Gauss–Newton matrix of the sum of the losses of all terms, or its approximation. The loss counts
 * as −log p(target | outputs), with s = 1. For {@link Loss#MSE}, whose scale says nothing of the
 * noise, targets are normal with variance σ² in each of k outputs, and s = k/(2σ²), so that s C =
 * JᵀJ/σ².
 *
 * <p><b>Evidence.</b> The logarithm of ∫ p(data | θ) p(θ) dθ with the exponent expanded to second
 * order at θ̂, where its gradient is −g:
 *
 * <pre>log p(data | θ̂) − δ‖θ̂‖²/2 + (n/2) log δ − ½ log det P + ½ gᵀP⁻¹g.</pre>
 *
 * <p>It is exact for a model that is linear in its parameters with normal noise, if C is the whole
 * matrix, at any θ̂. The last term, often left out, is 0 if θ̂ is the mode for this very δ and σ;
 * with it the evidence is that of the linearised model, which stays right while δ and σ are fitted
 * to it (Antorán et al., 2022). For losses other than {@link Loss#MSE}, −log p lacks what the loss
 * leaves out of it, which for {@link Loss#CROSS_ENTROPY} is nothing.
 *
 * <p><b>Predictions</b> are those of the network linearised at θ̂, whose outputs are normal with
 * covariance J P⁻¹ Jᵀ.
 *
 * <p>A posterior does not change: what looks like a setter returns a copy, which shares what is
 * costly.
 *
 * <p>Sources: MacKay, Bayesian interpolation (1992), section 3; Ritter, Botev and Barber, A
 * scalable Laplace approximation for neural networks (2018); Immer, Korzepa and Bauer, Improving
 * predictions of Bayesian neural nets via local linearization (2021); Antorán et al., Adapting the
 * linearised Laplace model evidence for modern deep learning (2022).
 *
 * @param <M> the model
 */
public final class Laplace<M> {
  /** How much of the Gauss–Newton matrix is kept. */
  public enum Structure {
    /** All of it: n² numbers, and an eigen-decomposition. */
    FULL,
    /** Kronecker factors of each layer ({@link Kfac}). */
    KRON,
    /** Its diagonal. */
    DIAGONAL,
    /** All of it for the last layer's parameters; the others are taken as known. */
    LAST_LAYER
  }

  /**
   * log p(data) and its parts: value = logLikelihood − penalty − occam + correction.
   *
   * @param value the evidence
   * @param logLikelihood log p(data | θ̂)
   * @param penalty δ‖θ̂‖²/2
   * @param occam ½ log det P − (n/2) log δ, by how much the posterior is narrower than the prior
   * @param correction ½ gᵀP⁻¹g, 0 where θ̂ is the mode
   */
  public record Evidence(
      double value, double logLikelihood, double penalty, double occam, double correction) {}

  /** Steps of the search over the logarithm of the prior precision, and how far it looks. */
  private static final int STEPS = 56;

  private static final double REACH = 28;
  private static final double TOLERANCE = 1e-7;

  /** By how much a maximum of the evidence must exceed its values at the ends. */
  private static final double FLAT = 1e-6;

  private final Objective<M> sum;
  private final BlockCurvature curvature;
  private final Fit fit;
  private final double precision;
  private final double variance;

  /**
   * What the evidence needs of loss and parameters.
   *
   * @param loss the summed loss
   * @param numbers of targets, terms × k, of a regression
   * @param outputs k, of a regression; else 0
   */
  private record Fit(double loss, Tensor gradient, Tensor theta, long numbers, int outputs) {
    boolean regression() {
      return outputs > 0;
    }
  }

  private Laplace(
      Objective<M> sum, BlockCurvature curvature, Fit fit, double precision, double variance) {
    this.sum = sum;
    this.curvature = curvature;
    this.fit = fit;
    this.precision = precision;
    this.variance = variance;
  }

  /**
   * The posterior with prior precision 1 and, for a regression, noise of standard deviation 1.
   *
   * @param f the training data's loss at the trained model, of any reduction
   * @throws IllegalArgumentException if the objective does not tell outputs from their loss, or,
   *     for {@link Structure#KRON} and {@link Structure#DIAGONAL}, its loss is no likelihood
   */
  public static <M> Laplace<M> of(Objective<M> f, Structure structure) {
    Objective<M> part = f;
    if (structure == Structure.LAST_LAYER) {
      part = List.copyOf(f.perLayer().values()).getLast();
    }
    Objective<M> sum = part.reduction(Reduction.SUM);
    return of(sum, LaplaceCurvature.of(sum, structure));
  }

  /**
   * The posterior from any approximation of the Gauss–Newton matrix.
   *
   * @param curvature of the sum of the losses, as {@code Ekfac.of(f.reduction(SUM)).run()} is
   * @throws IllegalArgumentException if it is not of the objective's parameters and dtype
   */
  public static <M> Laplace<M> of(Objective<M> f, BlockCurvature curvature) {
    Objective<M> sum = f.reduction(Reduction.SUM);
    if (!curvature.layout().equals(ParameterLayout.of(sum)) || curvature.dtype() != sum.dtype()) {
      throw new IllegalArgumentException(
          "curvature: "
              + curvature
              + " is of "
              + curvature.layout().paths()
              + "; expected "
              + sum.paths()
              + " in "
              + sum.dtype());
    }
    return Hesse.on(
        sum.device(),
        () -> {
          var value = sum.lossAndGradient();
          int outputs = outputs(sum);
          Fit fit =
              new Fit(
                  value.loss().item(),
                  value.gradient(),
                  sum.ravel(sum.leaves()),
                  sum.terms() * outputs,
                  outputs);
          return new Laplace<>(sum, curvature, fit, 1, 1);
        });
  }

  /** k of a regression, else 0. */
  private static int outputs(Objective<?> f) {
    if (f.lossFunction() != Loss.MSE) {
      return 0;
    }
    Dataset first = f.batches().iterator().next();
    return first.y().rank() > 1 ? first.y().dim(-1) : 1;
  }

  /** The same with another δ. */
  public Laplace<M> priorPrecision(double delta) {
    requirePositive("priorPrecision", delta);
    return new Laplace<>(sum, curvature, fit, delta, variance);
  }

  /**
   * The same with another σ.
   *
   * @throws IllegalStateException if the loss is not {@link Loss#MSE}
   */
  public Laplace<M> noise(double sigma) {
    requirePositive("noise", sigma);
    requireRegression("noise");
    return new Laplace<>(sum, curvature, fit, precision, sigma * sigma);
  }

  private static void requirePositive(String name, double x) {
    if (!(x > 0) || Double.isInfinite(x)) {
      throw new IllegalArgumentException(name + ": " + x + "; expected a positive number");
    }
  }

  private void requireRegression(String method) {
    if (!fit.regression()) {
      throw new IllegalStateException(
          method
              + ": the loss is "
              + sum.lossFunction()
              + ", which has no noise; only Loss.MSE has");
    }
  }

  /** δ. */
  public double priorPrecision() {
    return precision;
  }

  /**
   * σ.
   *
   * @throws IllegalStateException if the loss is not {@link Loss#MSE}
   */
  public double noise() {
    requireRegression("noise");
    return Math.sqrt(variance);
  }

  /** The parameters that the posterior is of. */
  public Objective<M> objective() {
    return sum;
  }

  /** C, of the summed loss, without s and δ. */
  public BlockCurvature curvature() {
    return curvature;
  }

  private double scale() {
    return fit.regression() ? fit.outputs / (2 * variance) : 1;
  }

  private Damping ratio() {
    return Damping.exact(precision / scale());
  }

  /** P⁻¹, the covariance of the parameters. */
  public LinearOperator covariance() {
    return curvature.inverse(ratio()).scale(1 / scale());
  }

  // ---- evidence

  /** log p(data) at the δ and σ that this has. */
  public Evidence logEvidence() {
    return new Quadratic(precision / scale()).evidence(scale());
  }

  /** The exponent for δ = r s, over s. */
  private final class Quadratic {
    private final double r;
    private final double squares;
    private final double gain;
    private final double logDeterminant;

    Quadratic(double r) {
      this.r = r;
      Tensor shift = Hesse.on(sum.device(), () -> Tensor.of(new double[] {r}, 1));
      Tensor h = fit.gradient.add(fit.theta.mul(shift.cast(fit.theta.dtype())));
      Damping damping = Damping.exact(r);
      this.squares = dot(fit.theta, fit.theta);
      this.gain = dot(h, curvature.inverse(damping).apply(h));
      this.logDeterminant = curvature.logDeterminant(damping);
    }

    Evidence evidence(double s) {
      double likelihood = -s * fit.loss;
      if (fit.regression()) {
        likelihood -= 0.5 * fit.numbers * Math.log(Math.PI * fit.outputs / s);
      }
      double penalty = 0.5 * s * r * squares;
      double occam = 0.5 * (logDeterminant - sum.size() * Math.log(r));
      double correction = 0.5 * s * gain;
      return new Evidence(
          likelihood - penalty - occam + correction, likelihood, penalty, occam, correction);
    }

    /** The s that maximises the evidence for this r, where it is −s·energy + (numbers/2) log s. */
    double best() {
      double energy = fit.loss + 0.5 * r * squares - 0.5 * gain;
      if (!(energy > 0)) {
        return Double.NaN;
      }
      return 0.5 * fit.numbers / energy;
    }
  }

  private static double dot(Tensor u, Tensor v) {
    return u.matmul(v, DType.F64).item();
  }

  /**
   * The same with the δ that maximises the evidence, to seven digits; σ stays.
   *
   * @throws NumericalException if the evidence has no maximum within e^±28 times the mean
   *     eigenvalue of C: then the data does not determine δ
   */
  public Laplace<M> fitPrior() {
    double s = scale();
    double r = maximum(at -> new Quadratic(at).evidence(s).value());
    return new Laplace<>(sum, curvature, fit, r * s, variance);
  }

  /**
   * The same with the δ and σ that maximise the evidence together.
   *
   * @throws NumericalException as {@link #fitPrior}
   * @throws IllegalStateException if the loss is not {@link Loss#MSE}
   */
  public Laplace<M> fitPriorAndNoise() {
    requireRegression("fitPriorAndNoise");
    double r =
        maximum(at -> {
          Quadratic q = new Quadratic(at);
          double s = q.best();
          return Double.isNaN(s) ? Double.NEGATIVE_INFINITY : q.evidence(s).value();
        });
    double s = new Quadratic(r).best();
    return new Laplace<>(sum, curvature, fit, r * s, fit.outputs / (2 * s));
  }

  /** The best r by a scan over its logarithm, then golden sections about the best of these. */
  private double maximum(DoubleUnaryOperator evidence) {
    double mean = curvature.trace() / sum.size();
    double centre = mean > 0 ? Math.log(mean) : 0;
    double step = 2 * REACH / STEPS;
    double[] values = new double[STEPS + 1];
    Arrays.setAll(values, i -> evidence.applyAsDouble(Math.exp(centre - REACH + i * step)));
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    double ends = Math.max(values[0], values[STEPS]);
    double rounding = Math.max(FLAT, 100 * sum.dtype().epsilon() * Math.abs(values[best]));
    if (!(values[best] - ends > rounding) || Double.isInfinite(values[best])) {
      throw new NumericalException(
          "the evidence has no maximum for ratios of prior to data precision from "
              + Math.exp(centre - REACH)
              + " to "
              + Math.exp(centre + REACH)
              + ": it is "
              + values[0]
              + " and "
              + values[STEPS]
              + " at the ends; the data does not determine the prior precision, so set it with"
              + " priorPrecision, and for a regression that fits its targets exactly the noise too");
    }
    return Math.exp(golden(evidence, centre - REACH + best * step, step));
  }

  private static double golden(DoubleUnaryOperator evidence, double middle, double step) {
    double ratio = (Math.sqrt(5) - 1) / 2;
    double low = middle - step;
    double high = middle + step;
    double a = high - ratio * (high - low);
    double b = low + ratio * (high - low);
    double atA = evidence.applyAsDouble(Math.exp(a));
    double atB = evidence.applyAsDouble(Math.exp(b));
    while (high - low > TOLERANCE) {
      if (atA > atB) {
        high = b;
        b = a;
        atB = atA;
        a = high - ratio * (high - low);
        atA = evidence.applyAsDouble(Math.exp(a));
      } else {
        low = a;
        a = b;
        atA = atB;
        b = low + ratio * (high - low);
        atB = evidence.applyAsDouble(Math.exp(b));
      }
    }
    return (low + high) / 2;
  }

  // ---- predictions

  /**
   * The distribution of the outputs for some inputs. Jacobians of as many samples are held at once
   * as fit into 16 million numbers.
   *
   * @param x inputs, [samples, …]
   * @throws IllegalArgumentException if there is no sample
   */
  public Prediction predict(Tensor x) {
    if (x.rank() == 0 || x.dim(0) == 0) {
      throw new IllegalArgumentException("x: shape " + x.shape() + "; expected samples, [N, …]");
    }
    LinearOperator covariance = covariance();
    List<Tensor> means = new ArrayList<>();
    List<Tensor> covariances = new ArrayList<>();
    for (SampleJacobians.Rows rows : new SampleJacobians<>(sum).of(x)) {
      Tensor j = rows.jacobian();
      int k = j.dim(1);
      Tensor solved = covariance.applyAll(j.reshape(-1, sum.size())).reshape(j.shape().dims());
      Tensor c = j.matmul(solved.transpose(), DType.F64).cast(j.dtype());
      means.add(rows.outputs());
      covariances.add(c.add(c.transpose()).mul(0.5).reshape(-1, k, k));
    }
    return new Prediction(
        Tensor.concat(0, means.toArray(Tensor[]::new)),
        Tensor.concat(0, covariances.toArray(Tensor[]::new)),
        fit.regression() ? variance : 0);
  }

  /**
   * Models drawn from the posterior.
   *
   * @param count 1 or more
   */
  public List<M> sample(int count, long seed) {
    if (count < 1) {
      throw new IllegalArgumentException("count: " + count + "; expected 1 or more");
    }
    LinearOperator root = curvature.inverseRoot(ratio()).scale(1 / Math.sqrt(scale()));
    return Hesse.on(
        sum.device(),
        () -> {
          List<M> models = new ArrayList<>();
          for (int i = 0; i < count; i++) {
            Tensor z = RngKey.of(seed).fold(i).normal(sum.dtype(), sum.size());
            Tensor theta = fit.theta.add(root.apply(z));
            models.add(sum.with(sum.model(), sum.unravel(theta)));
          }
          return models;
        });
  }
}
