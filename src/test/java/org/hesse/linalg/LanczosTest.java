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

class LanczosTest {

  @Test
  void topOfWishartMatrix() {
    double[][] a = Matrices.wishart(40, 80, new Random(0));
    double[] expected = Matrices.byMagnitude(Matrices.eigenvalues(a));
    Eigenpairs top = Lanczos.of(Matrices.operator(a)).largest(10).tolerance(1e-6).seed(0).run();
    assertTrue(top.converged() && top.complete());
    for (int i = 0; i < 10; i++) {
      assertEquals(expected[i], top.values()[i], 1e-5 * expected[i]);
      assertTrue(top.residuals()[i] < 1e-4 * expected[i]);
    }
  }

  @Test
  void fullDecompositionReproducesTheMatrix() {
    double[][] a = Matrices.wishart(40, 80, new Random(1));
    LanczosDecomposition d = Lanczos.of(Matrices.operator(a)).decompose(40);
    double[][] q = Matrices.rows(d.basis());
    double[] alpha = d.tridiagonal().diagonal();
    double[] beta = d.tridiagonal().offDiagonal();
    assertEquals(40, q.length);
    for (int i = 0; i < 40; i++) {
      for (int j = 0; j < 40; j++) {
        double sum = 0;
        for (int k = 0; k < 40; k++) {
          sum += q[k][i] * alpha[k] * q[k][j];
          sum += k == 39 ? 0 : beta[k] * (q[k][i] * q[k + 1][j] + q[k + 1][i] * q[k][j]);
        }
        assertEquals(a[i][j], sum, 1e-7);
      }
    }
  }

  @Test
  void noGhosts() {
    assertNoGhosts(DType.F64, 1e-12);
    assertNoGhosts(DType.F32, 1e-5);
  }

  private static void assertNoGhosts(DType dtype, double tolerance) {
    double[] spectrum = new double[1000];
    Random random = new Random(2);
    Arrays.setAll(spectrum, i -> i < 10 ? 10 * (i + 1) : random.nextDouble());
    LinearOperator op = LinearOperator.ofDiagonal(Tensor.of(spectrum, spectrum.length).cast(dtype));
    LanczosDecomposition d = Lanczos.of(op).seed(0).decompose(100);
    double[] ritz = d.tridiagonal().eigenvalues();
    assertEquals(10, Arrays.stream(ritz).filter(x -> x > 1.001).count());
    double[][] q = Matrices.rows(d.basis());
    for (int i = 0; i < q.length; i++) {
      double rowSum = 0;
      for (int j = 0; j < q.length; j++) {
        rowSum += Math.abs(Matrices.dot(q[i], q[j]) - (i == j ? 1 : 0));
      }
      assertTrue(rowSum < tolerance, dtype + ": row " + i + " of QᵀQ − I sums to " + rowSum);
    }
  }

