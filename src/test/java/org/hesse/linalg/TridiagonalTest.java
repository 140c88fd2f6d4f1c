package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TridiagonalTest {

  private static Tridiagonal constant(int m, double diagonal, double beside) {
    double[] d = new double[m];
    double[] e = new double[m - 1];
    Arrays.fill(d, diagonal);
    Arrays.fill(e, beside);
    return Tridiagonal.of(d, e);
  }

  private static Tridiagonal wilkinson(int half) {
    double[] d = new double[2 * half + 1];
    Arrays.setAll(d, i -> Math.abs(i - half));
    double[] e = new double[2 * half];
    Arrays.fill(e, 1);
    return Tridiagonal.of(d, e);
  }

  /** ‖Tv − λv‖∞ and |⟨vᵢ, vⱼ⟩ − δᵢⱼ| at their worst, relative to the norm of T. */
  private static void assertEigen(Tridiagonal t, double tolerance) {
    int m = t.size();
    double[] d = t.diagonal();
    double[] e = t.offDiagonal();
    double norm = Double.MIN_NORMAL;
    for (double x : d) {
      norm = Math.max(norm, Math.abs(x));
    }
    for (double x : e) {
      norm = Math.max(norm, Math.abs(x));
    }
    Tridiagonal.Eigen eigen = t.eigen();
    for (int k = 0; k < m; k++) {
      double[] v = eigen.vector(k);
      for (int i = 0; i < m; i++) {
        double tv = d[i] * v[i];
        tv += i > 0 ? e[i - 1] * v[i - 1] : 0;
        tv += i + 1 < m ? e[i] * v[i + 1] : 0;
        assertEquals(eigen.values()[k] * v[i], tv, tolerance * norm, "residual of pair " + k);
      }
      for (int j = 0; j <= k; j++) {
        assertEquals(j == k ? 1 : 0, Matrices.dot(v, eigen.vector(j)), tolerance);
      }
    }
    assertArrayEquals(eigen.values(), t.eigenvalues(), tolerance * norm);
    Tridiagonal.Ends ends = t.ends();
    for (int k = 0; k < m; k++) {
      assertEquals(Math.abs(eigen.vector(k)[0]), Math.abs(ends.first()[k]), 1e-12);
      assertEquals(Math.abs(eigen.vector(k)[m - 1]), Math.abs(ends.last()[k]), 1e-12);
    }
  }

  @Test
  void secondDifferencesHaveTheClosedForm() {
    for (int m : new int[] {1, 2, 3, 10, 200}) {
      Tridiagonal t = constant(m, 2, -1);
      double[] expected = new double[m];
      Arrays.setAll(expected, i -> 2 - 2 * Math.cos(Math.PI * (i + 1) / (m + 1)));
      assertArrayEquals(expected, t.eigenvalues(), 1e-13);
      assertEigen(t, 1e-13);
    }
  }

  @Test
  void zeroDiagonalHasTheClosedForm() {
    double[] expected = new double[101];
    Arrays.setAll(expected, i -> -2 * Math.cos(Math.PI * (i + 1) / 102));
    assertArrayEquals(expected, constant(101, 0, 1).eigenvalues(), 1e-13);
  }

  @Test
  void wilkinsonPairsAgreeToFourteenDigitsAndHaveOrthogonalVectors() {
    double[] values = wilkinson(10).eigenvalues();
    assertEquals(10.746194182903322, values[19], 2e-14);
    assertEquals(10.746194182903393, values[20], 2e-14);
    assertEigen(wilkinson(10), 1e-13);
    assertEigen(wilkinson(50), 2e-13);
  }

  @Test
  void splitsAtZerosAndSurvivesExtremeScales() {
    assertEigen(Tridiagonal.of(new double[] {3, 1, 2, 2}, new double[] {0, 1e-20, 1}), 1e-14);
    for (double scale : new double[] {1e-300, 1e-160, 1e160, 1e300}) {
      double[] d = {2 * scale, 2 * scale, 2 * scale};
      double[] values = Tridiagonal.of(d, new double[] {scale, scale}).eigenvalues();
      assertEquals(2 + Math.sqrt(2), values[2] / scale, 1e-14);
      assertEquals(2 - Math.sqrt(2), values[0] / scale, 1e-14);
    }
  }

  @Test
  void gradedAndRandomMatrices() {
    Random random = new Random(3);
    for (int trial = 0; trial < 50; trial++) {
      int m = 1 + random.nextInt(60);
      double[] d = new double[m];
      double[] e = new double[m - 1];
      boolean graded = trial % 2 == 0;
      Arrays.setAll(d, i -> random.nextGaussian() * (graded ? Math.pow(10, -i) : 1));
      Arrays.setAll(e, i -> random.nextGaussian() * (graded ? Math.pow(10, -i) : 1));
      assertEigen(Tridiagonal.of(d, e), 1e-13);
    }
  }

  @Test
  void zeroMatrix() {
    assertEigen(constant(5, 0, 0), 0);
  }

  @Test
  void quadratureWeightsSumToOne() {
    double sum = Arrays.stream(wilkinson(30).ends().first()).map(x -> x * x).sum();
    assertEquals(1, sum, 1e-13);
  }

  @Test
  void refusesWrongLengthsAndNumbersThatAreNotFinite() {
    var lengths =
        assertThrows(
            IllegalArgumentException.class,
            () -> Tridiagonal.of(new double[] {1, 2}, new double[] {1, 2}));
    assertTrue(lengths.getMessage().contains("offDiagonal: 2"), lengths.getMessage());
    var nan =
        assertThrows(
            IllegalArgumentException.class,
            () -> Tridiagonal.of(new double[] {1, Double.NaN}, new double[] {1}));
    assertTrue(nan.getMessage().contains("diagonal[1]: NaN"), nan.getMessage());
  }

  @Test
  void denseSymmetricMatricesAgreeWithJacobi() {
    Random random = new Random(5);
    for (int n : new int[] {1, 2, 3, 17, 40}) {
      double[][] a = Matrices.wishart(n, n + 2, random);
      double[] expected = Matrices.eigenvalues(a);
      Tridiagonal.Eigen eigen =
          DenseSymmetric.eigen(Arrays.stream(a).map(double[]::clone).toArray(double[][]::new));
      assertArrayEquals(expected, eigen.values(), 1e-13 * expected[n - 1]);
      for (int k = 0; k < n; k++) {
        for (int i = 0; i < n; i++) {
          double expectedProduct = eigen.values()[k] * eigen.vector(k)[i];
          assertEquals(expectedProduct, Matrices.dot(a[i], eigen.vector(k)), 1e-12);
        }
      }
    }
  }

  @Test
  void printing() {
    Tridiagonal t = Tridiagonal.of(new double[] {2, 3}, new double[] {-1});
    assertEquals("Tridiagonal[2 × 2, diagonal [2.0, 3.0], off it [-1.0]]", t.toString());
    assertEquals("Tridiagonal[9 × 9]", Tridiagonal.of(new double[9], new double[8]).toString());
  }
}
