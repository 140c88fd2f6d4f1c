package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.linalg.Solution.NegativeCurvature;

/**
 * The right-hand sides of a solver, one or a block, as rows over powers of two, so that no square
 * of a norm over- or underflows and nothing is rounded.
 */
final class RightHandSides {
  private static final BiFunction<Tensor, Tensor, Tensor> DOTS = compile(RightHandSides::dots);

  private final boolean single;
  private final double[] units;

  /** The scaled right-hand sides, [k, n]. */
  final Tensor rows;

  /** Their norms. */
  final double[] sizes;

  RightHandSides(LinearMap forVectorsOf, Tensor b) {
    single = b.rank() == 1;
    if (single) {
      Operators.requireVector(forVectorsOf, b);
    } else {
      Operators.requireBlock(forVectorsOf, b);
    }
    Tensor given = single ? b.insertAxis(0) : b;
    units = given.abs().max(1).toDoubleArray();
    for (int i = 0; i < units.length; i++) {
      if (!Double.isFinite(units[i])) {
        throw new IllegalArgumentException(
            "b: right-hand side " + i + " has an element that is NaN or infinite");
      }
      units[i] = units[i] == 0 ? 1 : Math.scalb(1.0, Math.getExponent(units[i]));
    }
    rows = Basis.divide(given, units);
    sizes = norms(rows);
  }

  int count() {
    return sizes.length;
  }

  /** What right-hand side {@code i} was divided by. */
  double unit(int i) {
    return units[i];
  }

  /** Vectors of the shape of b, scaled like it. */
  Tensor scaled(Tensor like) {
    return Basis.divide(single ? like.insertAxis(0) : like, units);
  }

  /** Rows, [k, n], as vectors of the shape and scale of b. */
  Tensor unscaled(Tensor x) {
    return unscaled(x, 1);
  }

  /** The same of vectors that are for an operator over {@code unit}. */
  Tensor unscaled(Tensor x, double unit) {
    Tensor all = Basis.divide(x, Arrays.stream(units).map(u -> unit / u).toArray());
    double largest = all.abs().max().item();
    if (Double.isInfinite(largest) || largest == 0 && x.abs().max().item() > 0) {
      throw new NumericalException(
          "the solution is beyond the range of "
              + x.dtype()
              + "; scale the right-hand side or the operator, or take float64");
    }
    return single ? all.select(0, 0) : all;
  }

  /** The solution in the scale of b from what was computed in that of {@link #rows}. */
  Solution solution(
      Tensor x,
      double[] residuals,
      boolean[] converged,
      double smallest,
      List<NegativeCurvature> negative,
      int iterations,
      int matvecs) {
    double[] norms = new double[count()];
    double[] given = new double[count()];
    Arrays.setAll(norms, i -> residuals[i] * units[i]);
    Arrays.setAll(given, i -> sizes[i] * units[i]);
    return new Solution(
        unscaled(x), norms, given, converged, smallest, negative, iterations, matvecs);
  }

  /** ⟨uᵢ, vᵢ⟩ of each row, [k], summed in F64. */
  static Tensor dots(Tensor u, Tensor v) {
    return u.insertAxis(-2).matmul(v.insertAxis(-1), DType.F64).reshape(u.dim(0));
  }

  /** {@link #dots} as numbers. */
  static double[] products(Tensor u, Tensor v) {
    return DOTS.apply(u, v).toDoubleArray();
  }

  /** ‖vᵢ‖ of each row. */
  static double[] norms(Tensor v) {
    return Arrays.stream(products(v, v)).map(Math::sqrt).toArray();
  }

  /** The products with each row, [k, n]; one goes as a vector. */
  static Tensor apply(Products products, Tensor vs) {
    return vs.dim(0) == 1 ? products.apply(vs.select(0, 0)).insertAxis(0) : products.applyAll(vs);
  }
}
