package org.hesse;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * Compares derivatives with central differences. Each leaf of the argument is moved by itself along
 * random directions v: with φ(t) = f(x + t v), the derivative of order k at 0, by automatic
 * differentiation, is compared with the difference quotient of the one of order k − 1.
 */
final class GradientCheck {
  /** Steps tried, as multiples of the best one for a smooth function of unit scale. */
  private static final double[] STEPS = {1, 0.1, 10};

  private static final int DIRECTIONS = 3;

  private GradientCheck() {}

  static <A> GradientReport run(Function<A, Tensor> f, A x, int order, RngKey key) {
    if (order < 1) {
      throw new IllegalArgumentException("order: " + order + "; expected 1 or more");
    }
    // The gradient has x's structure; taking it names what cannot be differentiated.
    Tree<A> tree = Tree.of(Autodiff.grad(f).apply(x));
    List<GradientReport.Finding> findings = new ArrayList<>();
    double tolerance = 0;
    for (int leaf = 0; leaf < tree.size(); leaf++) {
      List<GradientReport.Finding> tries = new ArrayList<>();
      DType dtype = tree.leaves(x).get(leaf).dtype();
      tolerance = Math.max(tolerance, dtype == DType.F64 ? 1e-6 : 5e-3);
      for (int d = 0; d < DIRECTIONS; d++) {
        Function<Tensor, Tensor> line = line(f, tree, x, leaf, key.fold(DIRECTIONS * leaf + d));
        tries.addAll(compare(line, dtype, tree.paths().get(leaf), order));
      }
      for (int k = 1; k <= order; k++) {
        int wanted = k;
        tries.stream()
            .filter(t -> t.order() == wanted)
            .max(Comparator.comparingDouble(GradientReport.Finding::error))
            .ifPresent(findings::add);
      }
    }
    return new GradientReport(findings, tolerance);
  }

  /** φ(t) = f(x + t v), where v is zero but for one leaf and random of norm 1 there. */
  private static <A> Function<Tensor, Tensor> line(
      Function<A, Tensor> f, Tree<A> tree, A x, int leaf, RngKey key) {
    List<Tensor> leaves = tree.leaves(x);
    Tensor start = leaves.get(leaf);
    Tensor r = key.normal(start.dtype(), start.shape().dims());
    Tensor v = r.div(r.square().sum().sqrt());
    return t -> {
      List<Tensor> moved = new ArrayList<>(leaves);
      moved.set(leaf, start.add(v.mul(t)));
      return f.apply(tree.rebuild(moved));
    };
  }

  private static List<GradientReport.Finding> compare(
      Function<Tensor, Tensor> line, DType dtype, String path, int order) {
    List<GradientReport.Finding> findings = new ArrayList<>();
    Function<Tensor, Tensor> lower = line;
    Tensor zero = Tensor.scalar(0, dtype);
    for (int k = 1; k <= order; k++) {
      UnaryOperator<Tensor> derivative = Autodiff.grad(lower);
      double value = lower.apply(zero).item();
      double exact = derivative.apply(zero).item();
      GradientReport.Finding best = null;
      for (double step : STEPS) {
        double h = step * Math.cbrt(dtype.epsilon());
        double quotient = (at(lower, h, dtype) - at(lower, -h, dtype)) / (2 * h);
        double scale = Math.max(Math.abs(value), Math.max(Math.abs(exact), Math.abs(quotient)));
        double error = scale == 0 ? 0 : Math.abs(exact - quotient) / scale;
        if (best == null || error < best.error() || Double.isNaN(best.error())) {
          best = new GradientReport.Finding(path, k, exact, quotient, error);
        }
      }
      findings.add(best);
      lower = derivative;
    }
    return findings;
  }

  private static double at(Function<Tensor, Tensor> f, double t, DType dtype) {
    return f.apply(Tensor.scalar(t, dtype)).item();
  }
}
