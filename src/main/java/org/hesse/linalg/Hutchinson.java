package org.hesse.linalg;

import java.util.Arrays;
import org.hesse.Tensor;

/**
 * The mean of vᵀAv over random v. Or, where the part of A on a subspace is known, that part and the
 * mean over random vectors of its complement.
 */
final class Hutchinson {
  private static final int BETWEEN_STOPS = 4;

  private final Probing probing;
  private final Basis basis;
  private final double knownTrace;
  private final double knownSquares;
  private final int first;
  private double[] traces = new double[16];
  private double[] squares = new double[16];
  private int count;

  Hutchinson(Probing probing) {
    this(probing, new Basis(), 0, 0, 0);
  }

  /**
   * Of an operator that is known on a subspace.
   *
   * @param basis Q of the subspace
   * @param knownTrace tr QAQᵀ
   * @param knownSquares ‖AQᵀ‖_F²
   * @param first number of the first random vector
   */
  Hutchinson(Probing probing, Basis basis, double knownTrace, double knownSquares, int first) {
    this.probing = probing;
    this.basis = basis;
    this.knownTrace = knownTrace;
    this.knownSquares = knownSquares;
    this.first = first;
  }

  /** Takes vᵀAv and ‖Av‖² of a vector of the complement. */
  void take(double trace, double square) {
    if (count == traces.length) {
      traces = Arrays.copyOf(traces, 2 * count);
      squares = Arrays.copyOf(squares, 2 * count);
    }
    traces[count] = trace;
    squares[count] = square;
    count++;
  }

  /** Goes on to so many vectors, or until the error asked for is reached. */
  TraceEstimate run(TraceEstimator.Method method, int samples) {
    int stop = Math.max(count, Probing.LEAST_FOR_STOPPING);
    boolean reached = probing.relativeError() == 0;
    while (count < samples) {
      if (count == stop) {
        if (probing.reached(trace())) {
          reached = true;
          break;
        }
        stop += Math.max(BETWEEN_STOPS, count / 8);
      }
      int to = Math.min(samples, count + probing.together());
      measure(count, probing.relativeError() > 0 ? Math.min(stop, to) : to);
      probing.report();
    }
    return probing.estimate(trace(), squares(), method, reached || probing.reached(trace()));
  }

  private void measure(int from, int to) {
    for (double[] numbers : probing.measured(() -> vectors(from, to), to - from)) {
      take(numbers[0], numbers[1]);
    }
  }

  private Tensor[] vectors(int from, int to) {
    Tensor[] vs = probing.draw(first + from, first + to);
    if (basis.size() > 0) {
      Arrays.setAll(vs, i -> Basis.project(vs[i], basis).remainder());
    }
    return vs;
  }

  /** tr A from the samples so far. */
  Estimate trace() {
    return Estimate.ofSamples(Arrays.copyOf(traces, count)).plus(knownTrace);
  }

  /** ‖A‖_F² from the samples so far. */
  Estimate squares() {
    return Estimate.ofSamples(Arrays.copyOf(squares, count)).plus(knownSquares);
  }
}
