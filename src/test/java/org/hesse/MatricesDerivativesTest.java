package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.hesse.Matrices.Triangle;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Derivatives: duality, differences to order 2, batches against loops, each of them for functions
 * that do not depend on the signs of eigenvectors and singular vectors.
 */
class MatricesDerivativesTest {
  private static final int ORDER = 2;

  private static Tensor normal(long seed, int... dims) {
    return Derivatives.normal(seed, DType.F64, dims);
  }

  private static Tensor positive(Tensor x) {
    return x.matmul(x.transpose()).add(Tensor.eye(DType.F64, x.dim(-1)));
  }

  private static DynamicTest checkAll(
      String name, Function<List<Tensor>, Tensor> f, Tensor... operands) {
    return DynamicTest.dynamicTest(name, () -> Derivatives.check(f, ORDER, operands));
  }

  private static DynamicTest check(String name, UnaryOperator<Tensor> f, Tensor x) {
    return checkAll(name, in -> f.apply(in.get(0)), x);
  }

  private static Tensor both(Tensor a, Tensor b) {
    return Tensor.concat(0, a.reshape(-1), b.reshape(-1));
  }

  @TestFactory
  Stream<DynamicTest> factorisations() {
    Tensor a = normal(1, 4, 4);
    Tensor tall = normal(2, 5, 3);
    return Stream.of(
        check("cholesky", x -> Matrices.cholesky(positive(x)), a),
        check("cholesky of an asymmetric matrix", x -> Matrices.cholesky(x.add(dominant())), a),
        check("lu", x -> both(Matrices.lu(x).l(), Matrices.lu(x).u()), a),
        check("qr", MatricesDerivativesTest::qr, tall),
        check("qr, square", MatricesDerivativesTest::qr, a),
        check("qr, wide", MatricesDerivativesTest::qr, normal(3, 3, 5)),
        check("eigenvalues", x -> Matrices.eigh(x).values(), a),
        check("eigenvectors", x -> Matrices.eigh(x).vectors().square(), a),
        check("matrix function", MatricesDerivativesTest::exponential, a),
        check("projector", MatricesDerivativesTest::projector, a),
        check("singular values", x -> Matrices.svd(x).s(), tall),
        check("singular vectors, tall", MatricesDerivativesTest::svd, tall),
        check("singular vectors, wide", MatricesDerivativesTest::svd, normal(4, 3, 5)),
        check("singular vectors, square", MatricesDerivativesTest::svd, a),
        check("polar factor", x -> Matrices.svd(x).u().matmul(Matrices.svd(x).vt()), tall),
        check(
            "one by one", x -> Matrices.eigh(x).values().add(Matrices.qr(x).r()), normal(5, 1, 1)),
        check("batch", x -> Matrices.cholesky(positive(x)), normal(6, 2, 3, 3)));
  }

  private static Tensor dominant() {
    return Tensor.eye(DType.F64, 4).mul(12);
  }

  private static Tensor qr(Tensor x) {
    Matrices.Qr f = Matrices.qr(x);
    return both(f.q(), f.r());
  }

  private static Tensor svd(Tensor x) {
    Matrices.Svd d = Matrices.svd(x);
    return both(d.u().square(), both(d.s(), d.vt().square()));
  }

  private static Tensor exponential(Tensor x) {
    Matrices.Eigh e = Matrices.eigh(x);
    return e.vectors().mul(e.values().exp()).matmul(e.vectors().transpose());
  }

  private static Tensor projector(Tensor x) {
    Tensor first = Matrices.eigh(x).vectors().slice(-1, 0, 2);
    return first.matmul(first.transpose());
  }

  @TestFactory
  Stream<DynamicTest> solvers() {
    Tensor a = normal(7, 4, 4);
    Tensor b = normal(8, 4, 3);
    Stream<DynamicTest> general =
        Stream.of(
            checkAll("solve", in -> Matrices.solve(in.get(0), in.get(1)), a, b),
            checkAll("solve a vector", in -> Matrices.solve(in.get(0), in.get(1)), a, normal(9, 4)),
            check("inverse", x -> Matrices.inverse(x), a),
            check("det", x -> Matrices.det(x), a),
            check("log det", x -> Matrices.slogdet(x).log(), a),
            checkAll(
                "cholesky solve",
                in -> Matrices.solveCholesky(Matrices.cholesky(positive(in.get(0))), in.get(1)),
                a,
                b),
            checkAll(
                "broadcast",
                in -> Matrices.solve(in.get(0), in.get(1)),
                normal(10, 2, 1, 3, 3),
                normal(11, 2, 3, 2)),
            check(
                "diagonal",
                x -> both(Matrices.diagonal(x), Matrices.diagonalMatrix(x)),
                normal(12, 3, 2)),
            check("triangles", x -> Matrices.lower(x, 1).mul(Matrices.upper(x, -1)), a),
            check("trace", x -> Matrices.trace(x.matmul(x)), a));
    Stream<DynamicTest> triangular =
        Stream.of(Triangle.values())
            .flatMap(t -> Stream.of(true, false).flatMap(tr -> triangular(t, tr, b)));
    return Stream.concat(general, triangular);
  }

