package org.hesse.linalg;

/**
 * Hutch++ (Meyer, Musco, Musco and Woodruff 2021): the trace on the range of the products of some
 * random vectors, exactly, and Hutchinson's estimate of the rest.
 *
 * <p>A third of the products sketches the range, a third measures it, a third samples the rest.
 * Where an error is asked for, the sketch grows for as long as a further vector, at two products,
 * saves more than two samples of the rest (Persson, Cortinovis and Kressner 2022).
 */
final class HutchPlusPlus {
  private final Probing probing;
  private final Sketch sketch;

  HutchPlusPlus(Probing probing, Sketch sketch) {
    this.probing = probing;
    this.sketch = sketch;
  }

  /**
   * Makes the products.
   *
   * @param room the most vectors to keep
   */
  TraceEstimate run(int room) {
    int most = Math.min(Math.min(probing.most() / 3, room), probing.size());
    if (probing.relativeError() > 0) {
      grow(most);
    } else {
      sketch.extend(most);
    }
    int rank = sketch.rank();
    double trace = 0;
    double squares = 0;
    for (int from = 0; from < rank; from += probing.together()) {
      int start = from;
      int to = Math.min(rank, from + probing.together());
      for (double[] numbers :
          probing.measured(() -> Sketch.split(sketch.q().rows(start, to)), to - from)) {
        trace += numbers[0];
        squares += numbers[1];
      }
      probing.report();
    }
    if (rank == probing.size()) {
      return probing.exact(trace, squares, TraceEstimator.Method.HUTCH_PLUS_PLUS);
    }
    int samples = Math.max(2, probing.most() - 2 * rank);
    return new Hutchinson(probing, sketch.q(), trace, squares, rank)
        .run(TraceEstimator.Method.HUTCH_PLUS_PLUS, samples);
  }

  private void grow(int most) {
    int step = Math.min(4, most);
    double before = Double.NaN;
    while (sketch.rank() < most) {
      sketch.extend(Math.min(most, sketch.rank() + step));
      Estimate trace = sketch.samples().trace();
      double missed = sketch.missed();
      double perSample = Math.pow(probing.relativeError() * trace.value(), 2);
      boolean few = 2 * missed <= Probing.LEAST_FOR_STOPPING * perSample;
      boolean slow = 2 * (before - missed) < 2 * step * perSample;
      if (few || slow) {
        return;
      }
      before = missed;
    }
  }
}
