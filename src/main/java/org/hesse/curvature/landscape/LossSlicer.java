package org.hesse.curvature.landscape;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;
import org.hesse.linalg.NumericalException;
import org.hesse.linalg.Progress;

/**
 * Computes a {@link LossSlice}. Many points share one pass over the data, as a batch of models.
 *
 * @param <M> the model
 */
public final class LossSlicer<M> {
  private static final int LINE = 51;
  private static final int PLANE = 25;

  private final Objective<M> f;
  private final Tensor directions;
  private double[] radius;
  private int points;
  private int together;
  private Progress progress = Progress.NONE;

  LossSlicer(Objective<M> f, Tensor directions) {
    Directions.require(f, directions);
    int d = directions.dim(0);
    if (d > 2) {
      throw new IllegalArgumentException(
          "directions: " + d + " given; a slice is along 1 or 2, each a row");
    }
    this.f = f;
    this.directions = directions;
    this.points = d == 1 ? LINE : PLANE;
    this.radius = new double[] {1};
  }

  /**
   * How far the slice reaches to either side, in lengths of the directions; default 1.
   *
   * @param lengths one for both directions, or one for each; positive
   */
  public LossSlicer<M> radius(double... lengths) {
    boolean positive = Arrays.stream(lengths).allMatch(r -> r > 0 && Double.isFinite(r));
    if (!positive || lengths.length != 1 && lengths.length != directions.dim(0)) {
      throw new IllegalArgumentException(
          "radius: "
              + Arrays.toString(lengths)
              + "; expected a positive number, or one for each of "
              + directions.dim(0)
              + " directions");
    }
    radius = lengths.clone();
    return this;
  }

  /** Points along each direction, odd so that one is the centre; default 51, or 25 in a plane. */
  public LossSlicer<M> points(int count) {
    if (count < 3 || count % 2 == 0) {
      throw new IllegalArgumentException(
          "points: " + count + "; expected an odd number of 3 or more, so that one is the centre");
    }
    points = count;
    return this;
  }

  /**
   * How many points are computed at once; by default up to 64, as long as their models and inputs
   * are about 4 million numbers.
   */
  public LossSlicer<M> together(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("together: " + count + "; expected 1 or more");
    }
    together = count;
    return this;
  }

  /** Is told of each block of points, in thousandths of the whole. */
  public LossSlicer<M> progress(Progress callback) {
    progress = callback;
    return this;
  }

  /**
   * Computes the slice.
   *
   * @throws NumericalException if the loss at the centre is NaN or infinite
   */
  public LossSlice run() {
    return Hesse.on(f.device(), this::computed);
  }

  private LossSlice computed() {
    Losses<M> losses = new Losses<>(f, directions);
    double centre = losses.here();
    if (!Double.isFinite(centre)) {
      throw new NumericalException(
          "the loss at the centre of the slice is "
              + centre
              + "; there is nothing to compare with");
    }
    int d = directions.dim(0);
    double[][] axes = IntStream.range(0, d).mapToObj(this::axis).toArray(double[][]::new);
    double[][] all = d == 1 ? line(axes[0]) : plane(axes[0], axes[1]);
    double[] values = losses.at(all, together, progress, "loss slice");
    // Products of a batch of models may round otherwise than those of one.
    values[values.length / 2] = centre;
    int[] dims = new int[d];
    Arrays.fill(dims, points);
    List<Tensor> coordinates = Arrays.stream(axes).map(a -> Tensor.of(a)).toList();
    return new LossSlice(coordinates, Tensor.of(values, dims), centre);
  }

  private double[] axis(int direction) {
    int half = points / 2;
    double reach = radius[Math.min(direction, radius.length - 1)];
    return IntStream.rangeClosed(-half, half).mapToDouble(i -> reach * i / half).toArray();
  }

  private static double[][] line(double[] x) {
    return Arrays.stream(x).mapToObj(a -> new double[] {a}).toArray(double[][]::new);
  }

  private static double[][] plane(double[] x, double[] y) {
    return Arrays.stream(x)
        .boxed()
        .flatMap(a -> Arrays.stream(y).mapToObj(b -> new double[] {a, b}))
        .toArray(double[][]::new);
  }
}
