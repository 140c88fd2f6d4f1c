package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.jspecify.annotations.Nullable;

/**
 * The last step of a search: eigenpairs with the residuals themselves, ‖Ay − θy‖ in F64, from one
 * more product with each vector.
 *
 * @param target sorts the pairs
 * @param tolerance a pair has converged when its residual is at most this times |θ|, or rounding
 * @param scale a lower bound on ‖A‖, over the unit of the products
 * @param keepVectors whether the result holds the vectors
 */
record ResidualCheck(
    Products products, Target target, double tolerance, double scale, boolean keepVectors) {
  private static final int TOGETHER = 16;

  private record Checked(Eigenpair pair, Tensor vector) {}

  /** What the rounding of a product with a unit vector amounts to. */
  static double rounding(LinearMap operator, double scale) {
    double sums = 1 + Math.log(operator.rows()) / Math.log(2);
    return 4 * sums * operator.dtype().epsilon() * scale;
  }

  /** Pairs of the given unit vectors, the most wanted first. */
  Eigenpairs of(List<Tensor> vectors, boolean complete) {
    List<Checked> checked = new ArrayList<>();
    for (int from = 0; from < vectors.size(); from += TOGETHER) {
      checked.addAll(check(vectors.subList(from, Math.min(vectors.size(), from + TOGETHER))));
    }
    checked.sort(Comparator.comparingDouble(c -> -target.rank(c.pair.value())));
    List<Eigenpair> pairs = checked.stream().map(Checked::pair).toList();
    return new Eigenpairs(pairs, kept(checked), complete, products.count());
  }

  private List<Checked> check(List<Tensor> vectors) {
    double rounding = rounding(products.operator(), scale);
    Tensor all = products.applyAll(Tensor.stack(0, vectors.toArray(Tensor[]::new)));
    List<Checked> checked = new ArrayList<>();
    for (int i = 0; i < vectors.size(); i++) {
      Tensor product = all.select(0, i);
      Tensor y = vectors.get(i).cast(DType.F64);
      Tensor ay = product.cast(DType.F64);
      double norm = Basis.norm(y);
      double theta = Basis.dot(y, ay) / norm / norm;
      products.requireFinite(theta, product, products.count() - vectors.size() + i + 1);
      double residual = Basis.norm(ay.sub(y.mul(Tensor.of(new double[] {theta}, 1)))) / norm;
      boolean converged = residual <= Math.max(tolerance * Math.abs(theta), rounding);
      double unit = products.unit();
      Eigenpair pair = new Eigenpair(theta * unit, (residual + rounding) * unit, converged);
      checked.add(new Checked(pair, vectors.get(i)));
    }
    return checked;
  }

  private @Nullable Tensor kept(List<Checked> checked) {
    return keepVectors
        ? Tensor.stack(0, checked.stream().map(Checked::vector).toArray(Tensor[]::new))
        : null;
  }
}
