package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.Matrices.Triangle;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Errors name the call, the matrix of the batch and the reason, on a GPU once it is waited for. */
class MatricesErrorsTest {
  private static void fails(Executable call, String... words) {
    Executable waited =
        () -> {
          call.execute();
          Hesse.synchronize();
        };
    String message = assertThrows(ArithmeticException.class, waited).getMessage();
    for (String word : words) {
      assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
    }
  }

  /** Four identities, one of which has another number in one place. */
  private static Tensor spoiled(int matrix, int i, int j, double value) {
    double[] a = new double[4 * 9];
    for (int b = 0; b < 4; b++) {
      for (int k = 0; k < 3; k++) {
        a[9 * b + 4 * k] = k + 1;
      }
    }
    a[9 * matrix + 3 * i + j] = value;
    return Tensor.of(a, 4, 3, 3);
  }

  @Test
  void notPositiveDefinite() {
    fails(
        () -> Matrices.cholesky(spoiled(2, 1, 1, -1)),
        "cholesky: matrix 2 of 4 is not positive definite",
        "order 2");
    fails(() -> Matrices.cholesky(Tensor.zeros(DType.F32, 2, 2)), "the matrix", "order 1");
  }

  @Test
  void singular() {
    Tensor a = spoiled(3, 1, 1, 0);
    Tensor b = Tensor.ones(DType.F64, 3);
    fails(() -> Matrices.solve(a, b), "lu_solve: matrix 3 of 4 is singular", "pivot 1");
    fails(() -> Matrices.inverse(a), "matrix 3 of 4 is singular");
    fails(
        () -> Matrices.solveTriangular(a, b, Triangle.UPPER),
        "triangular_solve: matrix 3 of 4 is singular",
        "element 1 of its diagonal");
    Matrices.solveTriangular(a, b, Triangle.UPPER, false, true);
    fails(
        () -> Autodiff.grad((Tensor x) -> Matrices.det(x).sum()).apply(a), "matrix 3", "singular");
  }

  @Test
  void notFinite() {
    List<Function<Tensor, ?>> calls =
        List.of(
            Matrices::cholesky,
            Matrices::eigh,
            Matrices::qr,
            Matrices::svd,
            Matrices::lu,
            Matrices::det,
            Matrices::inverse,
            a -> Matrices.solveTriangular(a, Tensor.ones(DType.F64, 3), Triangle.LOWER));
    for (Function<Tensor, ?> f : calls) {
      fails(() -> f.apply(spoiled(1, 2, 0, Double.NaN)), "matrix 1 of 4 has NaN at [2, 0]");
      fails(
          () -> f.apply(spoiled(1, 2, 2, Double.NEGATIVE_INFINITY)),
          "matrix 1 of 4 has infinity at [2, 2]");
    }
  }

  @Test
  void aRightHandSideThatIsNotANumberPassesThrough() {
    Tensor b = Tensor.of(new double[] {1, Double.NaN, 1, 1}, 2, 2);
    double[] x = Matrices.solve(Tensor.eye(DType.F64, 2), b).toDoubleArray();
    assertEquals(List.of(1.0, Double.NaN, 1.0), List.of(x[0], x[1], x[2]));
  }

  @Test
  void shapesAndTypes() {
    Tensor wide = Tensor.zeros(DType.F32, 2, 3);
    Tensor vector = Tensor.zeros(DType.F32, 3);
    Tensor whole = Tensor.zeros(DType.I32, 3, 3);
    List<Function<Tensor, ?>> squareOnly =
        List.of(
            Matrices::cholesky,
            Matrices::eigh,
            Matrices::lu,
            Matrices::det,
            Matrices::slogdet,
            Matrices::inverse,
            Matrices::trace,
            a -> Matrices.solve(a, vector));
    for (Function<Tensor, ?> f : squareOnly) {
      Expect.illegalArgument(() -> f.apply(wide), "F32[2, 3]", "square");
      Expect.illegalArgument(() -> f.apply(vector), "F32[3]", "matrix");
      Expect.illegalArgument(() -> f.apply(whole), "I32[3, 3]", "F32 or F64");
    }
    Expect.illegalArgument(() -> Matrices.qr(vector), "qr", "F32[3]");
    Expect.illegalArgument(() -> Matrices.svd(whole), "svd", "I32[3, 3]", "real");
    Tensor a = Tensor.eye(DType.F32, 3);
    Expect.illegalArgument(
        () -> Matrices.solve(a, Tensor.zeros(DType.F32, 2)), "solve", "F32[2]", "3 rows");
    Expect.illegalArgument(() -> Matrices.solve(a, Tensor.zeros(DType.F64, 3)), "F64[3]", "dtype");
    Expect.illegalArgument(() -> Matrices.diagonalMatrix(Tensor.scalar(1, DType.F32)), "vector");
  }

  /** By rotation the repeated values are only equal up to rounding, which must be seen as well. */
  @Test
  void vectorsOfRepeatedValuesHaveNoDerivative() {
    Tensor q = Matrices.qr(Derivatives.normal(1, DType.F64, 6, 6)).q();
    Tensor values = Tensor.of(new double[] {1, 2, 2, 3, 4, 5});
    Tensor a = q.mul(values).matmul(q.transpose());
    Function<Tensor, Tensor> eigenvectors = x -> Matrices.eigh(x).vectors().square().sum(1).max();
    fails(
        () -> Autodiff.grad(eigenvectors).apply(a),
        "the matrix has eigenvalues 1 and 2 equal to working precision",
        "no derivative");
    Function<Tensor, Tensor> singularVectors = x -> Matrices.svd(x).u().square().sum(1).max();
    fails(() -> Autodiff.grad(singularVectors).apply(a), "has singular values 3 and 4 equal");
    Tensor thin = q.slice(1, 0, 2).matmul(Tensor.ones(DType.F64, 2, 2));
    fails(
        () -> Autodiff.grad(singularVectors).apply(thin),
        "does not have full rank: its singular value 1 is");
    Tensor half = Tensor.of(new double[] {1, 1, 1, 1, 1, 1}, 3, 2);
    fails(
        () -> Autodiff.grad((Tensor x) -> Matrices.qr(x).r().sum()).apply(half.mul(0)), "singular");
  }

  @Test
  void insideATraceTheErrorComesWhenItRuns() {
    Function<Tensor, Tensor> f = Autodiff.compile((Tensor x) -> Matrices.cholesky(x).sum());
    assertEquals(2, f.apply(Tensor.eye(DType.F64, 2)).item());
    fails(() -> f.apply(Tensor.eye(DType.F64, 2).neg()), "cholesky");
    assertEquals(4, f.apply(Tensor.eye(DType.F64, 2).mul(4)).item());
  }
}
