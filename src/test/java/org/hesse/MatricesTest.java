package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hesse.Matrices.Triangle;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Values: closed forms, and residuals bounded by the rounding of backward stable algorithms. */
class MatricesTest {
  /** A dtype and the shape of a batch of matrices. */
  record Sample(DType dtype, int[] dims) {
    Tensor normal(long seed) {
      return Derivatives.normal(seed, dtype, dims);
    }

    int rows() {
      return dims[dims.length - 2];
    }

    int columns() {
      return dims[dims.length - 1];
    }

    /** A residual relative to the operand's norm stays below a small multiple of n ε. */
    void small(Tensor residual, Tensor operand) {
      double n = Math.max(1, Math.max(rows(), columns()));
      double scale = operand.size() == 0 ? 1 : operand.abs().max().item();
      double error = residual.size() == 0 ? 0 : residual.abs().max().item();
      assertTrue(error <= 20 * n * dtype.epsilon() * scale, this + ": " + error + " of " + scale);
    }

    @Override
    public String toString() {
      return dtype + java.util.Arrays.toString(dims);
    }
  }

  private static Stream<Sample> of(List<int[]> shapes) {
    return Stream.of(DType.F32, DType.F64).flatMap(t -> shapes.stream().map(s -> new Sample(t, s)));
  }

  static Stream<Sample> square() {
    return of(
        List.of(
            new int[] {1, 1},
            new int[] {2, 2},
            new int[] {5, 5},
            new int[] {100, 100},
            new int[] {7, 4, 4},
            new int[] {2, 3, 1, 1},
            new int[] {300, 3, 3},
            new int[] {0, 3, 3},
            new int[] {3, 0, 0},
            new int[] {0, 0}));
  }

  static Stream<Sample> any() {
    List<int[]> more =
        List.of(
            new int[] {6, 2},
            new int[] {2, 6},
            new int[] {3, 100, 7},
            new int[] {2, 2, 3, 5},
            new int[] {4, 0},
            new int[] {0, 4});
    return Stream.concat(square(), of(more));
  }

  private static Tensor product(Tensor a, Tensor b) {
    return a.matmul(b);
  }

  private static Tensor identity(Tensor like, int n) {
    return like.sub(like).add(Tensor.eye(like.dtype(), n));
  }

  /** X Xᵀ + 1, whose smallest eigenvalue is at least 1. */
  private static Tensor positive(Tensor x) {
    return product(x, x.transpose()).add(Tensor.eye(x.dtype(), x.dim(-1)));
  }

  private static void zero(Tensor t) {
    assertEquals(0, t.size() == 0 ? 0 : t.abs().max().item());
  }

  @ParameterizedTest
  @MethodSource("square")
  void choleskyIsLowerTriangularAndMultipliesBack(Sample s) {
    Tensor a = positive(s.normal(1));
    Tensor l = Matrices.cholesky(a);
    s.small(product(l, l.transpose()).sub(a), a);
    zero(Matrices.upper(l, 1));
    assertTrue(l.size() == 0 || Matrices.diagonal(l).neg().max().item() < 0);
  }

  @ParameterizedTest
  @MethodSource("square")
  void solutionsAndInversesMultiplyBack(Sample s) {
    Tensor a = positive(s.normal(2));
    int[] dims = s.dims().clone();
    dims[dims.length - 1] = 3;
    Tensor b = Derivatives.normal(3, s.dtype(), dims);
    s.small(product(a, Matrices.solve(a, b)).sub(b), product(a.abs(), b.abs()));
    Tensor one = identity(a, s.rows());
    s.small(product(a, Matrices.inverse(a)).sub(one), a);
    Tensor l = Matrices.cholesky(a);
    Tensor x = Matrices.solveCholesky(l, b);
    s.small(product(a, x).sub(b), product(a.abs(), b.abs()));
  }

