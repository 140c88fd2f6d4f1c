package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Matrices.Triangle;
import org.hesse.Tensor;
import org.hesse.testing.OpRow.Sample;

/**
 * Operations on matrices that are put together from others, against their definitions: expansion by
 * minors, sums over elements, products that give back what was factorised.
 */
final class MatrixRows {
  private static final double ULPS = 200;

  private final Gen gen = new Gen(6);
  private final List<OpRow> rows = new ArrayList<>();

  private MatrixRows() {}

  static List<OpRow> rows() {
    MatrixRows r = new MatrixRows();
    r.determinants();
    r.factors();
    r.diagonals();
    return r.rows;
  }

  /** Diagonally dominant, diagonal elements well apart. */
  private Arr matrix(int... dims) {
    Arr noise = gen.uniform(-0.3, 0.3, dims);
    return Arr.build(DType.F64, dims, i -> noise.at(i) + (i[0] == i[1] ? 2 + i[0] : 0));
  }

  private void one(
      String name, double ulps, UnaryOperator<Tensor> op, UnaryOperator<Arr> f, Arr... smooth) {
    List<Sample> samples = new ArrayList<>();
    for (Arr a : smooth) {
      samples.add(smooth(a));
    }
    Function<List<Arr>, Arr> reference = in -> f.apply(in.get(0));
    OpRow row = OpRow.of(name, 3, ulps, in -> op.apply(in.get(0)), reference, samples);
    rows.add(ulps == 0 ? row : row.sized(in -> largest(reference.apply(in))));
  }

  /** Rounded at the size of the largest element of the result. */
  private static Arr largest(Arr y) {
    double most = Math.max(1, y.maxAbs());
    return y.map(v -> most);
  }

  private static Arr minor(Arr a, int row, int column) {
    int n = a.dims()[0] - 1;
    return Arr.build(
        DType.F64,
        new int[] {n, n},
        i -> a.at(i[0] < row ? i[0] : i[0] + 1, i[1] < column ? i[1] : i[1] + 1));
  }

  /** Expanded along the first row. */
  private static double det(Arr a) {
    double sum = a.dims()[0] == 0 ? 1 : 0;
    for (int j = 0; j < a.dims()[0]; j++) {
      sum += (j % 2 == 0 ? 1 : -1) * a.at(0, j) * det(minor(a, 0, j));
    }
    return sum;
  }

  /** By Cramer's rule. */
  private static Arr inverse(Arr a) {
    double det = det(a);
    return Arr.build(
        DType.F64,
        a.dims(),
        i -> ((i[0] + i[1]) % 2 == 0 ? 1 : -1) * det(minor(a, i[1], i[0])) / det);
  }

  private void determinants() {
    one("det", ULPS, Matrices::det, a -> Arr.real(new int[0], det(a)), matrix(3, 3), matrix(1, 1));
    one("inverse", ULPS, Matrices::inverse, MatrixRows::inverse, matrix(3, 3), matrix(1, 1));
    one("trace", 8, Matrices::trace, MatrixRows::trace, gen.normal(3, 3), gen.normal(1, 1));
    rows.add(
        OpRow.of(
                "solveCholesky",
                3,
                ULPS,
                in -> Matrices.solveCholesky(in.get(0), in.get(1)),
                in -> ReductionRows.matmul(inverse(gram(lower(in.get(0), 0))), in.get(1)),
                List.of(
                    smooth(matrix(3, 3), gen.normal(3, 2)), edge(matrix(4, 4), gen.normal(4, 1))))
            .sized(in ->
                largest(ReductionRows.matmul(inverse(gram(lower(in.get(0), 0))), in.get(1)))));
  }

  private static Arr trace(Arr a) {
    double sum = 0;
    for (int i = 0; i < a.dims()[0]; i++) {
      sum += a.at(i, i);
    }
    return Arr.real(new int[0], sum);
  }

  /** L Lᵀ. */
  private static Arr gram(Arr l) {
    int[] d = {l.dims()[1], l.dims()[0]};
    return ReductionRows.matmul(l, Arr.build(DType.F64, d, i -> l.at(i[1], i[0])));
  }

