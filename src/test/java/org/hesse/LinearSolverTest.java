package org.hesse;

import static org.hesse.Autodiff.argminDerivative;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jacfwd;
import static org.hesse.Autodiff.jacrev;
import static org.hesse.Autodiff.rootDerivative;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Autodiff.HvpMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Solutions by products against dense linear algebra, and their derivatives. */
class LinearSolverTest {
  private static final int N = 6;
  private static final Tensor B = normal(3, N);
  private static final LinearSolver CG = LinearSolver.conjugateGradients(1e-13, 50);
  private static final LinearSolver NORMAL = LinearSolver.normalEquations(1e-13, 200);

  /** Symmetric positive definite, or just regular. */
  private static Tensor matrix(Tensor w, boolean symmetric) {
    Tensor eye = Tensor.eye(DType.F64, N);
    return symmetric ? w.transpose().matmul(w).add(eye) : w.mul(0.3).add(eye);
  }

  private static Tensor products(Tensor w, Tensor b, boolean symmetric) {
    Tensor a = matrix(w, symmetric);
    return (symmetric ? CG : NORMAL).solve((Tensor v) -> a.matmul(v), b);
  }

  private static Tensor dense(Tensor w, Tensor b, boolean symmetric) {
    return Matrices.solve(matrix(w, symmetric), b);
  }

  private static <A, B> void same(Function<A, B> expected, Function<A, B> actual, A x, double tol) {
    double[] e = Interpreted.everywhere(expected, x);
    double scale = Math.max(1, Arrays.stream(e).map(Math::abs).max().orElse(1));
    assertArrayEquals(e, Interpreted.everywhere(actual, x), tol * scale);
  }

  record Both(Tensor w, Tensor b) {}

  @Test
  void allDerivativesAreThoseOfTheDenseSolution() {
    Both x = new Both(normal(1, N, N), B);
    Both v = new Both(normal(4, N, N), normal(5, N));
    for (boolean symmetric : new boolean[] {true, false}) {
      Function<Both, Tensor> expected = p -> dense(p.w(), p.b(), symmetric);
      Function<Both, Tensor> actual = p -> products(p.w(), p.b(), symmetric);
      same(expected, actual, x, 1e-11);
      Function<Both, Tensor> e = p -> expected.apply(p).sin().sum();
      Function<Both, Tensor> a = p -> actual.apply(p).sin().sum();
      same(grad(e), grad(a), x, 1e-10);
      same((Both p) -> Autodiff.jvp(e, p, v), (Both p) -> Autodiff.jvp(a, p, v), x, 1e-10);
      for (HvpMode mode : HvpMode.values()) {
        same((Both p) -> hvp(e, p, v, mode), (Both p) -> hvp(a, p, v, mode), x, 1e-9);
      }
    }
  }

  @Test
  void aBatchOfSystemsIsSolvedOneByOne() {
    Both many = new Both(normal(1, 4, N, N), normal(2, 4, N));
    for (boolean symmetric : new boolean[] {true, false}) {
      Function<Both, Tensor> e = p -> dense(p.w(), p.b(), symmetric).sin().sum();
      Function<Both, Tensor> a = p -> products(p.w(), p.b(), symmetric).sin().sum();
      same(vmap(e), vmap(a), many, 1e-10);
      same(vmap(grad(e)), vmap(grad(a)), many, 1e-9);
      VmapAxes rhs = VmapAxes.unmapped().with("b", 0);
      Both some = new Both(normal(1, N, N), normal(2, 4, N));
      same(vmap(grad(e), rhs), vmap(grad(a), rhs), some, 1e-9);
      same(
          (Both x) -> grad((Both p) -> vmap(a, rhs).apply(p).sum()).apply(x),
          (Both x) -> grad((Both p) -> vmap(e, rhs).apply(p).sum()).apply(x),
          some,
          1e-9);
    }
  }

  @Test
  void treesAreVectors() {
    record Pair(Tensor matrix, Tensor scalar) {}
    Pair b = new Pair(normal(1, 2, 3), Tensor.scalar(2, DType.F64));
    Function<Pair, Pair> solve =
        p ->
            CG.solve(
                (Pair v) ->
                    new Pair(
                        v.matrix().mul(3).add(v.scalar()), v.scalar().mul(9).add(v.matrix().sum())),
                p);
    double[] x = Interpreted.everywhere(solve, b);
    // 3 m + s = b_m, 9 s + Σ m = b_s, so (9 − 2) s = b_s − Σ b_m / 3.
    double s = (2 - b.matrix().sum().item() / 3) / 7;
    double[] m = b.matrix().toDoubleArray();
    double[] expected = new double[7];
    for (int i = 0; i < 6; i++) {
      expected[i] = (m[i] - s) / 3;
    }
    expected[6] = s;
    assertArrayEquals(expected, x, 1e-11);
  }

