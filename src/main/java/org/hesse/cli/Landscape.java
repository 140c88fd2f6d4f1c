package org.hesse.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.hesse.Tensor;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.curvature.landscape.BallSharpness;
import org.hesse.curvature.landscape.Classification;
import org.hesse.curvature.landscape.CriticalPoint;
import org.hesse.curvature.landscape.Directions;
import org.hesse.curvature.landscape.LossSlice;
import org.hesse.linalg.CountingOperator;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.Progress;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.jspecify.annotations.Nullable;

/**
 * Measures what the loss looks like around a model.
 *
 * @param settings what to measure
 */
record Landscape(Subject subject, Loss loss, Settings settings) {
  /**
   * What to measure.
   *
   * @param eigenvectors whether to slice along eigenvectors, not random directions
   * @param dimensions of the slice, 1 or 2
   * @param filterNormalized whether the directions are scaled filter by filter
   * @param points along each direction
   * @param radius of the slice; null to choose it
   * @param ball radius of the ball
   * @param gradientTolerance of the classification; null for the usual one
   * @param zeroTolerance of the classification; null for the usual one
   * @param batch samples taken at once
   * @param seed of all random vectors
   */
  record Settings(
      boolean eigenvectors,
      int dimensions,
      boolean filterNormalized,
      int points,
      @Nullable Double radius,
      double ball,
      @Nullable Double gradientTolerance,
      @Nullable Double zeroTolerance,
      int batch,
      long seed) {}

  LandscapeResult run(ProgressBar bar) {
    long start = System.nanoTime();
    Objective<Mlp> f = Objective.of(subject.model(), loss, subject.data().batches(settings.batch));
    bar.step("loss and gradient", 0, 1);
    Objective.LossGradient at = f.lossAndGradient();
    CountingOperator hessian = Hessian.of(f).counting();
    CriticalPoint point = classify(hessian, at.gradient(), bar);
    BallSharpness ball = BallSharpness.of(f, settings.ball);
    LandscapeResult.Slice slice = slice(f, hessian, bar);
    bar.clear();
    return new LandscapeResult(
        f.size(),
        f.samples(),
        at.loss().item(),
        point.gradientNorm(),
        describe(point),
        sharpness(point.largest(), ball),
        slice,
        Placement.current(),
        CommonOptions.name(f.dtype()),
        hessian.matvecs(),
        (System.nanoTime() - start) * 1e-9,
        settings.seed,
        subject.shape().toString(),
        subject.data().name(),
        loss.label());
  }

  private CriticalPoint classify(CountingOperator hessian, Tensor gradient, ProgressBar bar) {
    Classification c =
        CriticalPoint.classify(hessian, gradient)
            .seed(settings.seed)
            .progress(shown(bar, "kind of point"));
    if (settings.gradientTolerance != null) {
      c.gradientTolerance(settings.gradientTolerance);
    }
    if (settings.zeroTolerance != null) {
      c.zeroTolerance(settings.zeroTolerance);
    }
    return c.run();
  }

  private static Progress shown(ProgressBar bar, String stage) {
    return (own, done, total) -> bar.step(stage, done, total);
  }

  private static LandscapeResult.Point describe(CriticalPoint p) {
    return new LandscapeResult.Point(
        name(p.kind()),
        p.gradientTolerance(),
        name(p.hessian()),
        value(p.smallest()),
        value(p.largest()),
        p.zero(),
        p.negative(),
        p.nullity(),
        p.positive());
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static Eigenvalue value(Eigenpair p) {
    return new Eigenvalue(p.value(), p.residual(), p.converged());
  }

  private static LandscapeResult.Sharpness sharpness(Eigenpair largest, BallSharpness ball) {
    double value = largest.value();
    Double rate = value > 0 ? 2 / value : null;
    return new LandscapeResult.Sharpness(
        value, largest.residual(), rate, ball.radius(), ball.rise());
  }

  private LandscapeResult.Slice slice(Objective<Mlp> f, CountingOperator hessian, ProgressBar bar) {
    Eigenpairs pairs = settings.eigenvectors ? eigenvectors(hessian, bar) : null;
    Tensor directions =
        pairs == null ? Directions.random(f, settings.dimensions, settings.seed) : pairs.vectors();
    if (settings.filterNormalized) {
      directions = Directions.filterNormalized(f, directions, Directions.Vectors.IGNORED);
    }
    LossSlice s =
        LossSlice.along(f, directions)
            .points(settings.points)
            .radius(radius(pairs))
            .progress(shown(bar, "slice"))
            .run();
    boolean plane = settings.dimensions == 2;
    double[] values = s.values().toDoubleArray();
    int across = plane ? settings.points : 1;
    double[][] loss = new double[settings.points][];
    Arrays.setAll(loss, i -> Arrays.copyOfRange(values, i * across, (i + 1) * across));
    List<Eigenvalue> eigenvalues =
        pairs == null ? null : pairs.pairs().stream().map(Landscape::value).toList();
    return new LandscapeResult.Slice(
        pairs == null ? "random" : "eigenvectors",
        settings.filterNormalized,
        eigenvalues,
        s.axes().getFirst().toDoubleArray(),
        plane ? s.axes().getLast().toDoubleArray() : null,
        loss,
        s.notFinite());
  }

  private Eigenpairs eigenvectors(CountingOperator hessian, ProgressBar bar) {
    return Lanczos.of(hessian)
        .largest(settings.dimensions)
        .vectors(true)
        .seed(settings.seed)
        .progress(shown(bar, "eigenvectors"))
        .run();
  }

  /** Along unit eigenvectors, as far as it takes the quadratic model to rise by 1. */
  private double radius(@Nullable Eigenpairs pairs) {
    if (settings.radius != null) {
      return settings.radius;
    }
    double steepest = pairs == null ? 0 : Math.abs(pairs.values()[0]);
    return settings.filterNormalized || !(steepest > 0) ? 1 : Math.sqrt(2 / steepest);
  }
}
