package org.hesse.linalg;

import java.util.Arrays;
import java.util.function.Supplier;
import org.hesse.RngKey;
import org.hesse.Tensor;

/**
 * What an estimation from random vectors works with: products, the vectors, which are drawn from
 * their numbers and so can be drawn again rather than kept, and how many products there may be.
 *
 * @param most products to make
 * @param relativeError the relative standard error to stop at, or 0
 * @param journal what the products came to
 */
record Probing(
    Products products,
    RngKey key,
    ProbeDistribution distribution,
    int most,
    double relativeError,
    String stage,
    Journal journal) {
  /** The samples at which a standard error is first believed; fewer say too little. */
  static final int LEAST_FOR_STOPPING = 8;

  private static final int MOST_TOGETHER = 16;
  private static final int NUMBERS_TOGETHER = 1 << 22;

  LinearMap operator() {
    return products.operator();
  }

  int size() {
    return operator().columns();
  }

  /** How many vectors to multiply at once. */
  int together() {
    return Math.clamp(NUMBERS_TOGETHER / size(), 1, MOST_TOGETHER);
  }

  Tensor draw(int number) {
    return distribution.draw(key.fold(number), operator().dtype(), size());
  }

  /** The vectors of some numbers. */
  Tensor[] draw(int from, int to) {
    Tensor[] vs = new Tensor[to - from];
    for (int i = from; i < to; i++) {
      vs[i - from] = draw(i);
    }
    return vs;
  }

  /** A direction of its own for a number, other than that of {@link #draw}. */
  Tensor another(int number) {
    return key.fold(number).fold(1).normal(operator().dtype(), size());
  }

  /** Whether an error was asked for and this estimate has it. */
  boolean reached(Estimate e) {
    return relativeError > 0 && e.within(relativeError);
  }

  /** vᵀAv and ‖Av‖² of the next vectors. */
  double[][] measured(Supplier<Tensor[]> vectors, int count) {
    return journal.next(
        count,
        () -> {
          Tensor[] vs = vectors.get();
          int number = products.count();
          Tensor[] av = products.applyEach(vs);
          double[][] numbers = new double[count][];
          Arrays.setAll(numbers, i -> measured(vs[i], av[i], number + i + 1));
          return numbers;
        });
  }

  /** vᵀAv and ‖Av‖² of the product of this number. */
  double[] measured(Tensor v, Tensor product, int number) {
    double square = Basis.dot(product, product);
    products.requireFinite(square, product, number);
    return new double[] {Basis.dot(v, product), square};
  }

  /** The estimate in the operator's scale from one of A over the unit of the products. */
  TraceEstimate estimate(
      Estimate trace, Estimate squares, TraceEstimator.Method method, boolean reached) {
    double unit = products.unit();
    return new TraceEstimate(trace.scale(unit), squares, unit, method, products.count(), reached);
  }

  /** The same where nothing is left to chance. */
  TraceEstimate exact(double trace, double squares, TraceEstimator.Method method) {
    return estimate(new Estimate(trace, 0), new Estimate(squares, 0), method, true);
  }

  /** After each block of products. */
  void report() {
    journal.reached();
    products.report(stage, Math.min(products.count(), most), most);
  }
}