  private static Stream<DynamicTest> triangular(Triangle t, boolean transposed, Tensor b) {
    Tensor a = normal(13, 4, 4).mul(0.3).add(Tensor.eye(DType.F64, 4).mul(2));
    return Stream.of(true, false)
        .map(unit ->
            checkAll(
                "triangular " + t + " " + transposed + " " + unit,
                in -> Matrices.solveTriangular(in.get(0), in.get(1), t, transposed, unit),
                a,
                b));
  }

  @Test
  void solversAreLinearAndTransposeTwice() {
    Tensor a = normal(14, 4, 4);
    Tensor b = normal(15, 4, 2);
    Derivatives.checkLinear(x -> Matrices.solve(a, x), u -> Matrices.solve(a.transpose(), u), b);
    Derivatives.checkLinear(
        x -> Matrices.solveTriangular(a, x, Triangle.LOWER),
        u -> Matrices.solveTriangular(a, u, Triangle.LOWER, true, false),
        b);
  }

  /** ∂ log det A = A⁻ᵀ, ∂ det A = det A · A⁻ᵀ, ∂ tr A⁻¹ = −A⁻ᵀ A⁻ᵀ. */
  @Test
  void gradientsInClosedForm() {
    Tensor a = normal(16, 5, 5);
    Tensor inverse = Matrices.inverse(a).transpose();
    Tensor log = Autodiff.grad((Tensor x) -> Matrices.slogdet(x).log()).apply(a);
    Expect.close(inverse, log, 1e-11);
    Tensor det = Autodiff.grad((Tensor x) -> Matrices.det(x)).apply(a);
    Expect.close(inverse.mul(Matrices.det(a)), det, 1e-11);
    Tensor trace = Autodiff.grad((Tensor x) -> Matrices.trace(Matrices.inverse(x))).apply(a);
    Expect.close(inverse.matmul(inverse).neg(), trace, 1e-11);
  }

  /** Σ f(λ) is smooth at repeated eigenvalues, and its gradient is f′(A). */
  @Test
  void eigenvaluesAloneHaveFirstDerivativesWhereTheyRepeat() {
    Tensor one = Tensor.eye(DType.F64, 4);
    Function<Tensor, Tensor> f = x -> Matrices.eigh(x).values().exp().sum();
    Expect.close(one.mul(Math.E), Autodiff.grad(f).apply(one), 1e-13);
    Function<Tensor, Tensor> nuclear = x -> Matrices.svd(x).s().sum();
    Expect.close(one, Autodiff.grad(nuclear).apply(one), 1e-13);
    Tensor q = Matrices.qr(normal(17, 4, 4)).q();
    Tensor a = q.mul(Tensor.of(new double[] {1, 1, 2, 2})).matmul(q.transpose());
    Tensor expected = q.mul(Tensor.of(new double[] {1, 1, 2, 2}).exp()).matmul(q.transpose());
    Expect.close(expected, Autodiff.grad(f).apply(a), 1e-13);
  }

  /** Σ λᵢ² = ‖A‖²: the Hessian is twice the identity on symmetric directions. */
  @Test
  void secondDerivativesOfEigenvalues() {
    Tensor x = normal(18, 5, 5);
    Tensor a = x.add(x.transpose());
    Tensor y = normal(19, 5, 5);
    Tensor v = y.add(y.transpose());
    Function<Tensor, Tensor> f = m -> Matrices.eigh(m).values().square().sum();
    Expect.close(v.mul(2), Autodiff.hvp(f, a, v), 1e-11);
  }

  @Test
  void thirdDerivatives() {
    Function<Tensor, Tensor> f =
        x -> {
          Tensor l = Matrices.cholesky(positive(x));
          return Matrices.solveTriangular(l, Tensor.ones(DType.F64, 2), Triangle.LOWER)
              .square()
              .sum()
              .add(Matrices.slogdet(x).log());
        };
    GradientReport report = Autodiff.checkGradients(f, normal(20, 2, 2), 3);
    assertEquals(true, report.passed(), report.toString());
  }

  @Test
  void inSinglePrecisionToo() {
    Tensor a = normal(21, 4, 4);
    Function<Tensor, Tensor> f = x -> Matrices.inverse(positive(x)).square().sum();
    Tensor exact = Autodiff.grad(f).apply(a);
    Function<Tensor, Tensor> single =
        x -> {
          Tensor p = x.matmul(x.transpose()).add(Tensor.eye(DType.F32, 4));
          return Matrices.inverse(p).square().sum();
        };
    Tensor rounded = Autodiff.grad(single).apply(a.cast(DType.F32)).cast(DType.F64);
    Expect.close(exact, rounded, 1e-4);
  }
}
