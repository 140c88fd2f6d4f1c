package org.hesse.curvature.landscape;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.Objective;
import org.hesse.curvature.landscape.CriticalPoint.Definiteness;
import org.hesse.curvature.landscape.CriticalPoint.Kind;
import org.hesse.io.Dataset;
import org.hesse.linalg.EigenvalueCount;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.junit.jupiter.api.Test;

/** Critical points of functions whose Hessians are known in closed form. */
class CriticalPointTest {
  private static Tensor x(Tensor p) {
    return p.select(0, 0);
  }

  private static Tensor y(Tensor p) {
    return p.select(0, 1);
  }

  private static CriticalPoint at(Function<Tensor, Tensor> f, double... point) {
    return CriticalPoint.classify(f, Tensor.of(point)).run();
  }

  private static Tensor rosenbrock(Tensor p) {
    Tensor valley = y(p).sub(x(p).square()).square().mul(100);
    return x(p).sub(1).square().add(valley);
  }

  private static Tensor monkeySaddle(Tensor p) {
    return x(p).pow(3).sub(x(p).mul(y(p).square()).mul(3));
  }

  @Test
  void rosenbrockHasItsMinimumAtOneOne() {
    CriticalPoint p = at(CriticalPointTest::rosenbrock, 1, 1);
    assertEquals(Kind.MINIMUM, p.kind());
    // H = [[802, -400], [-400, 200]].
    double root = Math.sqrt(1002.0 * 1002 - 4 * 400);
    assertEquals((1002 - root) / 2, p.smallest().value(), 1e-9);
    assertEquals((1002 + root) / 2, p.largest().value(), 1e-9);
    assertTrue(p.smallest().residual() < 1e-10);
    assertEquals(Kind.NOT_CRITICAL, at(CriticalPointTest::rosenbrock, -1.2, 1).kind());
    assertEquals(
        Kind.MAXIMUM, at(q -> rosenbrock(q).neg(), 1, 1).kind(), "of the function turned over");
  }

  @Test
  void aSaddleAndADegenerateOne() {
    CriticalPoint saddle = at(p -> x(p).square().sub(y(p).square()), 0, 0);
    assertEquals(Kind.SADDLE, saddle.kind());
    assertEquals(exactly(1), saddle.negative());
    CriticalPoint monkey = at(CriticalPointTest::monkeySaddle, 0, 0);
    assertEquals(Kind.DEGENERATE, monkey.kind(), "its Hessian is zero");
    assertEquals(exactly(2), monkey.nullity());
    CriticalPoint off = at(CriticalPointTest::monkeySaddle, 1, 0);
    assertEquals(Kind.NOT_CRITICAL, off.kind());
    assertEquals(Definiteness.INDEFINITE, off.hessian(), "diag(6, -6) all the same");
    CriticalPoint trough = at(p -> x(p).square().add(y(p).pow(4)), 0, 0);
    assertEquals(Kind.DEGENERATE, trough.kind(), "a minimum that second derivatives do not show");
    CriticalPoint fold = at(p -> x(p).square().sub(x(p).mul(y(p)).mul(2)).add(y(p).pow(3)), 0, 0);
    assertEquals(Kind.SADDLE, fold.kind(), "[[2, -2], [-2, 0]]");
  }

  /** Two layers of a linear network: f = mean (v·u·x − y)², a saddle at 0. */
  private record Deep(Tensor u, Tensor v) {}

  @Test
  void aDeepLinearNetIsAtASaddleAtZero() {
    int d = 3;
    Tensor inputs = RngKey.of(1).normal(DType.F64, 12, d);
    Tensor targets = inputs.matmul(RngKey.of(2).normal(DType.F64, d, d));
    Function<Deep, Tensor> two = m -> inputs.matmul(m.u).matmul(m.v).sub(targets).square().mean();
    Deep zero = new Deep(Tensor.zeros(DType.F64, d, d), Tensor.zeros(DType.F64, d, d));
    CriticalPoint p = CriticalPoint.classify(two, zero).run();
    // H is [[0, C], [Cᵀ, 0]] with C = I ⊗ (XᵀY), so eigenvalues come in pairs ±s.
    assertEquals(Kind.SADDLE, p.kind());
    assertEquals(exactly(d * d), p.negative());
    assertEquals(exactly(d * d), p.positive());
    assertEquals(-p.largest().value(), p.smallest().value(), 1e-9);
    // With three layers every second derivative at 0 has a factor 0.
    Function<List<Tensor>, Tensor> three =
        m -> {
          Tensor y = inputs.matmul(m.get(0)).matmul(m.get(1)).matmul(m.get(2));
          return y.sub(targets).square().mean();
        };
    List<Tensor> zeros = List.of(zero.u, zero.u, zero.u);
    CriticalPoint flat = CriticalPoint.classify(three, zeros).run();
    assertEquals(Kind.DEGENERATE, flat.kind());
    assertEquals(exactly(3 * d * d), flat.nullity());
  }

