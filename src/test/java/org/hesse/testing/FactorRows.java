package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Matrices.Triangle;
import org.hesse.Tensor;
import org.hesse.ir.FactorKind;
import org.hesse.testing.OpRow.Sample;

/** Dense linear algebra on well-conditioned matrices, against textbook algorithms. */
final class FactorRows {
  /** Of the largest element of the result, for matrices with condition numbers below 20. */
  private static final double ULPS = 200;

  private final Gen gen = new Gen(5);
  private final List<OpRow> rows = new ArrayList<>();

  private FactorRows() {}

  static List<OpRow> rows() {
    FactorRows r = new FactorRows();
    r.solvers();
    r.factorisations();
    return r.rows;
  }

  /** Diagonally dominant, with diagonal elements 2, 4, 6 … so that values are well apart. */
  private Arr matrix(int... dims) {
    int r = dims.length;
    Arr noise = gen.uniform(-0.3, 0.3, dims);
    return Arr.build(
        DType.F64, dims, i -> noise.at(i) + (i[r - 1] == i[r - 2] ? 2 + 2 * i[r - 1] : 0));
  }

  private static double[][] elements(Arr a) {
    int columns = a.dims()[1];
    return IntStream.range(0, a.dims()[0])
        .mapToObj(i -> Arrays.copyOfRange(a.values(), i * columns, (i + 1) * columns))
        .toArray(double[][]::new);
  }

  private static Arr arr(double[][] rows, int columns) {
    double[] all = Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray();
    return Arr.real(new int[] {rows.length, columns}, all);
  }

  private static double[][] compute(FactorKind kind, int rows, int columns, double[][]... in) {
    return ReferenceFactors.compute(kind, in, rows, columns);
  }

  private static double[][] symmetric(Arr a) {
    return elements(Arr.build(DType.F64, a.dims(), i -> (a.at(i) + a.at(i[1], i[0])) / 2));
  }

  private void add(
      String name,
      Function<List<Tensor>, Tensor> op,
      Function<List<Arr>, Arr> reference,
      List<Sample> samples) {
    Function<List<Arr>, Arr> size =
        in -> {
          Arr y = reference.apply(in);
          double most = Math.max(1, y.maxAbs());
          return y.map(v -> most);
        };
    rows.add(OpRow.of(name, 3, ULPS, op, reference, samples).sized(size));
  }

  private void solvers() {
    List<Sample> systems =
        List.of(
            smooth(matrix(3, 3), gen.normal(3, 2)),
            smooth(matrix(1, 1), gen.normal(1, 1)),
            // Zeros in the first row do not make a triangle another one.
            smooth(Arr.real(new int[] {3, 3}, 2, 0, 0, 0.4, 4, 0.3, 0.2, 0.1, 6), gen.normal(3, 2)),
            edge(matrix(20, 20), gen.normal(20, 3)));
    add(
        "solve",
        in -> Matrices.solve(in.get(0), in.get(1)),
        in -> {
          int n = in.get(0).dims()[0];
          int k = in.get(1).dims()[1];
          double[][] lu = compute(new FactorKind.Lu(), n + 1, n, elements(in.get(0)));
          return arr(compute(new FactorKind.LuSolve(false), n, k, lu, elements(in.get(1))), k);
        },
        systems);
    for (Triangle t : Triangle.values()) {
      var kind = new FactorKind.TriangularSolve(t == Triangle.LOWER, true, false);
      add(
          "solveTriangular " + t,
          in -> Matrices.solveTriangular(in.get(0), in.get(1), t, true, false),
          in -> {
            int k = in.get(1).dims()[1];
            int n = in.get(1).dims()[0];
            return arr(compute(kind, n, k, elements(in.get(0)), elements(in.get(1))), k);
          },
          systems);
    }
  }

  private void factorisations() {
    List<Sample> square = List.of(smooth(matrix(3, 3)), smooth(matrix(1, 1)), edge(matrix(9, 9)));
    List<Sample> tall = List.of(smooth(matrix(4, 3)), smooth(matrix(2, 2)), edge(matrix(12, 7)));
    add(
        "cholesky",
        in -> Matrices.cholesky(in.get(0)),
        in -> {
          int n = in.get(0).dims()[0];
          return arr(compute(new FactorKind.Cholesky(), n, n, symmetric(in.get(0))), n);
        },
        square);
    add(
        "slogdet",
        in -> Matrices.slogdet(in.get(0)).log(),
        in -> {
          int n = in.get(0).dims()[0];
          double[][] lu = compute(new FactorKind.Lu(), n + 1, n, elements(in.get(0)));
          double log = compute(new FactorKind.Determinant(), 1, 3, lu)[0][1];
          return Arr.real(new int[0], log);
        },
        square);
    add(
        "eigenvalues",
        in -> Matrices.eigh(in.get(0)).values(),
        in -> {
          int n = in.get(0).dims()[0];
          return Arr.vector(compute(new FactorKind.Eigh(), n + 1, n, symmetric(in.get(0)))[0]);
        },
        square);
    add(
        "squares of eigenvectors",
        in -> Matrices.eigh(in.get(0)).vectors().square(),
        in -> {
          int n = in.get(0).dims()[0];
          double[][] packed = compute(new FactorKind.Eigh(), n + 1, n, symmetric(in.get(0)));
          return arr(Arrays.copyOfRange(packed, 1, n + 1), n).map(v -> v * v);
        },
        square);
    add(
        "qr",
        in -> Tensor.concat(0, Matrices.qr(in.get(0)).q(), Matrices.qr(in.get(0)).r()),
        in -> {
          int m = in.get(0).dims()[0];
          int n = in.get(0).dims()[1];
          return arr(compute(new FactorKind.Qr(), m + n, n, elements(in.get(0))), n);
        },
        tall);
    add(
        "singular values",
        in -> Matrices.svd(in.get(0)).s(),
        in -> {
          int m = in.get(0).dims()[0];
          int n = in.get(0).dims()[1];
          double[][] packed = compute(new FactorKind.Svd(), m + n + 1, n, elements(in.get(0)));
          return Arr.vector(packed[m + n]);
        },
        tall);
  }
}
