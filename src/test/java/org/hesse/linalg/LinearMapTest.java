package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class LinearMapTest {
  private final Random random = new Random(2);
  private final Tensor a = matrix(5, 3);
  private final Tensor b = matrix(5, 3);
  private final Tensor c = matrix(3, 4);
  private final LinearMap dense = LinearMap.ofDense(a);
  private final LinearMap function =
      LinearMap.ofFunctions(5, 3, DType.F64, b::matmul, b.transpose()::matmul);

  private Tensor matrix(int rows, int columns) {
    return Matrices.tensor(Matrices.gaussian(rows, columns, random), DType.F64);
  }

  private static void assertSame(Tensor expected, Tensor actual) {
    assertEquals(expected.shape(), actual.shape());
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), 1e-13);
  }

  /** The matrix by single products, by blocks and by the adjoint must be one. */
  private void assertIs(Tensor expected, LinearMap map) {
    assertEquals(expected.dim(0), map.rows());
    assertEquals(expected.dim(1), map.columns());
    assertSame(expected, map.toDense());
    assertSame(expected.transpose(), map.adjoint().toDense());
    Tensor v = matrix(1, map.columns()).select(0, 0);
    assertSame(expected.matmul(v), map.apply(v));
    Tensor vs = matrix(2, map.columns());
    assertSame(vs.matmul(expected.transpose()), map.applyAll(vs));
  }

  @Test
  void algebraIsThatOfMatrices() {
    assertIs(a, dense);
    assertIs(b, function);
    assertIs(a.add(b), dense.plus(function));
    assertIs(a.sub(b), dense.minus(function));
    assertIs(a.mul(-2), dense.scale(-2));
    assertIs(b.matmul(c), function.times(LinearMap.ofDense(c)));
  }

  @Test
  void gramMatricesAreSymmetricOperators() {
    LinearOperator inner = function.gram();
    LinearOperator outer = function.adjoint().gram();
    assertTrue(inner.symmetric() && outer.symmetric());
    assertIs(b.transpose().matmul(b), inner);
    assertIs(b.matmul(b.transpose()), outer);
    assertIs(b.transpose().matmul(b).add(Tensor.eye(DType.F64, 3)), inner.shift(1));
  }

  @Test
  void squareOperatorsAreMaps() {
    LinearMap product = function.adjoint().times(dense);
    assertIs(b.transpose().matmul(a), product);
    LinearOperator square = LinearOperator.ofDense(matrix(3, 3));
    assertIs(a.matmul(square.toDense()), dense.times(square));
  }

  @Test
  void errorsNameWhatWasGivenAndWhatWasExpected() {
    assertMessage("v: shape [5]", "[3]", () -> dense.apply(Tensor.zeros(DType.F64, 5)));
    assertMessage("vs: shape [3]", "[k, 3]", () -> dense.applyAll(Tensor.zeros(DType.F64, 3)));
    assertMessage("plus", "sizes", () -> dense.plus(dense.adjoint()));
    assertMessage("times", "columns", () -> dense.times(function));
    assertMessage("[3]", "[m, n]", () -> LinearMap.ofDense(Tensor.zeros(DType.F64, 3)));
    assertMessage(
        "size: 0×3", "1 or more", () -> LinearMap.ofFunctions(0, 3, DType.F64, v -> v, v -> v));
    assertMessage(
        "20000 rows",
        "16384",
        () -> LinearMap.ofFunctions(20_000, 1, DType.F64, v -> v, v -> v).toDense());
  }

  private static void assertMessage(String given, String expected, Runnable call) {
    var e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().contains(given), e.getMessage());
    assertTrue(e.getMessage().contains(expected), e.getMessage());
  }
}