  @ParameterizedTest
  @MethodSource("square")
  void everyTriangularSystemIsSolvedAndTheOtherHalfIsNotRead(Sample s) {
    int n = s.rows();
    Tensor x = s.normal(4);
    Tensor nan = x.mul(0).add(Double.NaN);
    Tensor b = s.normal(5);
    for (Triangle triangle : Triangle.values()) {
      boolean low = triangle == Triangle.LOWER;
      for (boolean unit : new boolean[] {false, true}) {
        // Well conditioned: small off the diagonal.
        Tensor off = (low ? Matrices.lower(x, -1) : Matrices.upper(x, 1)).div(Math.max(1, n));
        Tensor a = off.add(identity(x, n).mul(unit ? 1 : 2));
        Tensor junk = low ? Matrices.upper(nan, 1) : Matrices.lower(nan, -1);
        Tensor given = a.add(junk).sub(unit ? identity(x, n) : x.mul(0));
        for (boolean transposed : new boolean[] {false, true}) {
          Tensor y = Matrices.solveTriangular(given, b, triangle, transposed, unit);
          s.small(product(transposed ? a.transpose() : a, y).sub(b), b);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("square")
  void luMultipliesBackToThePermutedRows(Sample s) {
    Tensor a = s.normal(6);
    Matrices.Lu lu = Matrices.lu(a);
    Tensor rows = lu.rows().insertAxis(-1).eq(Tensor.arange(DType.I32, s.rows()));
    s.small(product(lu.l(), lu.u()).sub(product(rows.cast(s.dtype()), a)), a);
    zero(Matrices.upper(lu.l(), 1));
    zero(Matrices.lower(lu.u(), -1));
    zero(Matrices.diagonal(lu.l()).sub(1));
    assertTrue(lu.l().size() == 0 || lu.l().abs().max().item() <= 1);
  }

  @ParameterizedTest
  @MethodSource("square")
  void eigenvectorsAreOrthonormalAndAscending(Sample s) {
    Tensor x = s.normal(7);
    Tensor a = x.add(x.transpose());
    Matrices.Eigh e = Matrices.eigh(a);
    Tensor v = e.vectors();
    s.small(product(v.transpose(), v).sub(identity(a, s.rows())), Tensor.ones(s.dtype(), 1));
    Tensor scaled = v.mul(e.values().insertAxis(-2));
    s.small(product(a, v).sub(scaled), a.mul(Math.sqrt(Math.max(1, s.rows()))));
    int n = s.rows();
    if (n > 1 && a.size() > 0) {
      Tensor steps = e.values().slice(-1, 1, n).sub(e.values().slice(-1, 0, n - 1));
      assertTrue(steps.neg().max().item() <= 0);
    }
    s.small(e.values().sum(-1).sub(Matrices.trace(a)), a.mul(n));
  }

  @ParameterizedTest
  @MethodSource("any")
  void qrIsOrthonormalTimesUpperTriangular(Sample s) {
    Tensor a = s.normal(8);
    Matrices.Qr qr = Matrices.qr(a);
    int k = Math.min(s.rows(), s.columns());
    assertEquals(k, qr.q().dim(-1));
    assertEquals(k, qr.r().dim(-2));
    s.small(product(qr.q(), qr.r()).sub(a), a);
    Tensor gram = product(qr.q().transpose(), qr.q());
    s.small(gram.sub(identity(gram, k)), Tensor.ones(s.dtype(), 1));
    zero(Matrices.lower(qr.r(), -1));
    assertTrue(qr.r().size() == 0 || Matrices.diagonal(qr.r()).neg().max().item() <= 0);
  }

  @ParameterizedTest
  @MethodSource("any")
  void singularVectorsAreOrthonormalAndDescending(Sample s) {
    Tensor a = s.normal(9);
    Matrices.Svd d = Matrices.svd(a);
    int k = Math.min(s.rows(), s.columns());
    s.small(product(d.u().mul(d.s().insertAxis(-2)), d.vt()).sub(a), a.mul(2));
    Tensor one = Tensor.ones(s.dtype(), 1);
    Tensor left = product(d.u().transpose(), d.u());
    s.small(left.sub(identity(left, k)), one);
    Tensor right = product(d.vt(), d.vt().transpose());
    s.small(right.sub(identity(right, k)), one);
    if (k > 1 && a.size() > 0) {
      Tensor steps = d.s().slice(-1, 0, k - 1).sub(d.s().slice(-1, 1, k));
      assertTrue(steps.neg().max().item() <= 0);
      assertTrue(d.s().neg().max().item() <= 0);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void determinantsOfKnownMatrices(DType dtype) {
    Tensor a = Tensor.of(new double[] {1, 2, 3, 4, 0, 1, 1, 0, 2, 1, 1, 2}, 3, 2, 2).cast(dtype);
    assertEquals(
        List.of(-2.0, -1.0, 3.0),
        IntStream.range(0, 3)
            .mapToObj(i -> (double) Math.round(1e5 * Matrices.det(a).select(0, i).item()) / 1e5)
            .toList());
    Matrices.LogDeterminant d = Matrices.slogdet(a);
    Expect.close(Tensor.of(new double[] {-1, -1, 1}), d.sign().cast(DType.F64), 0);
    Tensor logs = Tensor.of(new double[] {Math.log(2), 0, Math.log(3)});
    Expect.close(logs, d.log().cast(DType.F64), 4 * dtype.epsilon());
    assertEquals(1, Matrices.det(Tensor.zeros(dtype, 0, 0)).item());
    assertEquals(0, Matrices.slogdet(Tensor.zeros(dtype, 0, 0)).log().item());
    // A permutation with a cycle of three and one of two is odd.
    int[] to = {1, 2, 0, 4, 3};
    double[] p = new double[25];
    for (int i = 0; i < 5; i++) {
      p[5 * i + to[i]] = 1;
    }
    assertEquals(-1, Matrices.det(Tensor.of(p, 5, 5).cast(dtype)).item());
  }

  @Test
  void aSingularMatrixHasDeterminantZero() {
    Tensor a = Tensor.of(new double[] {1, 2, 2, 4}, 2, 2);
    assertEquals(0, Matrices.det(a).item());
    Matrices.LogDeterminant d = Matrices.slogdet(a);
    assertEquals(0, d.sign().item());
    assertEquals(Double.NEGATIVE_INFINITY, d.log().item());
  }

  @Test
  void theLogarithmOfADeterminantDoesNotOverflow() {
    Tensor a = Tensor.eye(DType.F64, 200).mul(-1e10);
    assertEquals(200 * Math.log(1e10), Matrices.slogdet(a).log().item(), 1e-9);
    assertEquals(1, Matrices.slogdet(a).sign().item());
  }

  /** The Hilbert matrix of order 4 has a whole inverse. */
  @Test
  void theInverseOfTheHilbertMatrix() {
    double[] h = new double[16];
    for (int i = 0; i < 16; i++) {
      h[i] = 1.0 / (i / 4 + i % 4 + 1);
    }
    double[] inverse = {
      16, -120, 240, -140, -120, 1200, -2700, 1680, 240, -2700, 6480, -4200, -140, 1680, -4200, 2800
    };
    Expect.close(Tensor.of(inverse, 4, 4), Matrices.inverse(Tensor.of(h, 4, 4)), 1e-11);
  }

  /** The second difference matrix has eigenvalues 2 − 2 cos(kπ/(n+1)). */
  @Test
  void theEigenvaluesOfTheSecondDifference() {
    int n = 50;
    Tensor band = Matrices.lower(Matrices.upper(Tensor.full(-1, DType.F64, n, n), -1), 1);
    Tensor a = band.add(Tensor.eye(DType.F64, n).mul(3));
    double[] values =
        IntStream.rangeClosed(1, n)
            .mapToDouble(k -> 2 - 2 * Math.cos(k * Math.PI / (n + 1)))
            .toArray();
    Expect.close(Tensor.of(values), Matrices.eigh(a).values(), 1e-13);
    Expect.close(Tensor.of(values).reverse(0), Matrices.svd(a).s(), 1e-13);
  }

  @Test
  void rightHandSidesBroadcast() {
    Tensor a = positive(Derivatives.normal(1, DType.F64, 3, 3));
    Tensor batch = positive(Derivatives.normal(2, DType.F64, 4, 3, 3));
    Tensor vector = Derivatives.normal(3, DType.F64, 3);
    Tensor many = Derivatives.normal(4, DType.F64, 2, 1, 3, 5);
    Tensor x = Matrices.solve(a, vector);
    assertEquals(Shape.of(3), x.shape());
    Expect.close(vector, a.matmul(x), 1e-12);
    Tensor y = Matrices.solve(batch, vector);
    assertEquals(Shape.of(4, 3), y.shape());
    Expect.close(Matrices.solve(batch.select(0, 2), vector), y.select(0, 2), 1e-12);
    Tensor z = Matrices.solve(a, many);
    assertEquals(many.shape(), z.shape());
    Expect.close(
        Matrices.solve(a, many.select(0, 1).select(0, 0)), z.select(0, 1).select(0, 0), 1e-12);
    Tensor w = Matrices.solve(batch, many);
    assertEquals(Shape.of(2, 4, 3, 5), w.shape());
    Expect.close(
        Matrices.solve(batch.select(0, 3), many.select(0, 1).select(0, 0)),
        w.select(0, 1).select(0, 3),
        1e-12);
  }

  /** The same matrices one by one, bit for bit. */
  @Test
  void aBatchIsItsMatrices() {
    Tensor x = positive(Derivatives.normal(5, DType.F64, 40, 12, 12));
    List<Function<Tensor, Tensor>> calls =
        List.of(
            Matrices::cholesky,
            Matrices::inverse,
            Matrices::det,
            a -> Matrices.eigh(a).vectors(),
            a -> Matrices.qr(a).q(),
            a -> Matrices.svd(a).vt());
    for (Function<Tensor, Tensor> f : calls) {
      Tensor all = f.apply(x);
      for (int i = 0; i < 40; i += 13) {
        Expect.close(f.apply(x.select(0, i)), all.select(0, i), 0);
      }
    }
  }

  @Test
  void stridedOperandsAreRead() {
    Tensor x = Derivatives.normal(6, DType.F64, 5, 2, 4, 6);
    Function<Tensor, Tensor> f =
        t -> {
          Tensor p = t.permute(1, 0, 3, 2).slice(-2, 1, 5).reverse(2);
          return Matrices.solve(p, Matrices.qr(p).q().transpose());
        };
    Expect.close(f.apply(x), Autodiff.compile(f).apply(x), 1e-12);
  }

  @Test
  void diagonalsAndTriangles() {
    Tensor a = Tensor.arange(DType.I32, 6).reshape(2, 3);
    assertEquals(List.of(0.0, 4.0), list(Matrices.diagonal(a)));
    assertEquals(
        List.of(0.0, 3.0),
        list(Matrices.diagonal(a.transpose()).mul(1).sub(Tensor.of(new int[] {0, 1}))));
    assertEquals(List.of(0.0, 0.0, 0.0, 3.0, 0.0, 0.0), list(Matrices.lower(a, -1)));
    assertEquals(List.of(0.0, 1.0, 2.0, 0.0, 4.0, 5.0), list(Matrices.upper(a, 0)));
    Tensor v = Tensor.of(new double[] {1, 2, 3, 4}, 2, 2);
    assertEquals(List.of(1.0, 0.0, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0), list(Matrices.diagonalMatrix(v)));
    assertEquals(5, Matrices.trace(v).item());
  }

  private static List<Double> list(Tensor t) {
    return java.util.Arrays.stream(t.toDoubleArray()).boxed().toList();
  }
}
