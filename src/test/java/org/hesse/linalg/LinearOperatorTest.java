package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class LinearOperatorTest {
  private final Random random = new Random(1);
  private final LinearOperator general = Matrices.operator(Matrices.gaussian(7, 7, random));
  private final LinearOperator symmetric = Matrices.operator(Matrices.wishart(7, 9, random));

  private static void assertSameMatrix(double[][] expected, LinearOperator actual) {
    double[][] rows = Matrices.rows(actual.toDense());
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(expected[i], rows[i], 1e-12);
    }
  }

  private static double[][] entries(int n, Entry entry) {
    double[][] m = new double[n][n];
    for (int i = 0; i < n; i++) {
      int row = i;
      Arrays.setAll(m[i], j -> entry.at(row, j));
    }
    return m;
  }

  private interface Entry {
    double at(int i, int j);
  }

  @Test
  void combinatorsAreTheirDenseDefinitions() {
    double[][] a = Matrices.rows(general.toDense());
    double[][] b = Matrices.rows(symmetric.toDense());
    assertSameMatrix(entries(7, (i, j) -> a[i][j] + b[i][j]), general.plus(symmetric));
    assertSameMatrix(
        entries(7, (i, j) -> 3 * (2 * a[i][j] + (i == j ? 0.5 : 0))),
        general.scale(2).shift(0.5).scale(3));
    double[][] product = entries(7, (i, j) -> Matrices.dot(a[i], column(b, j)));
    assertSameMatrix(product, general.times(symmetric));
    assertSameMatrix(entries(7, (i, j) -> product[j][i]), general.times(symmetric).adjoint());
    assertSameMatrix(
        entries(7, (i, j) -> 2 * a[j][i] + b[i][j]), general.scale(2).plus(symmetric).adjoint());
  }

  private static double[] column(double[][] m, int j) {
    return Arrays.stream(m).mapToDouble(row -> row[j]).toArray();
  }

  @Test
  void differencesBlocksAndBlockDiagonalsAreTheirDenseDefinitions() {
    double[][] a = Matrices.rows(general.toDense());
    double[][] b = Matrices.rows(symmetric.toDense());
    assertSameMatrix(entries(7, (i, j) -> a[i][j] - b[i][j]), general.minus(symmetric));
    assertSameMatrix(entries(4, (i, j) -> a[i + 2][j + 2]), general.block(2, 6));
    assertSameMatrix(entries(4, (i, j) -> a[j + 2][i + 2]), general.block(2, 6).adjoint());
    assertSameMatrix(a, general.block(0, 7));
    LinearOperator both =
        LinearOperator.blockDiagonal(List.of(general.block(0, 3), symmetric, general.block(5, 7)));
    Entry entry =
        (i, j) ->
            i < 3 && j < 3
                ? a[i][j]
                : i >= 10 && j >= 10
                    ? a[i - 5][j - 5]
                    : Math.min(i, j) >= 3 && Math.max(i, j) < 10 ? b[i - 3][j - 3] : 0;
    assertSameMatrix(entries(12, entry), both);
    assertSameMatrix(entries(12, (i, j) -> entry.at(j, i)), both.adjoint());
    assertTrue(symmetric.block(1, 5).symmetric());
    assertFalse(both.symmetric());
    Tensor v = Matrices.tensor(Matrices.gaussian(1, 12, random), DType.F64).select(0, 0);
    assertArrayEquals(
        both.toDense().matmul(v).toDoubleArray(), both.apply(v).toDoubleArray(), 1e-13);
    assertMessage("rows 3 to 3", "from < to", () -> general.block(3, 3));
    assertMessage("rows 3 to 8", "from < to", () -> general.block(3, 8));
    assertMessage("none", "one or more", () -> LinearOperator.blockDiagonal(List.of()));
  }

  @Test
  void toDenseOfAFunctionIsTheMatrixAndNotItsTranspose() {
    Tensor matrix = general.toDense();
    LinearOperator f =
        LinearOperator.ofFunctions(7, DType.F64, matrix::matmul, matrix.transpose()::matmul);
    assertSameMatrix(Matrices.rows(matrix), f);
    assertSameMatrix(Matrices.rows(matrix.transpose()), f.adjoint());
  }

  @Test
  void applyAllIsRowByRow() {
    Tensor vs = Matrices.tensor(Matrices.gaussian(3, 7, random), DType.F64);
    Tensor matrix = general.toDense();
    LinearOperator looped =
        LinearOperator.ofFunctions(7, DType.F64, matrix::matmul, matrix.transpose()::matmul);
    for (LinearOperator op : new LinearOperator[] {general, looped, general.shift(1)}) {
      double[][] all = Matrices.rows(op.applyAll(vs));
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(op.apply(vs.select(0, i)).toDoubleArray(), all[i], 1e-13);
      }
    }
  }

  @Test
  void symmetryIsKnownWhereItCanBe() {
    assertTrue(symmetric.symmetric());
    assertFalse(general.symmetric());
    assertTrue(symmetric.shift(1).scale(2).plus(symmetric).symmetric());
    assertTrue(symmetric.times(symmetric).symmetric());
    assertFalse(symmetric.times(symmetric.shift(1)).symmetric());
    LinearOperator gram = general.adjoint().times(general);
    assertFalse(gram.symmetric());
    assertTrue(gram.assumeSymmetric().symmetric());
    assertSame(symmetric, symmetric.adjoint());
  }

  @Test
  void countsProducts() {
    CountingOperator counting = general.counting();
    counting.apply(Tensor.zeros(DType.F64, 7));
    counting.applyAll(Tensor.zeros(DType.F64, 4, 7));
    counting.adjoint().apply(Tensor.zeros(DType.F64, 7));
    assertEquals(6, counting.matvecs());
  }

  @Test
  void errorsNameWhatWasGivenAndWhatWasExpected() {
    assertMessage("v: shape [3]", "[7]", () -> general.apply(Tensor.zeros(DType.F64, 3)));
    assertMessage("dtype F32", "F64", () -> general.apply(Tensor.zeros(DType.F32, 7)));
    assertMessage("vs: shape [7]", "[k, 7]", () -> general.applyAll(Tensor.zeros(DType.F64, 7)));
    assertMessage("[2, 3]", "[n, n]", () -> LinearOperator.ofDense(Tensor.zeros(DType.F64, 2, 3)));
    assertMessage("plus", "sizes", () -> general.plus(Matrices.diagonal(1, 2)));
    assertMessage(
        "toDense", "16384", () -> LinearOperator.ofSymmetric(20_000, DType.F64, v -> v).toDense());
  }

  private static void assertMessage(String given, String expected, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(given), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
