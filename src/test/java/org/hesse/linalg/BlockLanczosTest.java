package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

/** Lanczos with blocks of vectors, and at both ends of a spectrum. */
class BlockLanczosTest {

  @Test
  void findsWhatSingleVectorsFind() {
    double[] spectrum = Matrices.bulkWithOutliers();
    double[] expected = Arrays.copyOf(Matrices.byMagnitude(spectrum), 12);
    for (int b : new int[] {2, 5, 12, 40}) {
      CountingOperator op = Matrices.diagonal(spectrum).counting();
      Eigenpairs top = Lanczos.of(op).largest(12).block(b).maxProducts(4000).run();
      assertArrayEquals(expected, top.values(), 1e-8, "blocks of " + b);
      assertTrue(top.converged() && top.complete(), "blocks of " + b);
      assertEquals(op.matvecs(), top.matvecs());
    }
  }

  /** A block sees as many copies of an eigenvalue as it has vectors, without a second search. */
  @Test
  void oneSearchFindsCopies() {
    double[] spectrum = new double[300];
    Random random = new Random(1);
    Arrays.setAll(spectrum, i -> i < 4 ? 9 : i < 7 ? -7 : 2 * random.nextDouble());
    Lanczos search = Lanczos.of(Matrices.diagonal(spectrum)).largest(7).checkMultiplicity(false);
    double[] expected = {9, 9, 9, 9, -7, -7, -7};
    assertArrayEquals(expected, search.block(4).run().values(), 1e-9);
    assertArrayEquals(new double[] {9, -7}, search.largest(2).block(1).run().values(), 1e-9);
  }

  /** Gaps of 1e-7 beside values of 1. */
  @Test
  void clustersAreResolved() {
    double[] spectrum = new double[400];
    Random random = new Random(2);
    Arrays.setAll(spectrum, i -> i < 6 ? 1 - 1e-7 * i : 0.5 * random.nextDouble() - 0.3);
    for (int b : new int[] {1, 3, 8}) {
      Eigenpairs top =
          Lanczos.of(Matrices.diagonal(spectrum)).largest(6).block(b).tolerance(1e-10).run();
      assertTrue(top.converged() && top.complete(), top.toString());
      assertArrayEquals(Arrays.copyOf(spectrum, 6), top.values(), 1e-12, "blocks of " + b);
    }
  }

