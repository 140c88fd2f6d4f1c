package org.hesse.examples;

import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.Damping;
import org.hesse.curvature.Ekfac;
import org.hesse.curvature.Fisher;
import org.hesse.curvature.GaussNewton;
import org.hesse.curvature.Kfac;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Task;
import org.hesse.linalg.Lanczos;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.Training;

/** Gauss–Newton and Fisher matrices of a network, and Kronecker factors of the latter. */
public final class KroneckerExample {
  private KroneckerExample() {}

  /** Prints an eigenvalue, how far Kronecker factors are off, and what a natural step gains. */
  public static void main(String[] args) throws Exception {
    Dataset data = Datasets.open("two-moons:400", DType.F64, Task.CLASSIFICATION);
    Mlp start = Mlp.init(RngKey.of(0), MlpShape.parse("mlp:2-16-2:tanh"), DType.F64);
    Training training = Training.of(Loss.CROSS_ENTROPY, Adam.of(0.01)).epochs(20).batch(32);
    Mlp model = training.fit(start, data.split(0.2, 0)).model();

    Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(128));
    var sharpest = Lanczos.of(GaussNewton.of(f)).largest(1).run().pairs().getFirst();
    System.out.printf("%.6f, off by at most %.0e%n", sharpest.value(), sharpest.residual());

    Tensor fisher = Fisher.exact(f).toDense();
    Kfac kfac = Kfac.of(f).run();
    Ekfac ekfac = Ekfac.of(f).run();
    double norm = fisher.square().sum().sqrt().item();
    double k = kfac.toDense().sub(fisher).square().sum().sqrt().item() / norm;
    double e = ekfac.toDense().sub(fisher).square().sum().sqrt().item() / norm;
    System.out.printf("K-FAC %.3f from the Fisher matrix, EKFAC %.3f%n", k, e);

    Tensor gradient = f.lossAndGradient().gradient();
    Tensor step = ekfac.inverse(Damping.exact(0.1)).apply(gradient);
    Tensor moved = f.ravel(f.leaves()).sub(step);
    Objective<Mlp> after = f.at(f.with(model, f.unravel(moved)));
    System.out.printf(
        "loss %.4f, after a natural step %.4f%n",
        f.lossAndGradient().loss().item(), after.lossAndGradient().loss().item());
  }
}
