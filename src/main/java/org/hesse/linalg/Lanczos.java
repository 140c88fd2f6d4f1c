package org.hesse.linalg;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
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
 * restart, Wu and Simon 2000), so memory is bounded. On a device they stay there: a step is one
 * product and two passes over the basis as matrix products.
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
  private static final long BASIS_BYTES = 1L << 30;

  final LinearOperator operator;
  Target target = Target.MAGNITUDE;
  int wanted = 1;
  double tolerance;
  double symmetryTolerance;
  int block = 1;
  private int basis;
  private int maxProducts;
  private Checkpoint checkpoint = Checkpoint.NONE;
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

  /**
   * Wants both ends of the spectrum: the k smallest and the k largest eigenvalues, ascending, from
   * one search. Where there are fewer than 2k, all.
   */
  public Lanczos bothEnds(int k) {
    want(Target.BOTH_ENDS, k);
    wanted = (int) Math.min(2L * k, operator.size());
    return this;
  }

  private Lanczos want(Target which, int k) {
    requireCount(operator, k);
    target = which;
    wanted = k;
    return this;
  }

  static void requireCount(LinearOperator operator, int k) {
    if (k < 1 || k > operator.size()) {
      throw new IllegalArgumentException(
          "k: " + k + " eigenvalues of " + operator + "; expected 1 to " + operator.size());
    }
  }

  /**
   * A pair has converged when its residual is at most this times |value|. Default 1e-6 in F64 and
   * 1e-4 in F32. The error of the value itself is usually of the order of the residual's square.
   */
  public Lanczos tolerance(double relative) {
    requireTolerance(relative);
    tolerance = relative;
    return this;
  }

  static void requireTolerance(double relative) {
    if (!(relative > 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number between 0 and 1, such as 1e-6");
    }
  }

  /**
   * The most basis vectors held at once. Default, for k eigenvalues wanted: as many as fit into 1
   * GiB, at most 4k or 200, whichever is more, and at least 2k + 8 or, with blocks of b, 2k + 8b.
   * Held beside them are the vectors found so far, up to k, and some four blocks. A restart makes
   * room for as many again for a moment.
   */
  public Lanczos basis(int vectors) {
    if (vectors < 3) {
      throw new IllegalArgumentException("basis: " + vectors + " vectors; expected 3 or more");
    }
    basis = vectors;
    return this;
  }

  /**
   * How many vectors each step multiplies at once, through {@link LinearOperator#applyAll}; default
   * 1. A block takes more products and fewer steps, so it is for operators that multiply several
   * vectors in not much more time than one; and one search finds that many copies of a multiple
   * eigenvalue.
   */
  public Lanczos block(int vectors) {
    if (vectors < 1 || vectors > operator.size()) {
      throw new IllegalArgumentException(
          "block: " + vectors + " vectors for " + operator + "; expected 1 to " + operator.size());
    }
    block = vectors;
    return this;
  }

  /**
   * The most products made before giving up, to within a block. Default: 50 for each eigenvalue
   * wanted or 500, whichever is more.
   */
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
   * Keeps the state of the search in a file, written every so many products, from which a run of
   * the same search goes on: to the same bits as without interruption, on the same kind of device.
   * When the search has ended, the file holds what it found, and to run it again makes only the
   * products of the last check. The file takes the memory of the {@link #basis} held. A run makes
   * one product more, by which the file knows its operator; it is not counted.
   *
   * <p>{@link #maxProducts} may be raised to go on where a run gave up. A file that was written
   * with other settings or for another operator is refused.
   *
   * @param file is replaced as a whole, and never left half written
   */
  public Lanczos checkpoint(Path file, int everyProducts) {
    checkpoint = Checkpoint.of(file, everyProducts);
    return this;
  }

  /**
   * Runs the search. Pairs that did not converge within {@link #maxProducts} are returned too, with
   * the residuals they have, and say so.
   *
   * @throws NumericalException if a product is NaN or infinite, or the operator is not symmetric
   * @throws IllegalArgumentException if {@link #basis} has no room for the pairs wanted, or the
   *     {@link #checkpoint} belongs to another search
   * @throws java.io.UncheckedIOException if the checkpoint cannot be read or written
   */
  public Eigenpairs run() {
    return Hesse.on(
        operator.device(),
        () -> new LanczosSearch(this, opened(), basisVectors(), products()).run());
  }

  private Checkpoint.Run opened() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("algorithm", "Lanczos");
    settings.put("target", target);
    settings.put("wanted", wanted);
    settings.put("tolerance", tolerance);
    settings.put("symmetryTolerance", symmetryTolerance);
    settings.put("basis", basisVectors());
    settings.put("block", block);
    settings.put("checkMultiplicity", checkMultiplicity);
    settings.put("seed", seed);
    return checkpoint.open(operator, settings);
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
      int least = wanted + 2 * block;
      if (basis < Math.min(n, least)) {
        throw new IllegalArgumentException(
            "basis: "
                + basis
                + " vectors cannot hold "
                + wanted
                + " eigenvectors and a search; "
                + "expected "
                + least
                + " or more, better "
                + (2 * wanted + 8 * block));
      }
      return Math.min(n, basis);
    }
    long affordable = BASIS_BYTES / ((long) n * operator.dtype().bytes());
    long most = Math.max(4L * wanted, 200);
    long least = Math.max(2L * wanted + 8L * block, 20);
    return (int) Math.min(n, Math.max(least, Math.min(most, affordable)));
  }

  /**
   * Runs the plain Lanczos process from a random normal vector, without blocks, restarts and
   * checkpoints: A = QᵀTQ on a Krylov subspace of {@code steps} dimensions, or of fewer where it
   * turns out invariant.
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
    Products products = Products.scaled(operator, progress);
    Tensor v = key().normal(operator.dtype(), operator.size());
    LanczosProcess process =
        LanczosProcess.start(
            products,
            Basis.unit(v).insertAxis(0),
            new Basis(),
            new Recurrence(products, 0, symmetryTolerance));
    int most = Math.min(steps, operator.size());
    Recurrence t = process.t();
    while (t.size() < most && !t.invariant()) {
      process.advance();
      products.report("Lanczos", t.size(), most);
    }
    double unit = products.unit();
    return new LanczosDecomposition(
        process.basis().rows(), t.tridiagonal().times(unit), t.coupling() * unit, t.invariant());
  }
}
