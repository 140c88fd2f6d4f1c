package org.hesse.curvature.landscape;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearOperator;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;

/**
 * Follows the sharpness λmax of the loss along a run of gradient descent, beside the largest one at
 * which a quadratic with that sharpness would not make the iterates diverge: 2/η for learning rate
 * η, 2(1 + β)/η with heavy-ball momentum β, less the weight decay, which adds to every eigenvalue.
 *
 * <pre>{@code
 * Sgd method = Sgd.of(0.02);
 * SharpnessMonitor<Mlp> monitor =
 *     SharpnessMonitor.of(f, method).every(50);      // f an Objective<Mlp>
 * Training.of(Loss.MSE, method).epochs(200).batch(data.size()).fit(model, split, monitor);
 * monitor.readings();            // step, sharpness with its bound, edge, and on which side it is
 * monitor.crossings();           // the readings that are on another side than those before
 * }</pre>
 *
 * <p>Full-batch gradient descent drives the sharpness up to the edge and then hovers there, while
 * the loss goes on falling, though not at each step (Cohen, Kaur, Li, Kolter and Talwalkar 2021,
 * Gradient descent on neural networks typically occurs at the edge of stability). The edge holds
 * for {@link Sgd} on all the data at once; methods with a preconditioner have another one.
 *
 * @param <M> the model
 */
public final class SharpnessMonitor<M> implements Consumer<TrainState<M>> {
  private final Function<M, ? extends LinearOperator> hessian;
  private final Sgd method;
  private final List<Reading> readings = new ArrayList<>();
  private int every = 1;
  private double tolerance = 1e-3;
  private long seed;
  private Consumer<Reading> onReading = r -> {};

  /** Where the sharpness is. */
  public enum Side {
    /** Below the edge: gradient descent on the local quadratic converges. */
    STABLE,
    /** Above the edge: gradient descent on the local quadratic diverges. */
    UNSTABLE,
    /** The edge is within the error bound of the sharpness. */
    AT_EDGE
  }

  /**
   * What was measured at a step.
   *
   * @param step number of steps done
   * @param sharpness the algebraically largest eigenvalue of the Hessian with its bound
   * @param edge the largest stable sharpness
   * @param crossed whether this reading is on the other side than the last one that was on a side
   */
  public record Reading(long step, Eigenpair sharpness, double edge, boolean crossed) {
    /** On which side of the edge the sharpness is, as far as its bound tells. */
    public Side side() {
      double above = sharpness.value() - edge;
      if (Math.abs(above) <= sharpness.residual()) {
        return Side.AT_EDGE;
      }
      return above > 0 ? Side.UNSTABLE : Side.STABLE;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "step %d: sharpness %.6g ± %.2g, edge %.6g, %s%s",
          step,
          sharpness.value(),
          sharpness.residual(),
          edge,
          side(),
          crossed ? ", crossed" : "");
    }
  }

  private SharpnessMonitor(Function<M, ? extends LinearOperator> hessian, Sgd method) {
    this.hessian = hessian;
    this.method = method;
  }

  /**
   * A monitor of the Hessian of an objective that has not measured yet.
   *
   * @param f the loss that is minimised, without weight decay, over all the data; its model is of
   *     no account but for its structure
   * @param method whose momentum and weight decay count; the learning rate is the state's
   */
  public static <M> SharpnessMonitor<M> of(Objective<M> f, Sgd method) {
    return of((M m) -> Hessian.of(f.at(m)), method);
  }

  /**
   * The same of any measure of curvature, such as a Gauss–Newton matrix.
   *
   * @param hessian of the loss that is minimised, without weight decay, at a model
   * @param method whose momentum and weight decay count; the learning rate is the state's
   */
  public static <M> SharpnessMonitor<M> of(
      Function<M, ? extends LinearOperator> hessian, Sgd method) {
    return new SharpnessMonitor<>(hessian, method);
  }

  /**
   * The largest λmax at which gradient descent on a quadratic is stable: 2(1 + β)/η − λ.
   *
   * @param method momentum β and weight decay λ
   * @param learningRate η, positive
   */
  public static double edge(Sgd method, double learningRate) {
    return 2 * (1 + method.momentum()) / learningRate - method.weightDecay();
  }

  /** Measures when the number of steps done is a multiple of this; default 1. */
  public SharpnessMonitor<M> every(int steps) {
    if (steps < 1) {
      throw new IllegalArgumentException("every: " + steps + " steps; expected 1 or more");
    }
    every = steps;
    return this;
  }

  /** As {@link Lanczos#tolerance}; default 1e-3. */
  public SharpnessMonitor<M> tolerance(double relative) {
    if (!(relative > 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number between 0 and 1, such as 1e-3");
    }
    tolerance = relative;
    return this;
  }

  /** Seeds the start vectors; default 0. */
  public SharpnessMonitor<M> seed(long number) {
    seed = number;
    return this;
  }

  /** Is told of each reading. */
  public SharpnessMonitor<M> onReading(Consumer<Reading> callback) {
    onReading = callback;
    return this;
  }

  /**
   * Looks at the state after a step, and measures if its turn has come. Keeps nothing of it.
   *
   * @throws org.hesse.linalg.NumericalException if a product with the Hessian is not finite
   */
  @Override
  public void accept(TrainState<M> state) {
    long step = (long) state.step().item();
    if (step % every == 0) {
      double rate = state.learningRate().item();
      // A single copy of the eigenvalue is all that is asked for.
      Eigenpair sharpness =
          Lanczos.of(hessian.apply(state.model()))
              .largestAlgebraic(1)
              .tolerance(tolerance)
              .checkMultiplicity(false)
              .seed(seed)
              .run()
              .pairs()
              .getFirst();
      Reading reading = new Reading(step, sharpness, edge(method, rate), false);
      if (crosses(reading)) {
        reading = new Reading(step, sharpness, reading.edge, true);
      }
      readings.add(reading);
      onReading.accept(reading);
    }
  }

  private boolean crosses(Reading next) {
    Side before =
        readings.reversed().stream()
            .map(Reading::side)
            .filter(s -> s != Side.AT_EDGE)
            .findFirst()
            .orElse(Side.AT_EDGE);
    return before != Side.AT_EDGE && next.side() != Side.AT_EDGE && next.side() != before;
  }

  /** What was measured so far. */
  public List<Reading> readings() {
    return List.copyOf(readings);
  }

  /** The readings at which the sharpness had crossed the edge. */
  public List<Reading> crossings() {
    return readings.stream().filter(Reading::crossed).toList();
  }
}