  @Test
  void quadraticsOfKnownSignatureDenseAndByLanczos() {
    int n = 40;
    Random random = new Random(3);
    for (int[] signature :
        new int[][] {{0, 0}, {40, 0}, {7, 0}, {1, 3}, {0, 5}, {35, 5}, {0, 40}}) {
      int negative = signature[0];
      int zeros = signature[1];
      double[] values = new double[n];
      for (int i = 0; i < n; i++) {
        double size = 0.5 + random.nextDouble() * 3;
        values[i] = i < negative ? -size : i < negative + zeros ? 0 : size;
      }
      LinearOperator h = withEigenvalues(values);
      Kind expected = expected(n, negative, zeros);
      for (int dense : new int[] {n, 0}) {
        String what = negative + " negative, " + zeros + " zero, dense up to " + dense;
        Tensor gradient = Tensor.zeros(DType.F64, n);
        CriticalPoint p = CriticalPoint.classify(h, gradient).dense(dense).run();
        assertEquals(expected, p.kind(), what + ": " + p);
        Arrays.sort(values);
        assertEquals(values[0], p.smallest().value(), p.smallest().residual(), what);
        assertEquals(values[n - 1], p.largest().value(), p.largest().residual(), what);
        assertHas(p.negative(), negative, what);
        assertHas(p.nullity(), zeros, what);
        assertHas(p.positive(), n - negative - zeros, what);
        if (dense == n) {
          assertEquals(exactly(negative), p.negative(), what);
          assertEquals(exactly(zeros), p.nullity(), what);
          assertEquals(exactly(n - negative - zeros), p.positive(), what);
        }
      }
    }
  }

  private static EigenvalueCount exactly(int n) {
    return new EigenvalueCount(n, n, n);
  }

  private static Kind expected(int n, int negative, int zeros) {
    if (zeros == 0 && (negative == 0 || negative == n)) {
      return negative == 0 ? Kind.MINIMUM : Kind.MAXIMUM;
    }
    return negative > 0 && negative + zeros < n ? Kind.SADDLE : Kind.DEGENERATE;
  }

  private static void assertHas(EigenvalueCount count, int n, String what) {
    assertTrue(count.low() <= n && n <= count.high(), what + ": " + count);
    assertTrue(count.low() <= count.value() && count.value() <= count.high(), what + ": " + count);
  }

  private static LinearOperator withEigenvalues(double[] values) {
    int n = values.length;
    Tensor q = Matrices.qr(RngKey.of(9).normal(DType.F64, n, n)).q();
    Tensor a = q.mul(Tensor.of(values)).matmul(q.transpose());
    return LinearOperator.ofDense(a.add(a.transpose()).mul(0.5));
  }

  /** Sylvester: positive definite if and only if all leading minors are positive. */
  @Test
  void agreesWithSylvestersCriterion() {
    int definite = 0;
    for (int seed = 0; seed < 40; seed++) {
      Tensor a = RngKey.of(seed).normal(DType.F64, 4, 4);
      Tensor h = a.add(a.transpose()).add(Tensor.eye(DType.F64, 4).mul(3.5));
      boolean positive = true;
      for (int k = 1; k <= 4; k++) {
        positive &= Matrices.det(h.slice(0, 0, k).slice(1, 0, k)).item() > 0;
      }
      CriticalPoint p =
          CriticalPoint.classify((Tensor v) -> v.mul(h.matmul(v)).sum(), Tensor.of(new double[4]))
              .run();
      assertEquals(positive, p.kind() == Kind.MINIMUM, "seed " + seed + ": " + p);
      definite += positive ? 1 : 0;
    }
    assertTrue(definite > 5 && definite < 35, "both cases occur: " + definite);
  }

