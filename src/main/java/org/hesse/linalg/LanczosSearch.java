package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.Recurrence.Ritz;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link Lanczos}: searches from fresh random vectors, each orthogonal to the pairs
 * found so far, until one of them finds nothing that belongs among the wanted.
 */
final class LanczosSearch {
  /** Pairs must converge a little further than asked, as deflation adds a little. */
  private static final double MARGIN = 0.3;

  private static final double MISS_PROBABILITY = 1e-6;
  private static final double SETTLED = 1e-4;
  private static final int CHECKED_TOGETHER = 16;
  private static final String STAGE = "eigenvalues";

  private record Pair(double value, Tensor vector) {}

  private final Lanczos options;
  private final LinearOperator operator;
  private final Products products;
  private final int maxBasis;
  private final int maxProducts;
  private final int n;

  private List<Pair> found = new ArrayList<>();
  private double scale;
  private boolean complete;
  private int convergedSoFar;

  LanczosSearch(Lanczos options, int maxBasis, int maxProducts) {
    this.options = options;
    this.operator = options.operator;
    this.products = new Products(operator, options.progress);
    this.maxBasis = maxBasis;
    this.maxProducts = maxProducts;
    this.n = operator.size();
  }

  Eigenpairs run() {
    boolean more = true;
    for (int search = 0; more; search++) {
      more = search(search);
    }
    return checked();
  }

  /** Searches the orthogonal complement of what is found; answers whether to search again. */
  private boolean search(int number) {
    Basis locked = Basis.of(found.stream().map(Pair::vector).toList());
    LanczosProcess process =
        new LanczosProcess(
            products, start(number, locked), locked, scale, options.symmetryTolerance);
    Recurrence t = process.t();
    int nextCheck = found.isEmpty() ? options.wanted : 1;
    while (true) {
      process.advance(products.apply(process.vector()), products.count());
      scale = t.scale();
      boolean last = t.invariant() || products.count() >= maxProducts;
      boolean full = t.size() == maxBasis;
      if (last || full || t.size() >= nextCheck) {
        Ritz ritz = t.ritz();
        int[] order = order(ritz);
        boolean decided = t.invariant() || decided(ritz, order, t.size());
        if (last || decided) {
          return harvest(process, ritz, order, decided);
        }
        if (full) {
          process.restart(Arrays.copyOf(order, kept()));
        }
        nextCheck = t.size() + 1 + t.size() / 12;
      }
      products.report(STAGE, convergedSoFar, options.wanted);
    }
  }

  private Tensor start(int number, Basis locked) {
    Tensor v = options.key().fold(number).normal(operator.dtype(), n);
    Basis.Projection p = Basis.project(Basis.unit(v), locked);
    return Basis.divide(p.remainder(), p.norm());
  }

  /** Ritz vectors kept at a restart: the wanted ones and half of the room that is left. */
  private int kept() {
    return Math.min(maxBasis - 2, options.wanted + (maxBasis - options.wanted) / 2);
  }

