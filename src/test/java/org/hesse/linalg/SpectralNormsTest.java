package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.hesse.DType;
import org.junit.jupiter.api.Test;

class SpectralNormsTest {

  private static void requireHolds(double truth, SpectralNorms.Bound b, double relative) {
    double rounding = 1e-9 * truth;
    assertTrue(b.low() <= truth + rounding && truth <= b.high() + rounding, truth + " in " + b);
    assertEquals(truth, b.value(), relative * truth, b.toString());
    assertTrue(b.low() <= b.value() && b.value() <= b.high(), b.toString());
    assertTrue(b.matvecs() > 0);
  }

  private static LinearOperator withSpectrum(double... ends) {
    Random random = new Random(4);
    double[] spectrum = new double[60];
    Arrays.setAll(
        spectrum, i -> i < 2 ? ends[i] : ends[0] + (ends[1] - ends[0]) * random.nextDouble());
    return Matrices.operator(Matrices.withSpectrum(spectrum, random));
  }

  @Test
  void symmetricOperators() {
    requireHolds(7, SpectralNorms.operatorNorm(withSpectrum(-7, 5)), 1e-6);
    requireHolds(20, SpectralNorms.conditionNumber(withSpectrum(0.5, 10)), 1e-5);
    requireHolds(20, SpectralNorms.conditionNumber(withSpectrum(-10, -0.5)), 1e-5);
    requireHolds(3, SpectralNorms.conditionNumber(Matrices.diagonal(-1, 2, -3, 3, 1.5)), 1e-9);
    assertEquals(1, SpectralNorms.conditionNumber(Matrices.diagonal(-4)).value(), 1e-12);
    assertEquals(
        Double.POSITIVE_INFINITY, SpectralNorms.conditionNumber(Matrices.diagonal(0, 1, 2)).high());
  }

  /** The singular values of a general matrix, from the eigenvalues of AᵀA by Jacobi rotations. */
  @Test
  void generalMaps() {
    double[][] a = Matrices.gaussian(30, 20, new Random(5));
    double[][] square = new double[20][20];
    for (double[] row : a) {
      for (int i = 0; i < 20; i++) {
        for (int j = 0; j < 20; j++) {
          square[i][j] += row[i] * row[j];
        }
      }
    }
    double[] values = Matrices.eigenvalues(square);
    LinearMap map = LinearMap.ofDense(Matrices.tensor(a, DType.F64));
    requireHolds(Math.sqrt(values[19]), SpectralNorms.operatorNorm(map), 1e-6);
    requireHolds(Math.sqrt(values[19] / values[0]), SpectralNorms.conditionNumber(map), 1e-5);
  }
}