  @Test
  void whatTheBoundsLeaveOpenIsUndecided() {
    LinearOperator h = LinearOperator.ofDiagonal(Tensor.of(new double[] {1e-8, 0.5, 1}));
    Tensor zero = Tensor.zeros(DType.F64, 3);
    // Just within the tolerance, but not by more than the error of the eigenvalue.
    CriticalPoint p = CriticalPoint.classify(h, zero).zeroTolerance(1e-8).run();
    assertEquals(Kind.UNDECIDED, p.kind());
    assertEquals(new EigenvalueCount(p.nullity().value(), 0, 1), p.nullity());
    assertEquals(Kind.DEGENERATE, CriticalPoint.classify(h, zero).zeroTolerance(1e-7).run().kind());
    assertEquals(Kind.MINIMUM, CriticalPoint.classify(h, zero).zeroTolerance(1e-9).run().kind());
  }

  @Test
  void theMorseIndexOfALargeSaddleIsEnclosed() {
    int n = 2000;
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = i < 300 ? -1 - i / 300.0 : 1 + i / 500.0;
    }
    LinearOperator h = LinearOperator.ofDiagonal(Tensor.of(values));
    CriticalPoint p = CriticalPoint.classify(h, Tensor.zeros(DType.F64, n)).run();
    assertEquals(Kind.SADDLE, p.kind());
    assertTrue(p.negative().low() < p.negative().high(), "an estimate");
    assertHas(p.negative(), 300, "Morse index");
    assertTrue(p.negative().high() - p.negative().low() < 60, p.negative().toString());
    assertEquals(-1 - 299 / 300.0, p.smallest().value(), p.smallest().residual());
    assertTrue(p.smallest().residual() < 1e-6);
  }

  @Test
  void singlePrecisionHasWiderTolerances() {
    Tensor d = Tensor.of(new float[] {3, -2, 1e-5f}, 3);
    Function<Tensor, Tensor> f = v -> v.square().mul(d).sum();
    CriticalPoint p = CriticalPoint.classify(f, Tensor.of(new float[] {0, 1e-6f, 0}, 3)).run();
    assertEquals(Kind.SADDLE, p.kind(), p.toString());
    assertEquals(exactly(1), p.nullity());
    assertTrue(p.toString().contains("1 negative, 1 zero, 1 positive"), p.toString());
  }

  /** Least squares has a minimum at the solution, where the Hessian is 2/N XᵀX. */
  @Test
  void anObjectivesModelIsClassified() {
    Tensor x = RngKey.of(4).normal(DType.F64, 9, 3);
    Tensor w = Tensor.of(new double[] {1, -2, 0.5}, 1, 3);
    Dataset data = Dataset.regression("line", x, x.matmul(w.transpose()));
    Linear solution = new Linear(w, Tensor.zeros(DType.F64, 1));
    Objective<Linear> f = Objective.of(solution, Loss.MSE, data.batches(4));
    CriticalPoint p = CriticalPoint.classify(f.parameters("weight")).run();
    assertEquals(Kind.MINIMUM, p.kind());
    Tensor expected = Matrices.eigh(x.transpose().matmul(x).mul(2.0 / 9)).values();
    assertEquals(expected.toDoubleArray()[0], p.smallest().value(), 1e-12);
    Linear elsewhere = new Linear(w.mul(2), solution.bias());
    assertEquals(Kind.NOT_CRITICAL, CriticalPoint.classify(f.at(elsewhere)).run().kind());
  }

  @Test
  void badInputIsNamed() {
    LinearOperator h = LinearOperator.ofDiagonal(Tensor.of(new double[] {1, 2}));
    Exception shape =
        assertThrows(
            IllegalArgumentException.class,
            () -> CriticalPoint.classify(h, Tensor.of(new double[] {1})));
    assertTrue(shape.getMessage().startsWith("gradient: F64[1]"), shape.getMessage());
    LinearOperator skew = LinearOperator.ofDense(Tensor.of(new double[] {0, 1, -1, 0}, 2, 2));
    Tensor zero = Tensor.of(new double[] {0, 0});
    assertThrows(IllegalArgumentException.class, () -> CriticalPoint.classify(skew, zero));
    LinearOperator pretends = skew.assumeSymmetric();
    assertThrows(NumericalException.class, () -> CriticalPoint.classify(pretends, zero).run());
    Tensor bad = Tensor.of(new double[] {0, Double.NaN});
    assertThrows(NumericalException.class, () -> CriticalPoint.classify(h, bad).run());
    Classification c = CriticalPoint.classify(h, zero);
    assertThrows(IllegalArgumentException.class, () -> c.gradientTolerance(0));
    assertThrows(IllegalArgumentException.class, () -> c.zeroTolerance(-1));
    assertThrows(IllegalArgumentException.class, () -> c.dense(-1));
  }
}
