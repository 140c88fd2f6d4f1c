package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.Hesse;
import org.hesse.Tensor;

/**
 * Solves (A + λI) x = b for symmetric A by the Neumann series σ⁻¹ Σⱼ (I − (A + λI)/σ)ʲ b, or by its
 * stochastic form, LiSSA, each step of which uses a part of the data.
 *
 * <pre>{@code
 * Solution s = NeumannSeries.of(ggn).damping(1e-2).depth(5000).tolerance(1e-4).run(gradient);
 * Solution lissa = NeumannSeries.of(ggn).damping(1e-2).batches(parts, 0).repeats(10).run(gradient);
 * lissa.relativeResiduals();                        // measured with A itself
 * }</pre>
 *
 * <p>It converges where all eigenvalues of A + λI lie between 0 and 2σ, at the rate 1 − λmin/σ; so
 * conjugate gradients need fewer products, about the square root of them, unless products with A
 * itself are too dear. Without a {@link #scale} σ is 1.1 times the largest eigenvalue that Lanczos
 * finds.
 *
 * <p><b>Divergence.</b> For symmetric B the norms ‖Bʲb‖ are a log-convex sequence, so one term
 * larger than the one before proves that the series diverges. It ends with a {@link
 * NumericalException} that says whether σ is too small or an eigenvalue negative. In the stochastic
 * form steps that do not expand keep ‖xⱼ‖ ≤ (j + 1)‖b‖/σ, and more than that ends it.
 *
 * <p>Sources: Agarwal, Bullins and Hazan, Second-order stochastic optimization for machine learning
 * in linear time (2017), section 3; Koh and Liang, Understanding black-box predictions via
 * influence functions (2017), section 3.
 */
public final class NeumannSeries {
  private static final String STAGE = "Neumann series";

  /** How far beyond 1, in roundings, the ratio of two terms proves growth. */
  private static final double NOISE = 64;

  private static final double MARGIN = 1.1;
  private static final double SCALE_TOLERANCE = 0.05;
  private static final int SCALE_PRODUCTS = 50;

  private static final Function<Step, Step> TERM = compile(NeumannSeries::term);
  private static final Function<Step, Step> ROUND = compile(NeumannSeries::round);

  private final LinearOperator operator;
  private double damping;
  private double scale;
  private double tolerance;
  private int depth = 10_000;
  private int repeats = 1;
  private List<LinearOperator> parts = List.of();
  private long seed;
  private double smallestEigenvalue;
  private Progress progress = Progress.NONE;

  private NeumannSeries(LinearOperator operator) {
    Products.requireSymmetric(operator, "the Neumann series");
    this.operator = operator;
    this.tolerance = operator.dtype().epsilon() < 1e-10 ? 1e-6 : 1e-4;
  }

  /**
   * A solver; says what is wanted before {@link #run}.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static NeumannSeries of(LinearOperator operator) {
    return new NeumannSeries(operator);
  }

  /** λ, 0 or more, which is added to the diagonal of A and of each part; default 0. */
  public NeumannSeries damping(double lambda) {
    if (!(lambda >= 0) || Double.isInfinite(lambda)) {
      throw new IllegalArgumentException(
          "damping: " + lambda + "; expected 0 or a positive number");
    }
    damping = lambda;
    return this;
  }

  /**
   * σ, which must be more than half the largest eigenvalue of A + λI, or of every part's. Without
   * it Lanczos is run on A, or on every part, with at most {@value #SCALE_PRODUCTS} products each.
   */
  public NeumannSeries scale(double sigma) {
    ConjugateGradients.requirePositive("scale", sigma);
    scale = sigma;
    return this;
  }

