package org.hesse.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.linalg.CountingOperator;
import org.hesse.linalg.Density;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;
import org.hesse.linalg.TraceEstimate;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Evaluation;
import org.jspecify.annotations.Nullable;

/**
 * Measures the Hessian of a model's mean loss.
 *
 * @param model with its weights
 * @param shape of the model
 * @param loss a mean over samples
 * @param data all of it
 * @param settings how much to measure
 */
record Measurement(Mlp model, MlpShape shape, Loss loss, Dataset data, Settings settings) {
  /**
   * How much to measure.
   *
   * @param top leading eigenvalues
   * @param density whether to measure it
   * @param traceProbes random vectors of the trace
   * @param probes of the density
   * @param steps of the density, for each probe
   * @param batch samples taken at once
   * @param seed of all random vectors
   */
  record Settings(
      int top, boolean density, int traceProbes, int probes, int steps, int batch, long seed) {}

  SpectrumResult run(ProgressBar bar) {
    long start = System.nanoTime();
    Objective<Mlp> objective = Objective.of(model, loss, data.batches(settings.batch));
    Hessian<Mlp> hessian = Hessian.of(objective);
    bar.step("loss and gradient", 0, 1);
    Objective.LossGradient at = objective.lossAndGradient();
    Evaluation evaluation = Evaluation.of(model, loss, data, settings.batch);
    CountingOperator operator = hessian.counting();
    List<SpectrumResult.Eigenvalue> top = eigenvalues(operator, bar);
    TraceEstimate trace =
        TraceEstimator.hutchinson(operator)
            .probes(settings.traceProbes)
            .seed(settings.seed)
            .progress((stage, done, total) -> bar.step("trace", done, total))
            .run();
    SpectrumResult.@Nullable Density density = settings.density ? density(operator, bar) : null;
    bar.clear();
    return new SpectrumResult(
        hessian.size(),
        objective.samples(),
        at.loss().item(),
        Double.isNaN(evaluation.accuracy()) ? null : evaluation.accuracy(),
        norm(at.gradient()),
        "hessian",
        Placement.current(),
        CommonOptions.name(hessian.dtype()),
        top,
        new SpectrumResult.Trace(
            trace.trace().value(), trace.trace().standardError(), trace.matvecs()),
        density,
        operator.matvecs(),
        (System.nanoTime() - start) * 1e-9,
        settings.seed,
        shape.toString(),
        data.name(),
        loss.label());
  }

  private static double norm(Tensor gradient) {
    return gradient.cast(DType.F64).square().sum().sqrt().item();
  }

  private List<SpectrumResult.Eigenvalue> eigenvalues(CountingOperator operator, ProgressBar bar) {
    Eigenpairs pairs =
        Lanczos.of(operator)
            .largest(settings.top)
            .seed(settings.seed)
            .progress((stage, done, total) -> bar.step("eigenvalues", done, total))
            .run();
    return pairs.pairs().stream()
        .map(p -> new SpectrumResult.Eigenvalue(p.value(), p.residual(), p.converged()))
        .sorted(Comparator.comparingDouble(e -> -Math.abs(e.value())))
        .toList();
  }

  private SpectrumResult.Density density(CountingOperator operator, ProgressBar bar) {
    Quadrature q =
        StochasticLanczosQuadrature.of(operator)
            .probes(settings.probes)
            .steps(settings.steps)
            .seed(settings.seed)
            .progress((stage, done, total) -> bar.step("density", done, total))
            .run();
    Density d = q.density();
    record Node(double value, double weight) {}
    List<Node> nodes = new ArrayList<>();
    int steps = 0;
    for (int p = 0; p < q.probes(); p++) {
      double[] values = q.nodes(p);
      double[] weights = q.weights(p);
      steps = Math.max(steps, values.length);
      for (int i = 0; i < values.length; i++) {
        nodes.add(new Node(values[i], weights[i] / q.probes()));
      }
    }
    nodes.sort(Comparator.comparingDouble(Node::value));
    return new SpectrumResult.Density(
        d.grid(),
        d.value(),
        d.low(),
        d.high(),
        nodes.stream().mapToDouble(Node::value).toArray(),
        nodes.stream().mapToDouble(Node::weight).toArray(),
        q.probes(),
        steps,
        d.width());
  }
}