  /** dw/dλ = −(AᵀA + λI)⁻¹ w, and its derivative 2 (AᵀA + λI)⁻² w. */
  @Test
  void implicitDerivativesNeedNoMatrix() {
    Tensor a = normal(7, 8, 3);
    Tensor gram = a.transpose().matmul(a);
    Tensor moment = a.transpose().matmul(normal(8, 8));
    Tensor lambda = Tensor.scalar(0.7, DType.F64);
    Tensor inverse = Matrices.inverse(gram.add(Tensor.eye(DType.F64, 3).mul(lambda)));
    Tensor w = inverse.matmul(moment);
    double[] first = inverse.matmul(w).neg().toDoubleArray();
    double[] second = inverse.matmul(inverse.matmul(w)).mul(2).toDoubleArray();
    for (LinearSolver solver : List.of(CG, NORMAL)) {
      Function<Tensor, Tensor> ridge =
          rootDerivative(
              (Tensor l) -> w,
              (Tensor x, Tensor l) -> gram.matmul(x).add(x.mul(l)).sub(moment),
              solver);
      assertArrayEquals(first, Interpreted.everywhere(l -> jacfwd(ridge, l), lambda), 1e-10);
      assertArrayEquals(first, Interpreted.everywhere(l -> jacrev(ridge, l), lambda), 1e-10);
      assertArrayEquals(
          second, Interpreted.everywhere(l -> jacfwd(k -> jacrev(ridge, k), l), lambda), 1e-9);
    }
    Function<Tensor, Tensor> minimiser =
        argminDerivative(
            (Tensor l) -> w,
            (Tensor x, Tensor l) ->
                x.mul(gram.matmul(x))
                    .sum()
                    .add(x.square().sum().mul(l))
                    .sub(x.mul(moment).sum().mul(2)),
            CG);
    assertArrayEquals(first, Interpreted.everywhere(l -> jacrev(minimiser, l), lambda), 1e-10);
    assertArrayEquals(
        new double[] {second[0]},
        Interpreted.everywhere(l -> hessian(k -> minimiser.apply(k).select(0, 0), l), lambda),
        1e-9);
  }

  @Test
  void solutionsAreAsLargeAsTheirRightHandSides() {
    Tensor diagonal = Tensor.of(new double[] {1, 2, 4}, 3);
    for (LinearSolver solver :
        List.of(
            LinearSolver.conjugateGradients(1e-6, 20), LinearSolver.normalEquations(1e-8, 20))) {
      for (double size : new double[] {1e-300, 1e-30, 1e30, 1e300}) {
        DType dtype = Math.abs(Math.log10(size)) > 38 ? DType.F64 : DType.F32;
        Tensor d = diagonal.cast(dtype);
        Tensor x = solver.solve(v -> v.mul(d), Tensor.full(size, dtype, 3));
        double[] relative = x.cast(DType.F64).mul(1 / size).toDoubleArray();
        assertArrayEquals(new double[] {1, 0.5, 0.25}, relative, 1e-5, () -> solver + ", " + dtype);
      }
      Tensor infinite = Tensor.full(Double.POSITIVE_INFINITY, DType.F64, 3);
      arithmetic(() -> solver.solve((Tensor v) -> v.mul(diagonal), infinite), "relative residual");
    }
  }

  @Test
  void whatDoesNotConvergeFails() {
    Tensor indefinite = Tensor.of(new double[] {1, 0, 0, -1}, 2, 2);
    Tensor b = Tensor.of(new double[] {1, 2}, 2);
    UnaryOperator<Tensor> product = v -> indefinite.matmul(v);
    arithmetic(() -> CG.solve(product, b), "positive definite");
    LinearSolver hasty = LinearSolver.conjugateGradients(1e-12, 2);
    Tensor spd = matrix(normal(1, N, N), true);
    arithmetic(() -> hasty.solve((Tensor v) -> spd.matmul(v), B), "within 2 steps");
    arithmetic(() -> NORMAL.solve((Tensor v) -> v.mul(0), B), "singular");
    Tensor nan = B.mul(Double.NaN);
    arithmetic(() -> CG.solve((Tensor v) -> spd.matmul(v), nan), "residual");
    double[] z =
        Interpreted.everywhere(
            p -> CG.solve((Tensor v) -> spd.matmul(v), p), Tensor.zeros(DType.F64, N));
    assertArrayEquals(new double[N], z);
  }

  private static void arithmetic(Executable call, String words) {
    Executable waited =
        () -> {
          call.execute();
          Hesse.synchronize(); // a GPU says so when it is waited for
        };
    String message = String.valueOf(assertThrows(ArithmeticException.class, waited).getMessage());
    assertTrue(message.contains(words), message);
  }

  @Test
  void rightHandSidesAreRealOfOneType() {
    for (LinearSolver solver :
        List.of(LinearSolver.dense(), LinearSolver.conjugateGradients(1e-6, 20))) {
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () -> solver.solve(v -> v, Tensor.arange(DType.I32, 3)));
      assertTrue(e.getMessage().startsWith("b: leaf '' is I32[3]"), e.getMessage());
      List<Tensor> mixed = List.of(Tensor.ones(DType.F32, 2), Tensor.ones(DType.F64, 2));
      e = assertThrows(IllegalArgumentException.class, () -> solver.solve(v -> v, mixed));
      assertTrue(e.getMessage().startsWith("b: leaf '1' is F64[2]; expected F32"), e.getMessage());
    }
  }

  @Test
  void misuseIsExplained() {
    illegalArgument(() -> LinearSolver.conjugateGradients(0, 5), "tolerance", "0.0");
    illegalArgument(() -> LinearSolver.normalEquations(1e-3, 0), "steps", "0");
    illegalArgument(() -> CG.solve((Tensor v) -> v.sum(), B), "a:", "F64[]", "F64[6]");
    Tensor whole = Tensor.of(new int[] {1, 2});
    illegalArgument(() -> CG.solve((Tensor v) -> v, whole), "b:", "I32[2]", "cast");
    List<Tensor> mixed = List.of(B, B.cast(DType.F32));
    illegalArgument(() -> LinearSolver.dense().solve(v -> v, mixed), "'1'", "F32[6]");
    illegalArgument(() -> CG.solve(v -> v, List.of()), "nothing to solve");
    Tensor large = Tensor.zeros(DType.F64, LinearSolver.Dense.LIMIT + 1);
    illegalArgument(
        () -> LinearSolver.dense().solve((Tensor v) -> v, large), "4097", "conjugateGradients");
  }
}
