package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class PowerIterationTest {

  @Test
  void deflationFindsTheNextOnes() {
    double[] spectrum = new double[500];
    Random random = new Random(0);
    Arrays.setAll(spectrum, i -> i < 5 ? Math.pow(-2, 5 - i) : random.nextDouble());
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      CountingOperator op =
          LinearOperator.ofDiagonal(Tensor.of(spectrum, 500).cast(dtype)).counting();
      Eigenpairs top = PowerIteration.of(op).largest(5).vectors(true).run();
      assertTrue(top.converged());
      assertFalse(top.complete(), "nothing has looked for others");
      assertEquals(op.matvecs(), top.matvecs());
      for (int i = 0; i < 5; i++) {
        assertEquals(spectrum[i], top.values()[i], top.residuals()[i]);
        assertTrue(top.residuals()[i] <= 1.1e-3 * Math.abs(spectrum[i]));
        assertEquals(1, Math.abs(top.vectors().select(0, i).toDoubleArray()[i]), 1e-5);
      }
    }
  }

  /** Leading vectors are only known to their tolerance, far above the values that follow. */
  @Test
  void inexactDeflationDoesNotSpoilSmallerValues() {
    double[][] a = Matrices.withSpectrum(new double[] {1e4, 5e3, 2, -1, 0.1, 0.01}, new Random(1));
    Eigenpairs top = PowerIteration.of(Matrices.operator(a)).largest(4).tolerance(1e-2).run();
    assertTrue(top.converged(), top.toString());
    assertArrayEquals(new double[] {1e4, 5e3, 2, -1}, top.values(), 1e-3);
  }

  @Test
  void multipleEigenvalues() {
    Eigenpairs top = PowerIteration.of(Matrices.diagonal(3, 1, 3, 0.5, 3)).largest(4).run();
    assertArrayEquals(new double[] {3, 3, 3, 1}, top.values(), 1e-6);
  }

  @Test
  void oppositeValuesDoNotConvergeAndSaySo() {
    LinearOperator op = Matrices.diagonal(2, -2, 1, 0.5, 0.1);
    Eigenpairs top = PowerIteration.of(op).maxSteps(50).run();
    assertFalse(top.converged());
    assertEquals(51, top.matvecs());
    assertTrue(2 - Math.abs(top.values()[0]) <= top.residuals()[0]);
    // Together both vectors span the space of the two, which the last step sorts out.
    Eigenpairs two = PowerIteration.of(op).largest(2).maxSteps(50).run();
    assertTrue(two.converged(), two.toString());
    double[] values = two.values();
    Arrays.sort(values);
    assertArrayEquals(new double[] {-2, 2}, values, 1e-6);
  }

  @Test
  void smallAndDegenerateOperators() {
    Eigenpairs one = PowerIteration.of(Matrices.diagonal(-3)).run();
    assertArrayEquals(new double[] {-3}, one.values(), 1e-15);
    assertTrue(one.complete());
    double[] all = PowerIteration.of(Matrices.diagonal(4, -2, 1, 0)).largest(4).run().values();
    assertArrayEquals(new double[] {4, -2, 1, 0}, all, 1e-6);
    LinearOperator zero = LinearOperator.ofSymmetric(20, DType.F64, v -> v.mul(0.0));
    Eigenpairs zeros = PowerIteration.of(zero).largest(3).run();
    assertArrayEquals(new double[3], zeros.values());
    assertTrue(zeros.converged());
  }

  @Test
  void whatCannotBeIteratedIsRefused() {
    LinearOperator op = Matrices.operator(Matrices.gaussian(20, 20, new Random(2)));
    assertMessage(IllegalArgumentException.class, "not symmetric", () -> PowerIteration.of(op));
    assertMessage(
        NumericalException.class,
        "(product 2)",
        () -> PowerIteration.of(op.assumeSymmetric()).run());
    LinearOperator nan =
        LinearOperator.ofSymmetric(
            2, DType.F64, v -> v.mul(Tensor.of(new double[] {1, Double.NaN}, 2)));
    assertMessage(NumericalException.class, "index 1 is NaN", () -> PowerIteration.of(nan).run());
    PowerIteration power = PowerIteration.of(Matrices.diagonal(1, 2));
    assertMessage(IllegalArgumentException.class, "k: 3", () -> power.largest(3));
    assertMessage(IllegalArgumentException.class, "tolerance: 2.0", () -> power.tolerance(2));
    assertMessage(IllegalArgumentException.class, "maxSteps: 0", () -> power.maxSteps(0));
  }

  private static void assertMessage(Class<? extends Exception> type, String part, Runnable call) {
    var e = assertThrows(type, call::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void progressCanCancel() {
    int[] calls = {0};
    PowerIteration power =
        PowerIteration.of(Matrices.diagonal(Matrices.bulkWithOutliers()))
            .largest(5)
            .progress((stage, done, total) -> ++calls[0] < 7 && total == 5);
    var e = assertThrows(CancellationException.class, power::run);
    assertTrue(e.getMessage().contains("after 7 products"), e.getMessage());
  }
}
