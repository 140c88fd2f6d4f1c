package org.hesse.linalg;

import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * Extreme eigenvalues of a symmetric operator by the Lanczos method.
 *
 * <pre>{@code
 * Eigenpairs top = Lanczos.of(hessian).largest(10).tolerance(1e-6).seed(0).run();
 * top.values();                                  // largest magnitude first
 * top.residuals();                               // |value - eigenvalue| is at most this
 * }</pre>
 *
 * <p>The basis is re-orthogonalised in full, with inner products in F64, so there are no ghost
 * copies; when it reaches {@link #basis} vectors it is compressed to the best Ritz vectors (thick
 * restart, Wu and Simon 2000), so memory is bounded.
 *
 * <p><b>Multiple eigenvalues.</b> A Krylov space holds one eigenvector of each eigenvalue, however
 * often the eigenvalue occurs. Once the wanted pairs have converged, a fresh random vector
 * orthogonal to them starts another search for anything that belongs among them, until it finds
 * nothing. It ends when its best Ritz value has converged, or when by the bound of Kuczyński and
 * Woźniakowski (1992) for random starts, P ≤ 1.648 √n exp(−√ε (2j−1)), the probability of having
 * missed one after j products is below 10⁻⁶, ε being the gap below the last wanted value over the
 * width of the spectrum. {@link #checkMultiplicity} turns it off.
 *
 * <p><b>Residuals.</b> For symmetric A and unit y some eigenvalue lies within ‖Ay − θy‖ of θ
 * (Parlett, section 4.5). The recurrence offers that norm as |β·s|, but in floating point β·s goes
 * on falling below the true norm. So a last block of products computes ‖Ay − θy‖ itself in F64, and
 * 4(1 + log₂n)·ε·‖A‖ is added for the rounding of those products, ε being the dtype's; a product
 * summed in blocks or pairs is that accurate.
 *
 * <p>A product that is NaN and an operator that turns out not to be symmetric end the search with a
 * {@link NumericalException}.
 *
 * <p>Source: B. Parlett, The Symmetric Eigenvalue Problem, chapters 4, 6 and 13.
 */
public final class Lanczos {
  /** Which eigenvalues are wanted. */
  enum Target {
    MAGNITUDE,
    LARGEST,
    SMALLEST;

    /** Sorts by this: the larger, the more wanted. */
    double rank(double value) {
      return switch (this) {
        case MAGNITUDE -> Math.abs(value);
        case LARGEST -> value;
        case SMALLEST -> -value;
      };
    }
  }

  private static final long BASIS_BYTES = 1L << 30;

  final LinearOperator operator;
  Target target = Target.MAGNITUDE;
  int wanted = 1;
  double tolerance;
  double symmetryTolerance;
  int basis;
  int maxProducts;
  boolean checkMultiplicity = true;
  boolean keepVectors;
  private long seed;
  Progress progress = Progress.NONE;

  private Lanczos(LinearOperator operator) {
    Products.requireSymmetric(operator, "Lanczos");
    this.operator = operator;
    double epsilon = operator.dtype().epsilon();
    this.tolerance = epsilon < 1e-10 ? 1e-6 : 1e-4;
    this.symmetryTolerance = Math.sqrt(epsilon);
  }

  /**
   * A search on a symmetric operator; says what is wanted before {@link #run}.
   *
   * @throws IllegalArgumentException if the operator is not symmetric
   */
  public static Lanczos of(LinearOperator operator) {
    return new Lanczos(operator);
  }

  /** Wants the k eigenvalues of largest magnitude, largest first. The default, with k = 1. */
  public Lanczos largest(int k) {
    return want(Target.MAGNITUDE, k);
  }

  /** Wants the k algebraically largest eigenvalues, descending. */
  public Lanczos largestAlgebraic(int k) {
    return want(Target.LARGEST, k);
  }

  /** Wants the k algebraically smallest eigenvalues, ascending. */
  public Lanczos smallestAlgebraic(int k) {
    return want(Target.SMALLEST, k);
  }

  private Lanczos want(Target which, int k) {
    if (k < 1 || k > operator.size()) {
      throw new IllegalArgumentException(
          "k: " + k + " eigenvalues of " + operator + "; expected 1 to " + operator.size());
    }
    target = which;
    wanted = k;
    return this;
  }

  /**
   * A pair has converged when its residual is at most this times |value|. Default 1e-6 in F64 and
   * 1e-4 in F32. The error of the value itself is usually of the order of the residual's square.
   */
  public Lanczos tolerance(double relative) {
    if (!(relative > 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number between 0 and 1, such as 1e-6");
    }
    tolerance = relative;
    return this;
  }

  /**
   * The most basis vectors held at once. Default: as many as fit into 1 GiB, at most 4k or 200,
   * whichever is more, and at least 2k + 8. A restart makes room for as many again for a moment.
   */
  public Lanczos basis(int vectors) {
    if (vectors < 3) {
      throw new IllegalArgumentException("basis: " + vectors + " vectors; expected 3 or more");
    }
    basis = vectors;
    return this;
  }

  /** The most products made before giving up. Default: 50k or 500, whichever is more. */
  public Lanczos maxProducts(int products) {
    if (products < 1) {
      throw new IllegalArgumentException("maxProducts: " + products + "; expected 1 or more");
    }
    maxProducts = products;
    return this;
  }

  /** Whether to look for further copies of multiple eigenvalues; default true. */
  public Lanczos checkMultiplicity(boolean check) {
    checkMultiplicity = check;
    return this;
  }

  /**
   * How far ⟨u, Av⟩ and ⟨v, Au⟩ may differ, relative to ‖A‖; default the square root of the dtype's
   * ε. Raise it for operators with inexact products, such as finite differences.
   */
  public Lanczos symmetryTolerance(double relative) {
    if (!(relative > 0)) {
      throw new IllegalArgumentException(
          "symmetryTolerance: " + relative + "; expected a positive number");
    }
    symmetryTolerance = relative;
    return this;
  }

  /** Whether the result keeps the eigenvectors; default false. */
  public Lanczos vectors(boolean keep) {
    keepVectors = keep;
    return this;
  }

  /** Seeds the random start vectors; default 0. */
  public Lanczos seed(long seed) {
    this.seed = seed;
    return this;
  }

  /** Is told of every product, in terms of wanted pairs that have converged. */
  public Lanczos progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Runs the search. Pairs that did not converge within {@link #maxProducts} are returned too, with
   * the residuals they have, and say so.
   *
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   * @throws IllegalArgumentException if {@link #basis} has no room for the pairs wanted
   */
  public Eigenpairs run() {
    return Hesse.on(
        operator.device(), () -> new LanczosSearch(this, basisVectors(), products()).run());
  }

  /** The random start vectors', on the current device. */
  RngKey key() {
    return RngKey.of(seed);
  }

  private int products() {
    return maxProducts > 0 ? maxProducts : Math.max(500, 50 * wanted);
  }

  private int basisVectors() {
    int n = operator.size();
    if (basis > 0) {
      if (basis < Math.min(n, wanted + 2)) {
        throw new IllegalArgumentException(
            "basis: "
                + basis
                + " vectors cannot hold "
                + wanted
                + " eigenvectors and a search; "
                + "expected "
                + (wanted + 2)
                + " or more, better "
                + (2 * wanted + 8));
      }
      return Math.min(n, basis);
    }
    long affordable = BASIS_BYTES / ((long) n * operator.dtype().bytes());
    long most = Math.max(4L * wanted, 200);
    long least = Math.max(2L * wanted + 8, 20);
    return (int) Math.min(n, Math.max(least, Math.min(most, affordable)));
  }

  /**
   * Runs the plain Lanczos process from a random normal vector, without restarts: A = QᵀTQ on a
   * Krylov subspace of {@code steps} dimensions, or of fewer where it turns out invariant.
   *
   * @param steps 1 or more; at most n are taken
   */
  public LanczosDecomposition decompose(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("steps: " + steps + "; expected 1 or more");
    }
    return Hesse.on(operator.device(), () -> decomposed(steps));
  }

  private LanczosDecomposition decomposed(int steps) {
    Products products = new Products(operator, progress);
    Tensor v = key().normal(operator.dtype(), operator.size());
    LanczosProcess process =
        new LanczosProcess(products, Basis.unit(v), new Basis(), 0, symmetryTolerance);
    int most = Math.min(steps, operator.size());
    Recurrence t = process.t();
    while (t.size() < most && !t.invariant()) {
      process.advance(products.apply(process.vector()), products.count());
      products.report("Lanczos", t.size(), most);
    }
    return new LanczosDecomposition(
        process.basis().rows(), t.tridiagonal(), t.coupling(), t.invariant());
  }
}
