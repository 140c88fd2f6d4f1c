package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vmap;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.linalg.Progress;

/** An objective's loss at many points of a plane through its parameters. */
final class Losses<M> {
  private static final int NUMBERS_TOGETHER = 1 << 22;
  private static final int MOST_TOGETHER = 64;

  private final Objective<M> f;
  private final Tensor directions;
  private final BiFunction<M, Dataset, Tensor> here;
  private final BiFunction<Arguments<M>, Tensor, Tensor> elsewhere;

  private record Arguments<M>(M model, Dataset batch, Tensor directions) {}

  /** Along directions [d, n]. */
  Losses(Objective<M> f, Tensor directions) {
    this.f = f;
    this.directions = directions;
    this.here = compile(f::loss);
    this.elsewhere =
        compile((Arguments<M> a, Tensor points) -> vmap((Tensor p) -> at(a, p)).apply(points));
  }

  /** The loss of a batch at θ + Σ pᵢ dᵢ, for p [d]. */
  private Tensor at(Arguments<M> a, Tensor p) {
    Tensor moved = f.ravel(f.leaves(a.model)).add(p.matmul(a.directions));
    return f.loss(f.with(a.model, f.unravel(moved)), a.batch);
  }

  /** The loss at the parameters themselves. */
  double here() {
    double sum = 0;
    for (Dataset b : f.batches()) {
      sum += f.weight(b) * here.apply(f.model(), b).item();
    }
    return sum;
  }

  /**
   * The loss at points given by their coordinates.
   *
   * @param together how many to compute at once; 0 for as many as seem to have room
   */
  double[] at(double[][] points, int together, Progress progress, String stage) {
    double[] sums = new double[points.length];
    long done = 0;
    for (Dataset b : f.batches()) {
      int room = (int) (NUMBERS_TOGETHER / Math.max(f.size(), b.x().size()));
      int block =
          Math.min(points.length, together > 0 ? together : Math.clamp(room, 1, MOST_TOGETHER));
      for (int from = 0; from < points.length; from += block) {
        int to = Math.min(points.length, from + block);
        double[] values = block(b, Arrays.copyOfRange(points, from, from + block));
        for (int i = from; i < to; i++) {
          sums[i] += f.weight(b) * values[i - from];
        }
        done += (long) (to - from) * b.size();
        long total = (long) points.length * f.samples();
        if (!progress.step(stage, (int) (1000 * done / total), 1000)) {
          throw new CancellationException(stage + " cancelled");
        }
      }
    }
    return sums;
  }

  /** Losses at a block of points; those behind the end, which keep its shape, are at 0. */
  private double[] block(Dataset batch, double[][] points) {
    int d = directions.dim(0);
    double[] flat = new double[points.length * d];
    for (int i = 0; i < points.length && points[i] != null; i++) {
      System.arraycopy(points[i], 0, flat, i * d, d);
    }
    Tensor at = Hesse.on(f.device(), () -> Tensor.of(flat, points.length, d).cast(f.dtype()));
    Arguments<M> arguments = new Arguments<>(f.model(), batch, directions);
    return elsewhere.apply(arguments, at).cast(DType.F64).toDoubleArray();
  }
}