  @Test
  void basesStayOrthonormal() {
    double[] spectrum = Matrices.bulkWithOutliers();
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      LinearOperator op =
          LinearOperator.ofDiagonal(Tensor.of(spectrum, spectrum.length).cast(dtype));
      Products products = new Products(op, Progress.NONE);
      Tensor start = org.hesse.RngKey.of(3).normal(dtype, 4, spectrum.length);
      LanczosProcess process =
          LanczosProcess.start(products, start, new Basis(), new Recurrence(products, 0, 1e-3));
      while (process.t().size() < 120) {
        process.advance();
      }
      double[][] q = Matrices.rows(process.basis().rows());
      assertEquals(120, q.length);
      double tolerance = dtype == DType.F64 ? 1e-12 : 1e-5;
      for (int i = 0; i < q.length; i++) {
        double rowSum = 0;
        for (int j = 0; j < q.length; j++) {
          rowSum += Math.abs(Matrices.dot(q[i], q[j]) - (i == j ? 1 : 0));
        }
        assertTrue(rowSum < tolerance, dtype + ": row " + i + " of QᵀQ − I sums to " + rowSum);
      }
    }
  }

  /** W = C·Q + F·Z for rows that depend on each other to any degree. */
  @Test
  void nearlyDependentRowsAreSplitExactly() {
    int n = 200;
    Random random = new Random(4);
    double[][] w = Matrices.gaussian(6, n, random);
    for (int i = 0; i < n; i++) {
      w[2][i] = w[0][i] + 1e-9 * w[2][i];
      w[3][i] = w[1][i] - 2 * w[0][i];
      w[4][i] *= 1e-6;
    }
    Basis basis = new Basis();
    Tensor u = Basis.unit(Matrices.tensor(Matrices.gaussian(1, n, random), DType.F64).select(0, 0));
    basis.append(u);
    Tensor rows = Matrices.tensor(w, DType.F64);
    Orthonormal split = Orthonormal.of(Basis.project(rows, basis), n, 1e-12, basis);
    double[][] z = Matrices.rows(split.rows());
    assertEquals(5, z.length);
    double[] q = u.toDoubleArray();
    for (int i = 0; i < z.length; i++) {
      assertEquals(0, Matrices.dot(z[i], q), 1e-14);
      for (int j = 0; j <= i; j++) {
        assertEquals(i == j ? 1 : 0, Matrices.dot(z[i], z[j]), 1e-13);
      }
    }
    for (int r = 0; r < w.length; r++) {
      for (int i = 0; i < n; i++) {
        double sum = split.coefficients()[r][0] * q[i];
        for (int k = 0; k < z.length; k++) {
          sum += split.factor()[k][r] * z[k][i];
        }
        assertEquals(w[r][i], sum, 1e-12);
      }
    }
  }

  @Test
  void restartsBoundTheBasisOfBlocks() {
    double[] spectrum = new double[1500];
    Arrays.setAll(spectrum, i -> Math.pow(0.99, i) * (i % 3 == 0 ? -1 : 1));
    Eigenpairs top =
        Lanczos.of(Matrices.diagonal(spectrum))
            .largest(8)
            .block(4)
            .basis(32)
            .maxProducts(3000)
            .run();
    assertTrue(top.converged() && top.complete(), top.toString());
    assertArrayEquals(Arrays.copyOf(spectrum, 8), top.values(), 1e-8);
  }

  @Test
  void blocksShrinkWhereTheSpaceEnds() {
    double[] spectrum = new double[50];
    Arrays.setAll(spectrum, i -> i % 3 - 1.0); // -1, 0 and 1
    Eigenpairs all = Lanczos.of(Matrices.diagonal(spectrum)).largest(50).block(7).run();
    assertTrue(all.complete());
    double[] sorted = all.values();
    Arrays.sort(sorted);
    Arrays.sort(spectrum);
    assertArrayEquals(spectrum, sorted, 1e-12);
    assertEquals(0, all.values()[49], 1e-12);
    Eigenpairs whole = Lanczos.of(Matrices.diagonal(3, -1, 2)).largest(3).block(3).run();
    assertArrayEquals(new double[] {3, 2, -1}, whole.values(), 1e-14);
  }

  @Test
  void bothEndsInOneSearch() {
    double[] spectrum = Matrices.bulkWithOutliers();
    double[] sorted = spectrum.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    double[] expected = {
      sorted[0], sorted[1], sorted[2], sorted[n - 3], sorted[n - 2], sorted[n - 1]
    };
    for (int b : new int[] {1, 4}) {
      Eigenpairs ends =
          Lanczos.of(Matrices.diagonal(spectrum))
              .bothEnds(3)
              .block(b)
              .maxProducts(3000)
              .vectors(true)
              .run();
      assertTrue(ends.converged() && ends.complete(), ends.toString());
      for (int i = 0; i < 6; i++) {
        assertEquals(expected[i], ends.values()[i], ends.residuals()[i]);
        double[] v = ends.vectors().select(0, i).toDoubleArray();
        double value = 0;
        for (int j = 0; j < n; j++) {
          value += spectrum[j] * v[j] * v[j];
        }
        assertEquals(expected[i], value, 1e-8);
      }
    }
  }

  @Test
  void bothEndsOfSmallAndDegenerateSpectra() {
    assertArrayEquals(new double[] {-3}, ends(1, -3), 1e-15);
    assertArrayEquals(new double[] {-5, 2}, ends(1, 2, -5), 1e-14);
    assertArrayEquals(new double[] {-5, 0, 2}, ends(3, 2, -5, 0), 1e-14);
    assertArrayEquals(new double[] {-1, -1, 4, 4}, ends(2, 4, -1, 0, 4, -1, 0.5, 1, 4), 1e-13);
    assertArrayEquals(new double[] {2, 2, 2, 2}, ends(2, 2, 2, 2, 2, 2, 2), 1e-14);
    assertArrayEquals(new double[4], ends(2, new double[30]), 0);
  }

  private static double[] ends(int k, double... spectrum) {
    Eigenpairs pairs = Lanczos.of(Matrices.diagonal(spectrum)).bothEnds(k).run();
    assertTrue(pairs.complete() && pairs.converged(), pairs.toString());
    return pairs.values();
  }

  /** All of a multiple eigenvalue at one end, though the other end has enough by then. */
  @Test
  void copiesAtEitherEndAreFound() {
    double[] spectrum = new double[200];
    Random random = new Random(5);
    Arrays.setAll(spectrum, i -> i < 3 ? -2 : i < 6 ? 5 + i : random.nextDouble());
    Eigenpairs pairs = Lanczos.of(Matrices.diagonal(spectrum)).bothEnds(3).run();
    assertArrayEquals(new double[] {-2, -2, -2, 8, 9, 10}, pairs.values(), 1e-9);
    assertTrue(pairs.complete());
  }

  @Test
  void asymmetryShowsWithinABlockToo() {
    LinearOperator op = Matrices.operator(Matrices.gaussian(30, 30, new Random(6)));
    var e =
        assertThrows(
            NumericalException.class,
            () -> Lanczos.of(op.assumeSymmetric()).largest(2).block(3).run());
    assertTrue(e.getMessage().contains("not symmetric"), e.getMessage());
  }

  @Test
  void productsOfABlockThatAreNotFiniteAreNamed() {
    LinearOperator op =
        LinearOperator.ofSymmetric(
            6, DType.F64, v -> v.mul(Tensor.of(new double[] {1, 2, Double.NaN, 4, 5, 6}, 6)));
    var e = assertThrows(NumericalException.class, () -> Lanczos.of(op).largest(2).block(2).run());
    assertTrue(e.getMessage().contains("index 2 is NaN"), e.getMessage());
  }

  @Test
  void wrongArgumentsAreNamed() {
    Lanczos search = Lanczos.of(Matrices.diagonal(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    assertMessage("block: 0", () -> search.block(0));
    assertMessage("block: 11", () -> search.block(11));
    assertMessage("k: 11", () -> search.bothEnds(11));
    assertMessage("basis: 6", () -> search.largest(3).block(2).basis(6).run());
    assertFalse(search.largest(3).block(2).basis(7).maxProducts(1).run().converged());
  }

  private static void assertMessage(String part, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }
}
