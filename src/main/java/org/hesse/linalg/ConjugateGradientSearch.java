package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.hesse.Tensor;
import org.hesse.linalg.Solution.NegativeCurvature;
import org.jspecify.annotations.Nullable;

/** The searches of {@link ConjugateGradients} for one block of right-hand sides. */
final class ConjugateGradientSearch {
  private static final String STAGE = "conjugate gradients";

  /** Curvature is negative if it is so by more than this many roundings of the largest one seen. */
  private static final double NOISE = 8;

  /** How far below its limit the recurrence's residual is to be, as the true one is above it. */
  private static final double AIM = 0.8;

  private static final BiFunction<Tensor, Tensor, Tensor> CURVATURES =
      compile((Tensor p, Tensor q) ->
          Tensor.stack(0, RightHandSides.dots(p, q), RightHandSides.dots(p, p)));
  private static final Function<Step, Moved> MOVE = compile(ConjugateGradientSearch::moved);
  private static final Function<Turn, Tensor> TURN = compile(ConjugateGradientSearch::turned);

  private final ConjugateGradients options;
  private final Products products;
  private final RightHandSides b;
  private final double[] limits;
  private final double[] residuals;
  private final List<NegativeCurvature> negative = new ArrayList<>();

  /** Solutions so far, over their units; null is 0. */
  private final @Nullable Tensor[] x;

  private double largestCurvature;
  private int iterations;

  ConjugateGradientSearch(ConjugateGradients options, Tensor b, @Nullable Tensor guess) {
    this.options = options;
    this.products = new Products(options.operator, options.progress);
    this.b = new RightHandSides(options.operator, b);
    int k = this.b.count();
    this.limits = new double[k];
    Arrays.setAll(
        limits,
        i ->
            Math.max(
                options.tolerance * this.b.sizes[i], options.absoluteTolerance / this.b.unit(i)));
    this.residuals = this.b.sizes.clone();
    this.x = new Tensor[k];
    if (guess != null) {
      Tensor scaled = this.b.scaled(guess);
      Arrays.setAll(x, i -> scaled.select(0, i));
    }
  }

  Solution run() {
    int[] open = IntStream.range(0, b.count()).toArray();
    if (x[0] != null) {
      measure(open);
    }
    open = only(open, i -> residuals[i] > limits[i]);
    while (open.length > 0 && iterations < options.maxIterations) {
      double[] before = residuals.clone();
      search(open);
      measure(open);
      open =
          only(
              open,
              i ->
                  residuals[i] > limits[i]
                      && residuals[i] < 0.5 * before[i]
                      && negative.stream().noneMatch(n -> n.vector() == i));
    }
    return solution();
  }

  private static int[] only(int[] numbers, IntPredicate which) {
    return Arrays.stream(numbers).filter(which).toArray();
  }

  private Tensor rows(int[] numbers) {
    return take(b.rows, numbers);
  }

  private static Tensor take(Tensor block, int[] numbers) {
    return numbers.length == block.dim(0)
        ? block
        : block.take(0, Tensor.of(numbers, numbers.length));
  }

  private Tensor iterates(int[] numbers) {
    Tensor[] rows = new Tensor[numbers.length];
    Arrays.setAll(rows, i -> iterate(numbers[i]));
    return Tensor.stack(0, rows);
  }

  private Tensor iterate(int number) {
    Tensor known = x[number];
    return known == null ? Tensor.zeros(b.rows.dtype(), b.rows.dim(1)) : known;
  }

  /** b − A x for x other than 0. */
  private Tensor residual(int[] numbers) {
    return rows(numbers).sub(RightHandSides.apply(products, iterates(numbers)));
  }

  /** Computes the true residuals. */
  private void measure(int[] numbers) {
    int[] moved = only(numbers, i -> x[i] != null);
    if (moved.length > 0) {
      Tensor r = residual(moved);
      double[] norms = RightHandSides.norms(r);
      for (int i = 0; i < moved.length; i++) {
        requireFinite(norms[i], r, i);
        residuals[moved[i]] = norms[i];
      }
    }
  }

  private void requireFinite(double measured, Tensor block, int row) {
    int number = products.count() - block.dim(0) + row + 1;
    products.requireFinite(measured, block.select(0, row), number);
  }

  /** Searches of some right-hand sides, row by row: iterates, residuals, directions, ⟨r, z⟩. */
  private record Searches(int[] numbers, Tensor x, Tensor r, Tensor p, double[] rz) {
    Searches only(int[] rows) {
      if (rows.length == 0) {
        return new Searches(rows, x, r, p, new double[0]);
      }
      int[] numbers = IntStream.of(rows).map(i -> this.numbers[i]).toArray();
      return new Searches(numbers, take(x, rows), take(r, rows), take(p, rows), pick(rz, rows));
    }
  }