  private int[] order(Ritz ritz) {
    return IntStream.range(0, ritz.values.length)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -options.target.rank(ritz.values[i])))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** The least wanted of the pairs found, once there are as many as wanted. */
  private double threshold() {
    return found.size() < options.wanted
        ? Double.NEGATIVE_INFINITY
        : options.target.rank(found.getLast().value);
  }

  /** Whether a value belongs among the wanted, by more than rounding. */
  private boolean preferred(double value) {
    return options.target.rank(value) > threshold() + rounding();
  }

  private double rounding() {
    return 4 * (1 + Math.log(n) / Math.log(2)) * operator.dtype().epsilon() * scale;
  }

  private boolean converged(double value, double residual, double margin) {
    return residual <= Math.max(margin * options.tolerance * Math.abs(value), rounding());
  }

  /** Whether the pairs to be found here have converged and others are ruled out. */
  private boolean decided(Ritz ritz, int[] order, int steps) {
    boolean enough = found.size() >= options.wanted;
    int needed = options.wanted - found.size();
    int i = 0;
    while (i < order.length && (enough ? preferred(ritz.values[order[i]]) : i < needed)) {
      if (!converged(ritz.values[order[i]], ritz.residuals[order[i]], MARGIN)) {
        return false;
      }
      i++;
      convergedSoFar = Math.max(convergedSoFar, Math.min(found.size() + i, options.wanted));
    }
    if (!enough) {
      return i == needed;
    }
    return i > 0 || othersRuledOut(ritz, steps);
  }

  /** Whether nothing beyond the threshold can hide at the wanted ends of the spectrum. */
  private boolean othersRuledOut(Ritz ritz, int steps) {
    int last = ritz.values.length - 1;
    double low = ritz.values[0];
    double high = ritz.values[last];
    double bound = threshold();
    double above = (bound - high) / (bound - low + ritz.residuals[0]);
    double below = (low + bound) / (high + bound + ritz.residuals[last]);
    boolean top = missProbability(above, steps) < MISS_PROBABILITY || settled(ritz, last);
    boolean bottom = missProbability(below, steps) < MISS_PROBABILITY || settled(ritz, 0);
    return switch (options.target) {
      case LARGEST -> top;
      case SMALLEST -> bottom;
      case MAGNITUDE -> top && bottom;
    };
  }

  /** Whether an extreme Ritz value has converged so far that no eigenvalue is hidden beyond it. */
  private boolean settled(Ritz ritz, int end) {
    double tolerance = MARGIN * Math.min(options.tolerance, SETTLED);
    return ritz.residuals[end] <= Math.max(tolerance * Math.abs(threshold()), rounding());
  }

  /** The chance that an eigenvalue this relative gap beyond the Ritz values hides after j steps. */
  private double missProbability(double gap, int steps) {
    return gap > 0 ? 1.648 * Math.sqrt(n) * Math.exp(-Math.sqrt(gap) * (2 * steps - 1)) : 1;
  }

  /** Takes over what the search found; answers whether another one is called for. */
  private boolean harvest(LanczosProcess process, Ritz ritz, int[] order, boolean decided) {
    boolean enough = found.size() >= options.wanted;
    boolean everything = found.size() + process.t().size() >= n;
    int[] taken =
        Arrays.stream(order)
            .limit(options.wanted)
            .filter(i -> !enough || preferred(ritz.values[i]))
            .filter(i -> !decided || converged(ritz.values[i], ritz.residuals[i], MARGIN))
            .toArray();
    if (taken.length > 0) {
      merge(process, ritz, taken);
    }
    boolean all = found.size() == options.wanted;
    complete = decided && all && (taken.length == 0 || everything || found.size() == n);
    boolean again = !all || (options.checkMultiplicity && !complete);
    return again && products.count() < maxProducts;
  }

  private void merge(LanczosProcess process, Ritz ritz, int[] taken) {
    Tridiagonal.Eigen eigen = process.t().eigen();
    double[][] coefficients = new double[taken.length][];
    for (int i = 0; i < taken.length; i++) {
      coefficients[i] = eigen.vectors[taken[i]];
    }
    Tensor rows = process.basis().combine(coefficients);
    List<Pair> merged = new ArrayList<>(found);
    for (int i = 0; i < taken.length; i++) {
      merged.add(new Pair(ritz.values[taken[i]], rows.select(0, i)));
    }
    merged.sort(Comparator.comparingDouble(p -> -options.target.rank(p.value)));
    found = new ArrayList<>(merged.subList(0, Math.min(options.wanted, merged.size())));
  }

  private record Checked(Eigenpair pair, Tensor vector) {}

  /** Computes the residuals themselves, from one more product with each vector. */
  private Eigenpairs checked() {
    List<Checked> checked = new ArrayList<>();
    for (int from = 0; from < found.size(); from += CHECKED_TOGETHER) {
      int to = Math.min(found.size(), from + CHECKED_TOGETHER);
      checked.addAll(check(found.subList(from, to).stream().map(Pair::vector).toList()));
    }
    checked.sort(Comparator.comparingDouble(c -> -options.target.rank(c.pair.value())));
    products.report(STAGE, options.wanted, options.wanted);
    List<Eigenpair> pairs = checked.stream().map(Checked::pair).toList();
    return new Eigenpairs(pairs, vectors(checked), complete, products.count());
  }

  private List<Checked> check(List<Tensor> vectors) {
    Tensor aq = products.applyAll(Tensor.stack(0, vectors.toArray(Tensor[]::new)));
    List<Checked> checked = new ArrayList<>();
    for (int i = 0; i < vectors.size(); i++) {
      Tensor product = aq.select(0, i);
      Tensor y = vectors.get(i).cast(DType.F64);
      Tensor ay = product.cast(DType.F64);
      double norm = Basis.norm(y);
      double theta = Basis.dot(y, ay) / norm / norm;
      products.requireFinite(theta, product, products.count() - vectors.size() + i + 1);
      double residual = Basis.norm(ay.sub(y.mul(Tensor.of(new double[] {theta}, 1)))) / norm;
      boolean converged = converged(theta, residual, 1);
      checked.add(
          new Checked(new Eigenpair(theta, residual + rounding(), converged), vectors.get(i)));
    }
    return checked;
  }

  private @Nullable Tensor vectors(List<Checked> checked) {
    return options.keepVectors
        ? Tensor.stack(0, checked.stream().map(Checked::vector).toArray(Tensor[]::new))
        : null;
  }
}
