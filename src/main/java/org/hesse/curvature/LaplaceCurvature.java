package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Likelihood;

/** Curvatures of a summed loss for {@link Laplace}, in bases of eigenvectors where these pay. */
final class LaplaceCurvature {
  private LaplaceCurvature() {}

  static <M> BlockCurvature of(Objective<M> sum, Laplace.Structure structure) {
    return switch (structure) {
      case FULL, LAST_LAYER -> full(sum);
      case KRON -> Kfac.of(sum).run().eigen();
      case DIAGONAL -> diagonal(sum);
    };
  }

  private static List<ParameterPart> everything(ParameterLayout layout) {
    return layout.paths().stream()
        .map(path -> ParameterPart.entries(path, layout.shape(path)))
        .toList();
  }

  private static <M> BlockCurvature full(Objective<M> sum) {
    return Hesse.on(
        sum.device(),
        () -> {
          ParameterLayout layout = ParameterLayout.of(sum);
          Tensor g = GaussNewton.of(sum).toDense();
          Tensor symmetric = g.add(g.transpose()).mul(0.5);
          return new Kfac(layout, List.of(new DenseBlock(everything(layout), symmetric))).eigen();
        });
  }

  /** Of Σ JᵀSSᵀJ over the terms, S being the root of the loss's Hessian in a term's outputs. */
  private static <M> BlockCurvature diagonal(Objective<M> sum) {
    Likelihood likelihood = sum.likelihood();
    SampleJacobians<M> jacobians = new SampleJacobians<>(sum);
    ParameterLayout layout = ParameterLayout.of(sum);
    List<Tensor> parts = new ArrayList<>();
    for (Dataset batch : sum.batches()) {
      for (SampleJacobians.Rows rows : jacobians.of(batch.x())) {
        Tensor root = likelihood.root(rows.outputs());
        int k = root.dim(-2);
        Tensor perTerm = rows.jacobian().reshape(-1, k, sum.size());
        Tensor roots = root.reshape(-1, k, root.dim(-1)).transpose();
        parts.add(roots.matmul(perTerm).square().sum(0, 1));
      }
    }
    Tensor diagonal = parts.stream().reduce(Tensor::add).orElseThrow();
    return new Kfac(layout, List.of(new DiagonalBlock(everything(layout), diagonal))).eigen();
  }
}
