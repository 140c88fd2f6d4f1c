package org.hesse.linalg;

import org.hesse.Tensor;

/** Chooses how to estimate a trace, as {@link TraceEstimator} describes, and does it. */
final class TraceChoice {
  private static final long BYTES = 1L << 30;
  private static final int MOST_TO_LOOK_AT = 16;

  private final Probing probing;
  private final Sketch sketch;

  TraceChoice(Probing probing, Sketch sketch) {
    this.probing = probing;
    this.sketch = sketch;
  }

  TraceEstimate run() {
    if (probing.relativeError() == 0 && probing.most() >= probing.size()) {
      return exact();
    }
    int n = probing.size();
    long room = BYTES / ((long) n * probing.operator().dtype().bytes());
    int look = Math.min(Math.min(MOST_TO_LOOK_AT, probing.most() / 5), n);
    if (room >= 2 * MOST_TO_LOOK_AT && look > 2) {
      sketch.extend(look);
      int pairs = pairs();
      if (sketchWins(pairs)) {
        return 2L * pairs <= room
            ? new XTrace(probing, sketch).run()
            : new HutchPlusPlus(probing, sketch).run((int) room / 2);
      }
    }
    return sketch.samples().run(TraceEstimator.Method.HUTCHINSON, probing.most());
  }

  private TraceEstimate exact() {
    double trace = 0;
    double squares = 0;
    int n = probing.size();
    for (int from = 0; from < n; from += probing.together()) {
      int start = from;
      int to = Math.min(n, from + probing.together());
      for (double[] numbers : probing.measured(() -> units(start, to), to - from)) {
        trace += numbers[0];
        squares += numbers[1];
      }
      probing.report();
    }
    return probing.exact(trace, squares, TraceEstimator.Method.EXACT);
  }

  private Tensor[] units(int from, int to) {
    return Sketch.split(Operators.unitVectors(probing.operator(), from, to));
  }

  /** The vectors that XTrace would have: half of the products that Hutchinson's would need. */
  private int pairs() {
    double needed = probing.most();
    if (probing.relativeError() > 0) {
      double mean = sketch.samples().trace().value();
      needed = Math.min(needed, variance() / Math.pow(probing.relativeError() * mean, 2));
    }
    return (int) Math.clamp(needed / 2, 2, probing.size());
  }

  /** Of one of Hutchinson's samples; at most 2‖A‖_F² for symmetric A, which few samples exceed. */
  private double variance() {
    int m = sketch.rank();
    double error = sketch.samples().trace().standardError();
    return Math.min(m * error * error, 2 * sketch.samples().squares().value());
  }

  /** Whether what the range of so many vectors leaves has less than half the variance. */
  private boolean sketchWins(int pairs) {
    int m = sketch.rank();
    double all = sketch.samples().squares().value();
    double missed = sketch.missed();
    if (all == 0 || pairs >= probing.size()) {
      return all > 0;
    }
    double left = all * Math.pow(missed / all, Math.log(1 + pairs) / Math.log(m));
    return 2 * 2 * left < variance();
  }
}
