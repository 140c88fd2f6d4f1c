package org.hesse;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Compares derivatives with central differences. Each leaf of the argument is moved by itself along
 * some directions v: with φ(t) = f(x + t v), the derivative of order k at 0, by automatic
 * differentiation, is compared with the difference quotient of the one of order k − 1.
 *
 * <p>Before that the slopes to the left and to the right are compared at two step sizes. For a
 * smooth function their gap shrinks with the step; at a kink or jump it does not, and then the
 * derivatives are compared a little further along the line, and the report says so.
 */
final class GradientCheck {
  /** Steps, each ten of the one before, as multiples of the best one for unit scale. */
  private static final double[] STEPS = {0.1, 1, 10};

  /** Where to look instead of a kink, in the same unit: further off than the largest step. */
  private static final double[] PLACES = {16, -16, 48, -48};

  private GradientCheck() {}

  static <A> GradientReport run(Function<A, Tensor> f, A x, GradientOptions options) {
    return Hesse.on(Transform.device(Tree.leavesOf(x)), () -> runHere(f, x, options));
  }

  private static <A> GradientReport runHere(Function<A, Tensor> f, A x, GradientOptions options) {
    // The gradient has x's structure; taking it names what cannot be differentiated.
    Tree<A> tree = Tree.of(Autodiff.grad(f).apply(x));
    List<GradientReport.Finding> findings = new ArrayList<>();
    List<String> moves = new ArrayList<>();
    double tolerance = 0;
    for (int leaf = 0; leaf < tree.size(); leaf++) {
      Tensor start = tree.leaves(x).get(leaf);
      double leafTolerance = start.dtype() == DType.F64 ? 1e-6 : 5e-3;
      tolerance = Math.max(tolerance, leafTolerance);
      Checker checker = new Checker(tree.paths().get(leaf), start.dtype(), leafTolerance, moves);
      for (Tensor v : directions(start, leaf, options)) {
        checker.compare(line(f, tree, x, leaf, v), options.order());
      }
      for (int k = 1; k <= options.order(); k++) {
        int wanted = k;
        checker.tries.stream()
            .filter(t -> t.order() == wanted)
            .max(Comparator.comparingDouble(GradientReport.Finding::error))
            .ifPresent(findings::add);
      }
    }
    return new GradientReport(findings, tolerance, moves);
  }

  /** Random ones of norm 1, or those of the coordinates. */
  private static List<Tensor> directions(Tensor start, int leaf, GradientOptions options) {
    List<Tensor> directions = new ArrayList<>();
    int[] dims = start.shape().dims();
    if (options.directions() > 0) {
      RngKey key = RngKey.of(options.seed());
      for (int d = 0; d < options.directions(); d++) {
        Tensor r = key.fold(options.directions() * leaf + d).normal(start.dtype(), dims);
        directions.add(r.div(r.square().sum().sqrt()));
      }
      return directions;
    }
    int size = Math.toIntExact(start.size());
    Tensor index = Tensor.arange(DType.I32, size);
    for (int i = 0; i < size; i++) {
      Tensor one = index.eq(Tensor.scalar(i, DType.I32)).cast(start.dtype());
      directions.add(one.reshape(dims));
    }
    return directions;
  }

  /** φ(t) = f(x + t v), where v is zero but for one leaf. */
  private static <A> Function<Tensor, Tensor> line(
      Function<A, Tensor> f, Tree<A> tree, A x, int leaf, Tensor v) {
    List<Tensor> leaves = tree.leaves(x);
    Tensor start = leaves.get(leaf);
    return t -> {
      List<Tensor> moved = new ArrayList<>(leaves);
      moved.set(leaf, start.add(v.mul(t)));
      return f.apply(tree.rebuild(moved));
    };
  }

  /** Checks along the lines of one leaf. */
  private static final class Checker {
    final List<GradientReport.Finding> tries = new ArrayList<>();
    private final String path;
    private final DType dtype;
    private final double unit;
    private final double tolerance;
    private final List<String> moves;

    /** Largest value of the function and of its derivatives so far. */
    private double size;

    Checker(String path, DType dtype, double tolerance, List<String> moves) {
      this.path = path;
      this.dtype = dtype;
      this.unit = FiniteDifferences.centralStep(dtype);
      this.tolerance = tolerance;
      this.moves = moves;
    }

    void compare(Function<Tensor, Tensor> line, int order) {
      Function<Tensor, Tensor> lower = line;
      size = 0;
      for (int k = 1; k <= order; k++) {
        Function<Tensor, Tensor> derivative = Autodiff.grad(lower);
        tries.add(compare(lower, derivative, k));
        lower = derivative;
      }
    }