  private static Arr lower(Arr a, int offset) {
    return Arr.build(a.dtype(), a.dims(), i -> i[1] <= i[0] + offset ? a.at(i) : 0);
  }

  private static Arr upper(Arr a, int offset) {
    return Arr.build(a.dtype(), a.dims(), i -> i[1] >= i[0] + offset ? a.at(i) : 0);
  }

  private static double[][] elements(Arr a) {
    double[][] rows = new double[a.dims()[0]][a.dims()[1]];
    Arr.forEach(a.dims(), i -> rows[i[0]][i[1]] = a.at(i));
    return rows;
  }

  /** Gaussian elimination without pivots, which a dominant diagonal does not need. */
  private static Arr eliminated(Arr a) {
    int n = a.dims()[0];
    double[][] m = elements(a);
    for (int k = 0; k < n; k++) {
      for (int i = k + 1; i < n; i++) {
        m[i][k] /= m[k][k];
        for (int j = k + 1; j < n; j++) {
          m[i][j] -= m[i][k] * m[k][j];
        }
      }
    }
    return Arr.build(DType.F64, a.dims(), i -> m[i[0]][i[1]]);
  }

  private void factors() {
    Arr square = matrix(3, 3);
    one("lu l", ULPS, a -> Matrices.lu(a).l(), a -> withOnes(lower(eliminated(a), -1)), square);
    one("lu u", ULPS, a -> Matrices.lu(a).u(), a -> upper(eliminated(a), 0), square);
    // The factors that are not unique, by what is unique: V f(Λ) Vᵀ and U f(S) Vᵀ, f(x) = x³.
    one(
        "eigh cubed",
        ULPS,
        a -> {
          var e = Matrices.eigh(a);
          return e.vectors().mul(e.values().pow(3)).matmul(e.vectors().transpose());
        },
        a -> {
          Arr s = Arr.build(DType.F64, a.dims(), i -> (a.at(i) + a.at(i[1], i[0])) / 2);
          return ReductionRows.matmul(s, ReductionRows.matmul(s, s));
        },
        square);
    one(
        "svd cubed",
        ULPS,
        a -> {
          var s = Matrices.svd(a);
          return s.u().mul(s.s().pow(3)).matmul(s.vt());
        },
        a -> ReductionRows.matmul(gram(a), a),
        square,
        matrix(3, 2));
  }

  private static Arr withOnes(Arr a) {
    return Arr.build(DType.F64, a.dims(), i -> i[0] == i[1] ? 1 : a.at(i));
  }

  private void diagonals() {
    one(
        "diagonal",
        0,
        Matrices::diagonal,
        a ->
            Arr.build(
                a.dtype(), new int[] {Math.min(a.dims()[0], a.dims()[1])}, i -> a.at(i[0], i[0])),
        gen.normal(3, 3),
        gen.normal(2, 4),
        gen.normal(3, 0));
    one(
        "diagonalMatrix",
        0,
        Matrices::diagonalMatrix,
        a ->
            Arr.build(
                a.dtype(), new int[] {a.size(), a.size()}, i -> i[0] == i[1] ? a.at(i[0]) : 0),
        gen.normal(3),
        gen.normal(1),
        gen.normal(0));
    one("lower", 0, a -> Matrices.lower(a, -1), a -> lower(a, -1), gen.normal(3, 4));
    one("upper", 0, a -> Matrices.upper(a, 1), a -> upper(a, 1), gen.normal(4, 3));
    for (Triangle t : Triangle.values()) {
      rows.add(
          OpRow.of(
                  "solveTriangular unit " + t,
                  3,
                  ULPS,
                  in -> Matrices.solveTriangular(in.get(0), in.get(1), t, false, true),
                  in -> ReductionRows.matmul(inverse(unit(in.get(0), t)), in.get(1)),
                  List.of(smooth(gen.uniform(-0.5, 0.5, 3, 3), gen.normal(3, 2))))
              .sized(in -> largest(ReductionRows.matmul(inverse(unit(in.get(0), t)), in.get(1)))));
    }
  }

  private static Arr unit(Arr a, Triangle t) {
    return withOnes(t == Triangle.LOWER ? lower(a, -1) : upper(a, 1));
  }
}