  /**
   * The series ends once ‖b − (A + λI) x‖ is at most this times ‖b‖; default 1e-6 in F64 and 1e-4
   * in F32. The stochastic form makes all its steps, and is judged by it.
   */
  public NeumannSeries tolerance(double relative) {
    if (!(relative >= 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number from 0 to 1, such as 1e-4");
    }
    tolerance = relative;
    return this;
  }

  /** The most terms, the depth of LiSSA's recursion; default 10,000. */
  public NeumannSeries depth(int terms) {
    if (terms < 1) {
      throw new IllegalArgumentException("depth: " + terms + "; expected 1 or more");
    }
    depth = terms;
    return this;
  }

  /**
   * Takes one of these operators, drawn at random, for each step instead of A.
   *
   * @param operators their mean is A; those of batches of unequal sizes are to be scaled to that
   * @throws IllegalArgumentException if there is none, or one is not symmetric or not like A
   */
  public NeumannSeries batches(List<? extends LinearOperator> operators, long seed) {
    if (operators.isEmpty()) {
      throw new IllegalArgumentException("batches: no operators; expected one or more");
    }
    for (LinearOperator part : operators) {
      Products.requireSymmetric(part, "the Neumann series");
      Operators.requireFitting(
          part.size() == operator.size() && part.dtype() == operator.dtype(),
          operator,
          part,
          "batches",
          "sizes and dtypes must be equal");
    }
    parts = List.copyOf(operators);
    this.seed = seed;
    return this;
  }

  /** How many runs of the stochastic form are averaged, each with its own draws; default 1. */
  public NeumannSeries repeats(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("repeats: " + count + "; expected 1 or more");
    }
    repeats = count;
    return this;
  }

  /** See {@link ConjugateGradients#smallestEigenvalue}; of A + λI. */
  public NeumannSeries smallestEigenvalue(double bound) {
    ConjugateGradients.requirePositive("smallestEigenvalue", bound);
    smallestEigenvalue = bound;
    return this;
  }