    private GradientReport.Finding compare(
        Function<Tensor, Tensor> lower, Function<Tensor, Tensor> derivative, int order) {
      if (!isRough(lower, 0)) {
        GradientReport.Finding here = compareAt(0, lower, derivative, order);
        // Where the derivative itself has a kink or jump, a difference quotient is off by its step.
        if (here.error() <= tolerance || !isRough(derivative, 0)) {
          return here;
        }
      }
      for (double place : PLACES) {
        double t = place * unit;
        if (!isRough(lower, t) && !isRough(derivative, t)) {
          moved(order, String.format(Locale.ROOT, "moved by %.2g along the direction", t));
          return compareAt(t, lower, derivative, order);
        }
      }
      moved(order, "and others all around, so it was not moved");
      return compareAt(0, lower, derivative, order);
    }

    private void moved(int order, String what) {
      String sentence = "'" + path + "' order " + order + ": a kink or jump at the point, " + what;
      if (!moves.contains(sentence)) {
        moves.add(sentence);
      }
    }

    /**
     * At the step whose quotient is the surest. What the quotient's own errors explain passes:
     * rounding, from the function's noise, and truncation, from how it changes with the step. A
     * quotient q(h) whose error grows at least like h is off by at most |q(10 h) − q(h)| / 9.
     */
    private GradientReport.Finding compareAt(
        double t, Function<Tensor, Tensor> lower, Function<Tensor, Tensor> derivative, int order) {
      double exact = at(derivative, t);
      double noise = noise(lower, t);
      double[] quotients = new double[STEPS.length];
      for (int i = 0; i < STEPS.length; i++) {
        double h = STEPS[i] * unit;
        quotients[i] = (at(lower, t + h) - at(lower, t - h)) / (2 * h);
      }
      double explained = Double.NaN;
      double quotient = quotients[0];
      for (int i = 0; i < STEPS.length - 1; i++) {
        double rounding = 3 * noise / (STEPS[i] * unit);
        double truncation = Math.abs(quotients[i + 1] - quotients[i]) / 9;
        if (!(rounding + truncation >= explained)) {
          explained = rounding + truncation;
          quotient = quotients[i];
        }
      }
      double off = Math.abs(exact - quotient);
      double larger = Math.max(Math.abs(exact), Math.abs(quotient));
      // So that what is explained is within the tolerance, and still is seen.
      double error = off == 0 ? 0 : off / Math.max(larger, 2 * explained / tolerance);
      return new GradientReport.Finding(path, order, exact, quotient, error);
    }

    /**
     * Standard deviation of a value's rounding errors, from fourth differences of values so close
     * together that the function itself is a line between them (Moré and Wild, Estimating
     * computational noise, SIAM J. Sci. Comput. 33, 2011, equation 2.4).
     */
    private double noise(Function<Tensor, Tensor> f, double t) {
      double[] table = new double[9];
      for (int i = 0; i < table.length; i++) {
        table[i] = at(f, t + (i - 4) * unit / 1024);
      }
      // What is left of numbers that cancel in a derivative has the noise of the function itself.
      size = Math.max(size, Math.abs(table[4]));
      for (int k = 1; k <= 4; k++) {
        for (int i = 0; i < table.length - k; i++) {
          table[i] = table[i + 1] - table[i];
        }
      }
      double squares = 0;
      for (int i = 0; i < 5; i++) {
        squares += table[i] * table[i];
      }
      return Math.max(dtype.epsilon() * size, Math.sqrt(squares / 5 / 70));
    }

    /**
     * Whether, when the step is quartered, the slopes on both sides stay apart by what matters, as
     * at a kink, or the slope across grows, as at a jump.
     */
    private boolean isRough(Function<Tensor, Tensor> f, double t) {
      double value = at(f, t);
      double right = (at(f, t + unit) - value) / unit;
      double left = (value - at(f, t - unit)) / unit;
      double h = unit / 4;
      double nextRight = (at(f, t + h) - value) / h;
      double nextLeft = (value - at(f, t - h)) / h;
      double gap = Math.abs(nextRight - nextLeft);
      double across = Math.abs(nextRight + nextLeft) / 2;
      double scale = Math.max(Math.abs(value), Math.max(Math.abs(left), Math.abs(right)));
      double noise = 64 * dtype.epsilon() * Math.abs(value) / unit;
      double matters = Math.max(noise, tolerance * scale);
      boolean kink = gap > 0.5 * Math.abs(right - left) && gap > matters;
      boolean jump = across > Math.abs(right + left) && across > matters;
      return kink || jump;
    }

    private double at(Function<Tensor, Tensor> f, double t) {
      return f.apply(Tensor.scalar(t, dtype)).item();
    }
  }
}