  @Test
  void breakdownOfTwoValuedSpectrumIsDetectedAtStepTwo() {
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      double[] spectrum = new double[300];
      Arrays.setAll(spectrum, i -> i % 2 == 0 ? 1 : 5);
      double[][] a = Matrices.withSpectrum(Arrays.copyOf(spectrum, 100), new Random(3));
      for (LinearOperator op :
          new LinearOperator[] {
            LinearOperator.ofDiagonal(Tensor.of(spectrum, 300).cast(dtype)),
            LinearOperator.ofDense(Matrices.tensor(a, dtype))
          }) {
        LanczosDecomposition d = Lanczos.of(op).decompose(50);
        assertTrue(d.invariant());
        assertEquals(2, d.basis().dim(0));
        assertArrayEquals(new double[] {1, 5}, d.tridiagonal().eigenvalues(), 1e-5);
      }
    }
  }

  @Test
  void residualsAreBoundsOnRandomMatrices() {
    Random random = new Random(4);
    for (int trial = 0; trial < 100; trial++) {
      int n = 2 + random.nextInt(50);
      int k = 1 + random.nextInt(Math.min(n, 12));
      double tolerance = Math.pow(10, -1 - random.nextInt(12));
      boolean indefinite = trial % 2 == 0;
      double[][] a = Matrices.wishart(n, n, random);
      for (int i = 0; i < n && indefinite; i++) {
        a[i][i] -= 1;
      }
      double[] expected = Matrices.byMagnitude(Matrices.eigenvalues(a));
      Eigenpairs top =
          Lanczos.of(Matrices.operator(a)).largest(k).tolerance(tolerance).seed(trial).run();
      for (int i = 0; i < k; i++) {
        double error = nearest(expected, top.values()[i]);
        assertTrue(
            error <= top.residuals()[i],
            "trial " + trial + " pair " + i + ": " + error + " > " + top.residuals()[i]);
        if (tolerance < 1e-3) {
          assertEquals(expected[i], top.values()[i], top.residuals()[i]);
        }
      }
    }
  }

  private static double nearest(double[] values, double x) {
    return Arrays.stream(values).map(v -> Math.abs(v - x)).min().orElseThrow();
  }

  @Test
  void residualsAreBoundsInSinglePrecision() {
    Random random = new Random(5);
    for (int trial = 0; trial < 30; trial++) {
      Tensor a = Matrices.tensor(Matrices.wishart(40, 60, random), DType.F32);
      double[] expected = Matrices.byMagnitude(Matrices.eigenvalues(Matrices.rows(a)));
      Eigenpairs top =
          Lanczos.of(LinearOperator.ofDense(a)).largest(8).tolerance(1e-6).seed(trial).run();
      for (int i = 0; i < 8; i++) {
        double error = Math.abs(expected[i] - top.values()[i]);
        assertTrue(error <= top.residuals()[i], error + " > " + top.residuals()[i]);
        assertTrue(top.residuals()[i] <= 2e-5 * expected[0]);
      }
    }
  }

  @Test
  void multipleEigenvaluesAreFound() {
    double[] spectrum = new double[400];
    Random random = new Random(6);
    Arrays.setAll(spectrum, i -> i < 3 ? 9 : i < 5 ? -7 : i == 5 ? 4 : 2 * random.nextDouble());
    Eigenpairs top = Lanczos.of(Matrices.diagonal(spectrum)).largest(6).run();
    assertArrayEquals(new double[] {9, 9, 9, -7, -7, 4}, top.values(), 1e-9);
    assertTrue(top.complete());
    Eigenpairs unchecked =
        Lanczos.of(Matrices.diagonal(spectrum)).largest(3).checkMultiplicity(false).run();
    assertFalse(unchecked.complete());
    assertTrue(unchecked.matvecs() < top.matvecs());
  }

  @Test
  void eachOutputOfALinearModelRepeatsTheSpectrum() {
    double[] spectrum = new double[300];
    Arrays.setAll(spectrum, i -> 1.0 / (1 + i / 10)); // every value ten times
    Eigenpairs top = Lanczos.of(Matrices.diagonal(spectrum)).largest(25).run();
    assertArrayEquals(Arrays.copyOf(spectrum, 25), top.values(), 1e-9);
    assertTrue(top.complete() && top.converged());
  }

  @Test
  void algebraicEnds() {
    double[] spectrum = new double[200];
    Arrays.setAll(spectrum, i -> -50 + i * 0.4 + i * i * 1e-3);
    LinearOperator op = Matrices.diagonal(spectrum);
    double[] smallest = Lanczos.of(op).smallestAlgebraic(4).run().values();
    assertArrayEquals(Arrays.copyOf(spectrum, 4), smallest, 1e-4);
    double[] largest = Lanczos.of(op).largestAlgebraic(2).run().values();
    assertArrayEquals(new double[] {spectrum[199], spectrum[198]}, largest, 1e-4);
    LinearOperator negative = op.shift(-200);
    assertEquals(spectrum[0] - 200, Lanczos.of(negative).largest(1).run().values()[0], 1e-4);
    assertEquals(
        spectrum[199] - 200, Lanczos.of(negative).largestAlgebraic(1).run().values()[0], 1e-4);
  }

  @Test
  void thickRestartsBoundTheBasis() {
    double[] spectrum = new double[1500];
    Arrays.setAll(spectrum, i -> Math.pow(0.99, i) * (i % 3 == 0 ? -1 : 1));
    Eigenpairs top =
        Lanczos.of(Matrices.diagonal(spectrum)).largest(8).basis(24).tolerance(1e-8).run();
    assertTrue(top.converged() && top.complete(), top.toString());
    assertArrayEquals(Arrays.copyOf(spectrum, 8), top.values(), 1e-8);
    assertTrue(top.matvecs() > 60);
    Eigenpairs tight =
        Lanczos.of(Matrices.diagonal(spectrum)).largest(2).basis(4).maxProducts(3000).run();
    assertArrayEquals(Arrays.copyOf(spectrum, 2), tight.values(), 1e-6);
  }

  @Test
  void smallAndDegenerateOperators() {
    assertArrayEquals(new double[] {-3}, Lanczos.of(Matrices.diagonal(-3)).run().values(), 1e-15);
    assertArrayEquals(
        new double[] {-5, 2},
        Lanczos.of(Matrices.diagonal(2, -5)).largest(2).run().values(),
        1e-14);
    LinearOperator zero = LinearOperator.ofSymmetric(50, DType.F64, v -> v.mul(0.0));
    Eigenpairs zeros = Lanczos.of(zero).largest(5).run();
    assertArrayEquals(new double[5], zeros.values());
    assertTrue(zeros.converged() && zeros.complete());
    LinearOperator identity = LinearOperator.ofSymmetric(50, DType.F64, v -> v);
    assertArrayEquals(
        new double[] {1, 1, 1, 1}, Lanczos.of(identity).largest(4).run().values(), 1e-14);
    double[] ones = new double[50];
    Arrays.fill(ones, 1);
    assertArrayEquals(ones, Lanczos.of(identity).largest(50).run().values(), 1e-13);
  }

  @Test
  void wholeSpectrum() {
    double[][] a = Matrices.wishart(60, 40, new Random(7)); // twenty zeros
    double[] expected = Matrices.byMagnitude(Matrices.eigenvalues(a));
    Eigenpairs all = Lanczos.of(Matrices.operator(a)).largest(60).vectors(true).run();
    assertArrayEquals(expected, all.values(), 1e-12);
    assertTrue(all.complete());
    double[][] v = Matrices.rows(all.vectors());
    for (int i = 0; i < 60; i++) {
      for (int j = 0; j <= i; j++) {
        assertEquals(i == j ? 1 : 0, Matrices.dot(v[i], v[j]), 1e-10);
      }
      assertEquals(all.values()[i] * v[i][3], Matrices.dot(a[3], v[i]), 1e-11);
    }
  }

  @Test
  void extremeScales() {
    double[] spectrum = {3e-100, 1e-100, -2e-100, 1e-101};
    assertEquals(3e-100, Lanczos.of(Matrices.diagonal(spectrum)).run().values()[0], 1e-113);
    double[] large = {3e100, 1e100, -2e100, 1e99};
    assertEquals(3e100, Lanczos.of(Matrices.diagonal(large)).run().values()[0], 1e87);
  }

  @Test
  void sameSeedSameBits() {
    LinearOperator op = Matrices.diagonal(Matrices.bulkWithOutliers());
    Eigenpairs a = Lanczos.of(op).largest(5).seed(9).run();
    Eigenpairs b = Lanczos.of(op).largest(5).seed(9).run();
    assertEquals(a.pairs(), b.pairs());
  }

  @Test
  void countsItsProducts() {
    CountingOperator op = Matrices.diagonal(Matrices.bulkWithOutliers()).counting();
    assertEquals(Lanczos.of(op).largest(5).run().matvecs(), op.matvecs());
  }

  @Test
  void whatDidNotConvergeSaysSo() {
    LinearOperator op = Matrices.diagonal(Matrices.bulkWithOutliers());
    Eigenpairs early = Lanczos.of(op).largest(8).maxProducts(12).run();
    assertFalse(early.converged());
    assertFalse(early.complete());
    assertTrue(early.residuals()[7] > 1e-3);
  }

  @Test
  void productsThatAreNotFiniteAreNamed() {
    LinearOperator broken =
        LinearOperator.ofSymmetric(
            5, DType.F64, v -> v.mul(Tensor.of(new double[] {1, 2, Double.NaN, 4, 5}, 5)));
    var e = assertThrows(NumericalException.class, () -> Lanczos.of(broken).run());
    assertTrue(e.getMessage().contains("product 1 "), e.getMessage());
    assertTrue(e.getMessage().contains("index 2 is NaN"), e.getMessage());
  }

  @Test
  void operatorsThatAreNotSymmetricAreRefused() {
    double[][] a = Matrices.gaussian(20, 20, new Random(8));
    LinearOperator op = Matrices.operator(a);
    var known = assertThrows(IllegalArgumentException.class, () -> Lanczos.of(op));
    assertTrue(known.getMessage().contains("not symmetric"), known.getMessage());
    var found =
        assertThrows(
            NumericalException.class, () -> Lanczos.of(op.assumeSymmetric()).largest(2).run());
    assertTrue(found.getMessage().contains("(product 2)"), found.getMessage());
    assertTrue(found.getMessage().contains("symmetryTolerance"), found.getMessage());
  }

  @Test
  void wrongArgumentsAreNamed() {
    LinearOperator op = Matrices.diagonal(1, 2, 3, 4, 5, 6, 7, 8);
    assertMessage("k: 9", () -> Lanczos.of(op).largest(9));
    assertMessage("tolerance: 0.0", () -> Lanczos.of(op).tolerance(0));
    assertMessage("basis: 4", () -> Lanczos.of(op).largest(4).basis(4).run());
    assertMessage("maxProducts: 0", () -> Lanczos.of(op).maxProducts(0));
    assertMessage("steps: 0", () -> Lanczos.of(op).decompose(0));
    LinearOperator wrong = LinearOperator.ofSymmetric(3, DType.F64, v -> v.sum());
    assertMessage("answered a vector of shape [3]", () -> Lanczos.of(wrong).run());
    var e = assertThrows(IllegalStateException.class, () -> Lanczos.of(op).run().vectors());
    assertTrue(e.getMessage().contains("vectors(true)"), e.getMessage());
  }

  private static void assertMessage(String part, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void progressCanCancel() {
    LinearOperator op = Matrices.diagonal(Matrices.bulkWithOutliers());
    int[] calls = {0};
    var e =
        assertThrows(
            CancellationException.class,
            () ->
                Lanczos.of(op)
                    .largest(5)
                    .progress((stage, done, total) -> ++calls[0] < 7 && total == 5)
                    .run());
    assertEquals(7, calls[0]);
    assertTrue(e.getMessage().contains("after 7 products"), e.getMessage());
  }
}