  /** Is told of every step. */
  public NeumannSeries progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Solves. What did not converge within {@link #depth} is returned too, and says so; its residual
   * is from a product with A itself.
   *
   * @param b [n], or [k, n] with a right-hand side in each row
   * @throws NumericalException if the series diverges, or a product is NaN or infinite
   */
  public Solution run(Tensor b) {
    return Hesse.on(operator.device(), () -> new Run(b).run());
  }

  /** (A + λI)⁻¹, each of whose products is solved for; see {@link Inverse}. */
  public Inverse inverse() {
    return new Inverse(operator, this::run);
  }

  /** One solution, of (A + λI)/σ y = b. */
  private final class Run {
    private final Products products = new Products(operator, progress);
    private final RightHandSides b;
    private final double sigma;
    private int others;
    private int steps;

    Run(Tensor given) {
      b = new RightHandSides(operator, given);
      sigma = scale > 0 ? scale : measured();
    }

    /** σ from the largest eigenvalue of every operator that is multiplied by. */
    private double measured() {
      double largest = 0;
      for (LinearOperator a : parts.isEmpty() ? List.of(operator) : parts) {
        Eigenpairs top =
            Lanczos.of(a)
                .largest(1)
                .tolerance(SCALE_TOLERANCE)
                .checkMultiplicity(false)
                .maxProducts(SCALE_PRODUCTS)
                .run();
        others += top.matvecs();
        double value = top.values()[0] + damping;
        if (value < 0) {
          throw new NumericalException(
              "scale: the eigenvalue of largest magnitude of "
                  + a
                  + " is "
                  + top.values()[0]
                  + ", so that the Neumann series diverges for every scale; add damping of more"
                  + " than its magnitude, or use a positive semidefinite operator such as"
                  + " Gauss-Newton");
        }
        largest = Math.max(largest, value + top.residuals()[0]);
      }
      return largest == 0 ? 1 : MARGIN * largest;
    }

    Solution run() {
      Tensor y = parts.isEmpty() ? series() : averaged();
      Tensor x = Basis.divide(y, repeated(sigma));
      Tensor ax = RightHandSides.apply(products, x);
      double[] residuals = RightHandSides.norms(residual(new Step(b.rows, ax, x, factors(1))));
      boolean[] converged = new boolean[residuals.length];
      for (int i = 0; i < residuals.length; i++) {
        products.requireFinite(residuals[i], ax.select(0, i), products.count());
        converged[i] = residuals[i] <= tolerance * b.sizes[i];
      }
      return b.solution(
          x, residuals, converged, smallestEigenvalue, List.of(), steps, products.count() + others);
    }

    private double[] repeated(double c) {
      double[] all = new double[b.count()];
      Arrays.fill(all, c);
      return all;
    }

    /** λ/σ and 1/σ. */
    private Tensor factors(double over) {
      return Tensor.of(new double[] {damping / over, 1 / over}, 2);
    }

    /** Σⱼ Bʲb; the term that comes next is the residual. */
    private Tensor series() {
      Tensor factors = factors(sigma);
      Tensor term = b.rows;
      Tensor sum = Tensor.zeros(term.dtype(), term.shape().dims());
      double[] norms = b.sizes;
      while (steps < depth && !small(norms)) {
        Tensor product = RightHandSides.apply(products, term);
        Step next = TERM.apply(new Step(sum, product, term, factors));
        double[] grown = RightHandSides.norms(next.term);
        for (int i = 0; i < grown.length; i++) {
          products.requireFinite(grown[i], product.select(0, i), products.count());
          requireShrunk(norms[i], grown[i], term, next.term, i);
        }
        sum = next.sum;
        term = next.term;
        norms = grown;
        products.report(STAGE, ++steps, depth);
      }
      return sum;
    }

    private boolean small(double[] norms) {
      for (int i = 0; i < norms.length; i++) {
        if (norms[i] > 0.9 * tolerance * b.sizes[i]) {
          return false;
        }
      }
      return true;
    }

    private void requireShrunk(double before, double after, Tensor term, Tensor next, int row) {
      double ratio = after / before;
      if (before == 0 || ratio <= 1 + NOISE * operator.dtype().epsilon()) {
        return;
      }
      boolean overshoots = Basis.dot(term.select(0, row), next.select(0, row)) < 0;
      String why =
          overshoots
              ? "the operator has an eigenvalue of some "
                  + sigma * (1 + ratio)
                  + ", more than twice the scale; raise the scale to the largest eigenvalue, or"
                  + " leave it out to have it measured"
              : "the operator with its damping has a negative eigenvalue of some "
                  + sigma * (1 - ratio)
                  + "; add damping of more than its magnitude, or use a positive semidefinite"
                  + " operator such as Gauss-Newton";
      throw new NumericalException(
          "the Neumann series diverges: with scale "
              + sigma
              + " and damping "
              + damping
              + " term "
              + (steps + 1)
              + " is "
              + ratio
              + " times the one before; "
              + why);
    }

    /** The mean of several runs of y ← b + (I − (Aᵢ + λI)/σ) y. */
    private Tensor averaged() {
      Tensor factors = factors(sigma);
      Tensor mean = Tensor.zeros(b.rows.dtype(), b.rows.shape().dims());
      Tensor share = Tensor.of(new double[] {1.0 / repeats}, 1).cast(mean.dtype());
      for (int r = 0; r < repeats; r++) {
        Random random = new Random(seed + 0x9E3779B97F4A7C15L * r);
        Tensor y = b.rows;
        for (int j = 1; j <= depth; j++) {
          Products part = new Products(parts.get(random.nextInt(parts.size())), Progress.NONE);
          Tensor product = RightHandSides.apply(part, y);
          others += part.count();
          y = ROUND.apply(new Step(b.rows, product, y, factors)).term;
          requireBounded(y, j);
          products.report(STAGE, ++steps, depth * repeats);
        }
        mean = mean.add(y.mul(share));
      }
      return mean;
    }

    private void requireBounded(Tensor y, int j) {
      double[] norms = RightHandSides.norms(y);
      for (int i = 0; i < norms.length; i++) {
        if (!(norms[i] <= (j + 1.0) * b.sizes[i] * (1 + j * operator.dtype().epsilon()))) {
          throw new NumericalException(
              "the Neumann series diverges: with scale "
                  + sigma
                  + " and damping "
                  + damping
                  + " ‖x‖ after "
                  + j
                  + " stochastic steps is "
                  + norms[i] / b.sizes[i] / sigma
                  + " times ‖b‖, more than steps that do not expand can make; raise the scale to"
                  + " the largest eigenvalue of any batch, add damping, or use batches of a"
                  + " positive semidefinite operator such as Gauss-Newton");
        }
      }
    }
  }

  /** A sum so far or b, a product, the vectors it is of, and λ and 1 over what A is scaled by. */
  private record Step(Tensor sum, Tensor product, Tensor term, Tensor factors) {}

  /** t − (A t + λ t)/σ. */
  private static Tensor shrunk(Step s) {
    Tensor f = s.factors.cast(s.term.dtype());
    return s.term.sub(s.term.mul(f.slice(0, 0, 1))).sub(s.product.mul(f.slice(0, 1, 2)));
  }

  private static Step term(Step s) {
    return new Step(s.sum.add(s.term), s.product, shrunk(s), s.factors);
  }

  private static Step round(Step s) {
    return new Step(s.sum, s.product, s.sum.add(shrunk(s)), s.factors);
  }

  /** b − A x − λ x. */
  private static Tensor residual(Step s) {
    Tensor f = s.factors.cast(s.term.dtype());
    return s.sum.sub(s.product).sub(s.term.mul(f.slice(0, 0, 1)));
  }
}