  /** Goes on from the iterates until every search has ended, by its recurrence's residual. */
  private void search(int[] numbers) {
    boolean fromZero = Arrays.stream(numbers).allMatch(i -> x[i] == null);
    Tensor r = fromZero ? rows(numbers) : residual(numbers);
    Tensor z = preconditioned(r);
    Searches s = new Searches(numbers, iterates(numbers), r, z, weights(r, z));
    while (s.numbers.length > 0 && iterations < options.maxIterations) {
      Tensor q = RightHandSides.apply(products, s.p);
      double[] curvatures = curvatures(s, q);
      int[] upward = rows(s, i -> curvatures[i] > 0);
      Searches on = leaving(s, upward);
      if (upward.length > 0) {
        s = step(on, take(q, upward), pick(curvatures, upward));
        iterations++;
        products.report(STAGE, iterations, options.maxIterations);
      } else {
        s = on;
      }
    }
    var _ = leaving(s, new int[0]);
  }

  private static int[] rows(Searches s, IntPredicate which) {
    return only(IntStream.range(0, s.numbers.length).toArray(), which);
  }

  private static double[] pick(double[] of, int[] rows) {
    return IntStream.of(rows).mapToDouble(i -> of[i]).toArray();
  }

  /** Keeps the iterates of those searches that are not to stay. */
  private Searches leaving(Searches s, int[] staying) {
    boolean[] stays = new boolean[s.numbers.length];
    for (int i : staying) {
      stays[i] = true;
    }
    for (int i = 0; i < stays.length; i++) {
      if (!stays[i]) {
        x[s.numbers[i]] = s.x.select(0, i);
      }
    }
    return staying.length == stays.length ? s : s.only(staying);
  }

  /** pᵀAp of each search. */
  private double[] curvatures(Searches s, Tensor q) {
    int k = s.numbers.length;
    double[] pq = CURVATURES.apply(s.p, q).toDoubleArray();
    for (int i = 0; i < k; i++) {
      requireFinite(pq[i], q, i);
      double curvature = pq[i] / pq[k + i];
      largestCurvature = Math.max(largestCurvature, Math.abs(curvature));
      double rounding = options.operator.dtype().epsilon() * largestCurvature;
      if (curvature < -NOISE * rounding) {
        Tensor direction = Basis.divide(s.p.select(0, i), Math.sqrt(pq[k + i]));
        negative.add(new NegativeCurvature(s.numbers[i], direction, curvature));
      }
      if (!(curvature > rounding)) {
        pq[i] = 0;
      }
    }
    return Arrays.copyOf(pq, k);
  }

  /** One step, after which those whose residual is small enough leave. */
  private Searches step(Searches s, Tensor q, double[] curvatures) {
    double[] lengths = new double[curvatures.length];
    Arrays.setAll(lengths, i -> s.rz[i] / curvatures[i]);
    Moved moved = MOVE.apply(new Step(s.x, s.r, s.p, q, column(lengths)));
    double[] squares = moved.squares.toDoubleArray();
    for (int i = 0; i < squares.length; i++) {
      requireFinite(squares[i], q, i);
    }
    Searches all = new Searches(s.numbers, moved.x, moved.r, s.p, s.rz);
    Searches next = leaving(all, rows(s, i -> Math.sqrt(squares[i]) > AIM * limits[s.numbers[i]]));
    if (next.numbers.length == 0) {
      return next;
    }
    Tensor z = preconditioned(next.r);
    double[] rz = weights(next.r, z);
    double[] factors = new double[rz.length];
    Arrays.setAll(factors, i -> rz[i] / next.rz[i]);
    Tensor p = TURN.apply(new Turn(z, next.p, column(factors)));
    return new Searches(next.numbers, next.x, next.r, p, rz);
  }

  private Tensor preconditioned(Tensor r) {
    LinearOperator m = options.preconditioner;
    if (m == null) {
      return r;
    }
    return r.dim(0) == 1 ? m.apply(r.select(0, 0)).insertAxis(0) : m.applyAll(r);
  }

  /** ⟨r, M r⟩, which must be positive. */
  private double[] weights(Tensor r, Tensor z) {
    double[] rz = RightHandSides.products(r, z);
    for (double w : rz) {
      if (!(w > 0) || Double.isInfinite(w)) {
        throw new NumericalException(
            "preconditioner: "
                + options.preconditioner
                + " is not positive definite: ⟨r, M r⟩ = "
                + w
                + " for a residual r other than 0; damp it, or leave it out");
      }
    }
    return rz;
  }

  private Solution solution() {
    int[] all = IntStream.range(0, b.count()).toArray();
    boolean[] converged = new boolean[all.length];
    for (int i : all) {
      converged[i] = residuals[i] <= limits[i];
    }
    return b.solution(
        iterates(all),
        residuals,
        converged,
        options.smallestEigenvalue,
        negative,
        iterations,
        products.count());
  }

  private static Tensor column(double[] numbers) {
    return Tensor.of(numbers, numbers.length, 1);
  }

  private record Step(Tensor x, Tensor r, Tensor p, Tensor q, Tensor lengths) {}

  private record Moved(Tensor x, Tensor r, Tensor squares) {}

  private static Moved moved(Step s) {
    Tensor lengths = s.lengths.cast(s.x.dtype());
    Tensor r = s.r.sub(lengths.mul(s.q));
    return new Moved(s.x.add(lengths.mul(s.p)), r, RightHandSides.dots(r, r));
  }

  private record Turn(Tensor z, Tensor p, Tensor factors) {}

  private static Tensor turned(Turn t) {
    return t.z.add(t.factors.cast(t.p.dtype()).mul(t.p));
  }
}
