package org.hesse.examples;

import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Task;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.Training;

/** Trains a small network and measures the Hessian of its loss. */
public final class SpectrumExample {
  private SpectrumExample() {}

  /** Prints three eigenvalues and the trace, each with its error. */
  public static void main(String[] args) throws Exception {
    Dataset data = Datasets.open("two-moons:400", DType.F64, Task.CLASSIFICATION);
    Mlp start = Mlp.init(RngKey.of(0), MlpShape.parse("mlp:2-16-2:tanh"), DType.F64);
    Training training = Training.of(Loss.CROSS_ENTROPY, Adam.of(0.01)).epochs(20).batch(32);
    Mlp model = training.fit(start, data.split(0.2, 0)).model();

    Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, data.batches(128));
    Hessian<Mlp> hessian = Hessian.of(f);
    for (var pair : Lanczos.of(hessian).largest(3).run().pairs()) {
      System.out.printf("%.6f, off by at most %.0e%n", pair.value(), pair.residual());
    }
    var trace = TraceEstimator.hutchinson(hessian).probes(100).run().trace();
    System.out.printf("trace %.2f ± %.2f%n", trace.value(), trace.standardError());
  }
}
