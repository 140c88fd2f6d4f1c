package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.RngKey;
import org.hesse.Tensor;
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
  private static final String STAGE = "eigenvalues";

  private record Pair(double value, Tensor vector) {}

  private final Lanczos options;
  private final LinearOperator operator;
  private final Products products;
  private final Checkpoint.Run checkpoint;
  private final int maxBasis;
  private final int maxProducts;
  private final int n;

  private List<Pair> found = new ArrayList<>();
  private int searches;
  private @Nullable LanczosProcess running;
  private int nextCheck;
  private double scale;
  private boolean complete;
  private boolean finished;
  private int convergedSoFar;

  LanczosSearch(Lanczos options, Checkpoint.Run checkpoint, int maxBasis, int maxProducts) {
    this.options = options;
    this.operator = options.operator;
    this.products = Products.scaled(operator, options.progress);
    this.checkpoint = checkpoint;
    this.maxBasis = maxBasis;
    this.maxProducts = maxProducts;
    this.n = operator.size();
  }

  Eigenpairs run() {
    State saved = checkpoint.state();
    if (saved != null) {
      load(saved);
    }
    while (!finished) {
      LanczosProcess process = running == null ? begin() : running;
      running = process;
      finished = !search(process);
      running = null;
      searches++;
    }
    if (products.count() < maxProducts) { // else more of them may be allowed next time
      checkpoint.write(this::save);
    }
    ResidualCheck check =
        new ResidualCheck(products, options.target, options.tolerance, scale, options.keepVectors);
    Eigenpairs pairs = check.of(found.stream().map(Pair::vector).toList(), complete);
    products.report(STAGE, options.wanted, options.wanted);
    return pairs;
  }

  private Basis locked() {
    return Basis.of(found.stream().map(Pair::vector).toList());
  }

  private Recurrence recurrence() {
    return new Recurrence(products, scale, options.symmetryTolerance);
  }

  private LanczosProcess begin() {
    nextCheck = found.isEmpty() ? options.wanted : 1;
    Tensor[] starts = new Tensor[Math.min(options.block, n - found.size())];
    for (int i = 0; i < starts.length; i++) {
      RngKey key = options.key().fold(searches);
      starts[i] = Basis.unit((i == 0 ? key : key.fold(i)).normal(operator.dtype(), n));
    }
    return LanczosProcess.start(products, Tensor.stack(0, starts), locked(), recurrence());
  }

  /** Searches the orthogonal complement of what is found; answers whether to search again. */
  private boolean search(LanczosProcess process) {
    Recurrence t = process.t();
    while (true) {
      process.advance();
      scale = t.scale();
      boolean last = t.invariant() || products.count() >= maxProducts;
      boolean full = t.size() + process.block() > maxBasis;
      if (last || full || t.size() >= nextCheck) {
        Ritz ritz = t.ritz();
        int[] sought = sought(ritz.values);
        boolean decided = t.invariant() || decided(ritz, sought, t.size());
        if (last || decided) {
          return harvest(process, ritz, decided);
        }
        if (full) {
          process.restart(Arrays.copyOf(options.target.order(ritz.values), kept()));
        }
        nextCheck = t.size() + Math.max(options.block, 1 + t.size() / 12);
      }
      checkpoint.reached(products.count(), this::save);
      products.report(STAGE, convergedSoFar, options.wanted);
    }
  }

  /** Ritz vectors kept at a restart: the wanted ones and half of the room that is left. */
  private int kept() {
    int most = Math.max(1, maxBasis - 2 * options.block);
    return Math.min(most, options.wanted + (maxBasis - options.wanted) / 2);
  }

  private boolean enough() {
    return found.size() >= options.wanted;
  }

  private Target.Ends beyond() {
    double[] values = found.stream().mapToDouble(Pair::value).toArray();
    return options.target.beyond(values, options.wanted);
  }

  private double rounding() {
    return ResidualCheck.rounding(operator, scale);
  }

  private boolean converged(double value, double residual) {
    return residual <= Math.max(MARGIN * options.tolerance * Math.abs(value), rounding());
  }

  /**
   * Indices of the Ritz values that this search is for: as many as are missing, or where enough are
   * found those that belong among them by more than rounding.
   */
  private int[] sought(double[] values) {
    Target.Ends beyond = beyond();
    IntStream order = Arrays.stream(options.target.order(values));
    return enough()
        ? order.filter(i -> beyond.admit(values[i], rounding())).toArray()
        : order.limit(options.wanted - found.size()).toArray();
  }

  /** Whether the pairs to be found here have converged and others are ruled out. */
  private boolean decided(Ritz ritz, int[] sought, int steps) {
    int done = 0;
    for (int i : sought) {
      if (!converged(ritz.values[i], ritz.residuals[i])) {
        return false;
      }
      done++;
      convergedSoFar = Math.max(convergedSoFar, Math.min(found.size() + done, options.wanted));
    }
    return enough()
        ? done > 0 || othersRuledOut(ritz, steps)
        : done == options.wanted - found.size();
  }

  /** Whether nothing that belongs among the wanted can hide at the ends of the spectrum. */
  private boolean othersRuledOut(Ritz ritz, int steps) {
    int last = ritz.values.length - 1;
    double low = ritz.values[0];
    double high = ritz.values[last];
    Target.Ends ends = beyond();
    double above = (ends.high() - high) / (ends.high() - low + ritz.residuals[0]);
    double below = (low - ends.low()) / (high - ends.low() + ritz.residuals[last]);
    return (Double.isInfinite(ends.high())
            || ruledOut(above, steps, ritz.residuals[last], ends.high()))
        && (Double.isInfinite(ends.low()) || ruledOut(below, steps, ritz.residuals[0], ends.low()));
  }

  /**
   * Whether no eigenvalue hides beyond an end: it would have shown by now, or the extreme Ritz
   * value there has settled.
   *
   * @param gap between the end and the extreme Ritz value, over the width of the spectrum
   */
  private boolean ruledOut(double gap, int steps, double residual, double end) {
    double tolerance = MARGIN * Math.min(options.tolerance, SETTLED);
    return missProbability(gap, steps) < MISS_PROBABILITY
        || residual <= Math.max(tolerance * Math.abs(end), rounding());
  }

  /** The chance that each of the start vectors has missed an eigenvalue this gap away. */
  private double missProbability(double gap, int products) {
    int steps = products / options.block;
    double one = 1.648 * Math.sqrt(n) * Math.exp(-Math.sqrt(Math.max(0, gap)) * (2 * steps - 1));
    return gap > 0 ? Math.pow(Math.min(1, one), options.block) : 1;
  }

  /** Takes over what the search found; answers whether another one is called for. */
  private boolean harvest(LanczosProcess process, Ritz ritz, boolean decided) {
    boolean enough = enough();
    Target.Ends beyond = beyond();
    boolean everything = found.size() + process.t().size() >= n;
    int[] taken =
        Arrays.stream(options.target.order(ritz.values))
            .limit(options.wanted)
            .filter(i -> !enough || beyond.admit(ritz.values[i], rounding()))
            .filter(i -> !decided || converged(ritz.values[i], ritz.residuals[i]))
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
    List<Pair> all = new ArrayList<>(found);
    for (int i = 0; i < taken.length; i++) {
      all.add(new Pair(ritz.values[taken[i]], rows.select(0, i)));
    }
    found =
        Arrays.stream(options.target.order(all.stream().mapToDouble(Pair::value).toArray()))
            .limit(options.wanted)
            .mapToObj(all::get)
            .sorted(Comparator.comparingDouble(p -> -options.target.rank(p.value)))
            .toList();
  }

  private void save(State state) {
    state.put("products", products.count());
    products.save(state);
    state.put("searches", searches);
    state.put("finished", finished);
    state.put("complete", complete);
    state.put("converged", convergedSoFar);
    state.put("scale", scale);
    state.put("values", found.stream().mapToDouble(Pair::value).toArray());
    for (int i = 0; i < found.size(); i++) {
      state.put("vector." + i, found.get(i).vector);
    }
    if (running != null) {
      state.put("check", nextCheck);
      running.save(state.in("process"));
    }
  }

  private void load(State state) {
    products.resume(state.integer("products"));
    products.load(state);
    searches = state.integer("searches");
    finished = state.flag("finished");
    complete = state.flag("complete");
    convergedSoFar = state.integer("converged");
    scale = state.doubles("scale")[0];
    double[] values = state.doubles("values");
    for (int i = 0; i < values.length; i++) {
      found.add(new Pair(values[i], state.tensor("vector." + i)));
    }
    if (state.has("check")) {
      nextCheck = state.integer("check");
      running = LanczosProcess.resume(products, state.in("process"), locked(), recurrence());
    }
  }
}
