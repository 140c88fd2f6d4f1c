package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Consumer;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

/** What estimators hold of n = 4 million numbers, as seen from within each product. */
class EstimatorMemoryTest {
  private static final int N = 4_000_000;

  /** The most vectors of n numbers that are alive during a product, its operand among them. */
  private static double vectorsAlive(Consumer<LinearOperator> run) {
    return Hesse.on(
        Device.CPU,
        () -> {
          long before = used();
          long[] most = {0};
          run.accept(
              LinearOperator.ofSymmetric(
                  N,
                  DType.F32,
                  v -> {
                    most[0] = Math.max(most[0], used() - before);
                    return v.mul(2.0);
                  }));
          return most[0] / (4.0 * N);
        });
  }

  private static long used() {
    Runtime runtime = Runtime.getRuntime();
    System.gc();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void aTraceHoldsFiveVectorsAtMost(TestReporter reporter) {
    double alive = vectorsAlive(op -> TraceEstimator.hutchinson(op).probes(5).run());
    reporter.publishEntry("trace", alive + " vectors");
    assertTrue(alive >= 1 && alive <= 5, "" + alive);
  }

  @Test
  void aDiagonalHoldsSixVectorsAtMost(TestReporter reporter) {
    double alive = vectorsAlive(op -> DiagonalEstimator.hutchinson(op).probes(4).run());
    reporter.publishEntry("diagonal", alive + " vectors");
    assertTrue(alive >= 1 && alive <= 6, "" + alive);
  }

  /** The basis of one probe grows by 16 rows at a time. */
  @Test
  void aQuadratureHoldsOneBasis(TestReporter reporter) {
    double alive =
        vectorsAlive(op ->
            StochasticLanczosQuadrature.of(op.plus(ramp())).probes(2).steps(6).together(1).run());
    reporter.publishEntry("quadrature of 6 steps", alive + " vectors");
    assertTrue(alive >= 6 && alive <= 16 + 8, "" + alive);
  }

  /** So that the Krylov spaces are not one-dimensional. */
  private static LinearOperator ramp() {
    return LinearOperator.ofSymmetric(
        N, DType.F32, v -> v.mul(Tensor.arange(DType.I32, N).cast(DType.F32).mul(1e-6)));
  }
}
