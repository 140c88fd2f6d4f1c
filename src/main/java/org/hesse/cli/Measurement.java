package org.hesse.cli;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.hesse.curvature.Objective;
import org.hesse.linalg.CountingOperator;
import org.hesse.linalg.Density;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;
import org.hesse.linalg.TraceEstimate;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.optim.Evaluation;
import org.jspecify.annotations.Nullable;

/**
 * Measures the curvature of a model's mean loss.
 *
 * @param subject model and data
 * @param loss a mean over samples
 * @param settings what and how much to measure
 */
record Measurement(Subject subject, Loss loss, Settings settings) {
  /** Products between two writes of a checkpoint. */
  private static final int CHECKPOINT_EVERY = 50;

  /**
   * How much to measure.
   *
   * @param operator whose spectrum
   * @param top leading eigenvalues
   * @param layerTop leading eigenvalues of each layer; 0 to leave layers out
   * @param density whether to measure it
   * @param traceProbes random vectors of the trace
   * @param accuracy relative standard error of the trace, where that decides
   * @param probes of the density
   * @param steps of the density, for each probe
   * @param checkpoint beginning of the names of files to resume from; null for none
   * @param batch samples taken at once
   * @param seed of all random vectors
   */
  record Settings(
      Curvature operator,
      int top,
      int layerTop,
      boolean density,
      Probes traceProbes,
      double accuracy,
      int probes,
      int steps,
      @Nullable Path checkpoint,
      int batch,
      long seed) {}

  SpectrumResult run(ProgressBar bar) {
    long start = System.nanoTime();
    Objective<Mlp> objective =
        Objective.of(subject.model(), loss, subject.data().batches(settings.batch));
    bar.step("loss and gradient", 0, 1);
    Objective.LossGradient at = objective.lossAndGradient();
    Evaluation evaluation = Evaluation.of(subject.model(), loss, subject.data(), settings.batch);
    CountingOperator operator = settings.operator.of(objective).counting();
    List<Eigenvalue> top =
        eigenvalues(operator, settings.top, settings.checkpoint, "eigenvalues", bar);
    SpectrumResult.Trace trace = trace(operator, settings.checkpoint, "trace", bar);
    SpectrumResult.@Nullable Density density = settings.density ? density(operator, bar) : null;
    List<SpectrumResult.Block> layers = new ArrayList<>();
    long products = settings.layerTop > 0 ? layers(objective, layers, bar) : 0;
    bar.clear();
    return new SpectrumResult(
        objective.size(),
        objective.samples(),
        at.loss().item(),
        Double.isNaN(evaluation.accuracy()) ? null : evaluation.accuracy(),
        norm(at.gradient()),
        settings.operator.option(),
        Placement.current(),
        CommonOptions.name(operator.dtype()),
        operator.size(),
        top,
        trace,
        density,
        settings.layerTop > 0 ? layers : null,
        operator.matvecs() + products,
        (System.nanoTime() - start) * 1e-9,
        settings.seed,
        subject.shape().toString(),
        subject.data().name(),
        loss.label());
  }

  /** Measures the diagonal block of each layer, and answers with how many products. */
  private long layers(Objective<Mlp> f, List<SpectrumResult.Block> layers, ProgressBar bar) {
    long products = 0;
    for (Map.Entry<String, Objective<Mlp>> layer : f.perLayer().entrySet()) {
      // The names of the weights' files.
      String path = layer.getKey().replaceFirst("^layers\\.", "");
      CountingOperator block = settings.operator.of(layer.getValue()).counting();
      int count = Math.min(settings.layerTop, block.size());
      layers.add(
          new SpectrumResult.Block(
              path,
              layer.getValue().size(),
              eigenvalues(block, count, null, "layer " + path, bar),
              trace(block, null, "layer " + path, bar)));
      products += block.matvecs();
    }
    return products;
  }

  private static double norm(Tensor gradient) {
    return gradient.cast(DType.F64).square().sum().sqrt().item();
  }

  private List<Eigenvalue> eigenvalues(
      LinearOperator operator,
      int count,
      @Nullable Path checkpoint,
      String stage,
      ProgressBar bar) {
    Lanczos search =
        Lanczos.of(operator)
            .largest(count)
            .seed(settings.seed)
            .progress((own, done, total) -> bar.step(stage, done, total));
    if (checkpoint != null) {
      search.checkpoint(part(checkpoint, "eigenvalues"), CHECKPOINT_EVERY);
    }
    return resumed(search::run).pairs().stream()
        .map(p -> new Eigenvalue(p.value(), p.residual(), p.converged()))
        .sorted(Comparator.comparingDouble(e -> -Math.abs(e.value())))
        .toList();
  }

  /** The file of one of the computations that can be resumed. */
  static Path part(Path checkpoint, String computation) {
    return checkpoint.resolveSibling(checkpoint.getFileName() + "." + computation);
  }

  /** Runs what a checkpoint may refuse to go on with. */
  private <R> R resumed(Supplier<R> run) {
    try {
      return run.get();
    } catch (IllegalArgumentException | UncheckedIOException e) {
      String message = String.valueOf(e.getMessage());
      if (settings.checkpoint != null && message.startsWith("checkpoint: ")) {
        throw Failure.badInput("--" + message);
      }
      throw e;
    }
  }

  private SpectrumResult.Trace trace(
      LinearOperator operator, @Nullable Path checkpoint, String stage, ProgressBar bar) {
    Probes probes = settings.traceProbes;
    // A number of vectors means as many samples; an accuracy, whatever method gets there first.
    TraceEstimator estimator =
        probes.auto()
            ? TraceEstimator.of(operator).relativeError(settings.accuracy)
            : TraceEstimator.hutchinson(operator);
    estimator
        .probes(probes.count())
        .seed(settings.seed)
        .progress((own, done, total) -> bar.step(stage, done, total));
    if (checkpoint != null) {
      estimator.checkpoint(part(checkpoint, "trace"), CHECKPOINT_EVERY);
    }
    TraceEstimate trace = resumed(estimator::run);
    return new SpectrumResult.Trace(
        trace.trace().value(),
        trace.trace().standardError(),
        trace.matvecs(),
        trace.method().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        probes.auto() ? settings.accuracy : null,
        trace.reached());
  }

  private SpectrumResult.Density density(CountingOperator operator, ProgressBar bar) {
    StochasticLanczosQuadrature quadrature =
        StochasticLanczosQuadrature.of(operator)
            .probes(settings.probes)
            .steps(settings.steps)
            .seed(settings.seed)
            .progress((stage, done, total) -> bar.step("density", done, total));
    if (settings.checkpoint != null) {
      quadrature.checkpoint(part(settings.checkpoint, "density"), CHECKPOINT_EVERY);
    }
    Quadrature q = resumed(quadrature::run);
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
