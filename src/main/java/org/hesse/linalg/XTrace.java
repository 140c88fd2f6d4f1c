package org.hesse.linalg;

import java.util.Arrays;
import org.hesse.Tensor;

/**
 * The exchangeable trace estimator (Epperly, Tropp and Webber 2024): each random vector in turn
 * samples what the range of the products of all others leaves of the trace.
 *
 * <p>All that is large is two bases, Q from AΩ = QR and Z = AQ, and inner products with them. What
 * becomes of these is in {@link LeaveOneOut}.
 */
final class XTrace {
  private final Probing probing;
  private final Sketch sketch;

  XTrace(Probing probing, Sketch sketch) {
    this.probing = probing;
    this.sketch = sketch;
  }

  /** Two products for each vector: all that may be made, or as many as the error needs. */
  TraceEstimate run() {
    int most = Math.max(sketch.rank(), Math.min(probing.most() / 2, probing.size()));
    int m = probing.relativeError() > 0 ? Probing.LEAST_FOR_STOPPING : most;
    while (true) {
      sketch.extend(Math.min(m, most));
      sketch.multiply();
      TraceEstimate e = estimate();
      if (e.reached() || sketch.rank() == most) {
        return e;
      }
      m = sketch.rank() + Math.max(4, sketch.rank() / 2);
    }
  }

  private TraceEstimate estimate() {
    int m = sketch.rank();
    double[][] h = gram(sketch.q());
    double[][] g = gram(sketch.z());
    if (m == probing.size()) {
      return probing.exact(trace(h), trace(g), TraceEstimator.Method.XTRACE);
    }
    LeaveOneOut samples = new LeaveOneOut(sketch, probing, h, g);
    for (int from = 0; from < m; from += probing.together()) {
      Tensor[] omega = probing.draw(from, Math.min(m, from + probing.together()));
      Tensor block = Tensor.stack(0, omega);
      double[][] w = sketch.q().components(block);
      double[][] t = sketch.z().components(block);
      for (int i = 0; i < omega.length; i++) {
        samples.take(w[i], t[i], Basis.dot(omega[i], omega[i]));
      }
    }
    LeaveOneOut.Result r = samples.result();
    boolean reached = probing.relativeError() == 0 || probing.reached(r.trace());
    return probing.estimate(r.trace(), r.squares(), TraceEstimator.Method.XTRACE, reached);
  }

  /** Row b: the inner products of Z's row b with the rows of a basis. */
  private double[][] gram(Basis with) {
    int m = sketch.rank();
    double[][] gram = new double[m][];
    for (int from = 0; from < m; from += probing.together()) {
      int to = Math.min(m, from + probing.together());
      double[][] rows = with.components(sketch.z().rows(from, to));
      System.arraycopy(rows, 0, gram, from, to - from);
    }
    return gram;
  }

  private static double trace(double[][] m) {
    double[] diagonal = new double[m.length];
    Arrays.setAll(diagonal, k -> m[k][k]);
    return Arrays.stream(diagonal).sum();
  }
}
