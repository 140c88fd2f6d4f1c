package org.hesse.testing;

import static org.hesse.testing.Gen.dims;
import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.ir.Axes;
import org.hesse.ir.Op;
import org.hesse.ops.Products;
import org.hesse.testing.OpRow.Sample;

/** The rows of reductions, products and random numbers. */
final class ReductionRows {
  private final List<OpRow> rows = new ArrayList<>();
  private final Gen gen = new Gen(3);

  private ReductionRows() {}

  static List<OpRow> rows() {
    ReductionRows r = new ReductionRows();
    r.sums();
    r.maxima();
    r.softmaxes();
    r.products();
    r.generalProducts();
    r.random();
    return r.rows;
  }

  private static OpRow one(
      String name,
      int order,
      double ulps,
      UnaryOperator<Tensor> op,
      Function<Arr, Arr> reference,
      List<Sample> samples) {
    return OpRow.of(
        name, order, ulps, in -> op.apply(in.get(0)), in -> reference.apply(in.get(0)), samples);
  }

  private static Arr sum(Arr a, int... axes) {
    return a.dtype() == DType.I32
        ? a.reduce(0, (x, y) -> (int) x + (int) y, axes)
        : a.reduce(0, Double::sum, axes);
  }

  private void sums() {
    List<Sample> any =
        List.of(
            smooth(gen.normal(2, 3)),
            smooth(gen.normal(1, 2, 2)),
            smooth(gen.normal(0, 3)),
            smooth(gen.normal(3, 0)),
            edge(gen.normal(300, 7)),
            edge(gen.normal(5, 3000)),
            edge(gen.words(4, 50)));
    rows.add(one("sum", 3, 8, t -> t.sum(), a -> sum(a, Arr.range(a.rank())), any).summing());
    rows.add(one("sum of scalar", 3, 0, t -> t.sum(), a -> a, List.of(smooth(gen.normal()))));
    rows.add(one("sum 0", 3, 8, t -> t.sum(0), a -> sum(a, 0), any).summing());
    rows.add(one("sum -1", 3, 8, t -> t.sum(-1), a -> sum(a, -1), any).summing());
    List<Sample> cubes =
        List.of(
            smooth(gen.normal(2, 3, 2)), smooth(gen.normal(2, 0, 2)), edge(gen.normal(30, 9, 41)));
    rows.add(one("sum 2,0", 3, 8, t -> t.sum(2, 0), a -> sum(a, 0, 2), cubes).summing());
    rows.add(one("sum 1", 3, 8, t -> t.sum(1), a -> sum(a, 1), cubes).summing());
    List<Sample> full =
        List.of(smooth(gen.normal(2, 3)), smooth(gen.normal(4)), edge(gen.normal(90, 70)));
    rows.add(
        one(
                "mean",
                3,
                8,
                t -> t.mean(),
                a -> {
                  int n = a.size();
                  return sum(a, Arr.range(a.rank())).map(x -> x / n);
                },
                full)
            .summing());
    rows.add(
        one(
                "mean 0",
                3,
                8,
                t -> t.mean(0),
                a -> sum(a, 0).map(x -> x / a.dims()[0]),
                List.of(smooth(gen.normal(3, 2)), smooth(gen.normal(2, 0))))
            .summing());
    rows.add(
        one(
                "sum of products",
                3,
                8,
                t -> t.mul(t.sin()).sum(-1),
                a -> sum(a.map(x -> x * Math.sin(x)), -1),
                List.of(smooth(gen.normal(2, 3)), edge(gen.normal(40, 60))))
            .summing());
  }

  private static Arr max(Arr a, int... axes) {
    double start = a.dtype() == DType.I32 ? Integer.MIN_VALUE : Double.NEGATIVE_INFINITY;
    return a.reduce(start, Math::max, axes);
  }

  private void maxima() {
    Arr hard = Arr.real(dims(4, 2), 1, Double.NaN, -0.0, 0, -5, Double.POSITIVE_INFINITY, 3, 3);
    List<Sample> matrices =
        List.of(
            smooth(gen.distinct(2, 3)),
            smooth(gen.distinct(4, 1)),
            edge(gen.ties(5, 6)),
            edge(hard),
            edge(gen.normal(70, 90)),
            edge(gen.words(6, 40)),
            edge(gen.normal(0, 2)));
    rows.add(one("max", 3, 0, t -> t.max(), a -> max(a, Arr.range(a.rank())), matrices));
    rows.add(one("max 0", 3, 0, t -> t.max(0), a -> max(a, 0), matrices));
    rows.add(one("max 1", 3, 0, t -> t.max(-1), a -> max(a, -1), matrices));
    List<Sample> cubes = List.of(smooth(gen.distinct(2, 2, 3)), edge(gen.ties(4, 5, 6)));
    rows.add(one("max 0,2", 3, 0, t -> t.max(2, 0), a -> max(a, 0, 2), cubes));
    List<Sample> some =
        List.of(
            smooth(gen.distinct(3, 4)),
            smooth(gen.distinct(2, 1)),
            edge(gen.ties(5, 7)),
            edge(hard),
            edge(gen.words(3, 9)),
            edge(gen.ties(60, 70)));
    rows.add(
        one("argMax 0", 0, 0, t -> t.argMax(0), a -> argMax(a, 0), some)
            .notDifferentiable("its result is an index"));
    rows.add(
        one("argMax -1", 0, 0, t -> t.argMax(-1), a -> argMax(a, 1), some)
            .notDifferentiable("its result is an index"));
    rows.add(
        one(
                "argMax middle",
                0,
                0,
                t -> t.argMax(1),
                a -> argMax(a, 1),
                List.of(smooth(gen.distinct(2, 3, 2)), edge(gen.ties(2, 9, 3))))
            .notDifferentiable("its result is an index"));
  }

  /** The first maximum along an axis; NaN is largest. */
  private static Arr argMax(Arr x, int axis) {
    Arr best = x.reduce(0, (a, b) -> 0, axis);
    return Arr.build(
        DType.I32,
        best.dims(),
        i -> {
          int[] at = new int[x.rank()];
          System.arraycopy(i, 0, at, 0, axis);
          System.arraycopy(i, axis, at, axis + 1, i.length - axis);
          int winner = 0;
          double most = x.at(at);
          for (int k = 1; k < x.dims()[axis]; k++) {
            at[axis] = k;
            double v = x.at(at);
            if (v > most || Double.isNaN(v) && !Double.isNaN(most)) {
              winner = k;
              most = v;
            }
          }
          return winner;
        });
  }

  private static Arr logSumExp(Arr a, int axis) {
    Arr m = max(a, axis);
    int[] kept = Arr.with(a.dims(), axis, 1);
    Arr shifted = Arr.zip(DType.F64, a, m.reshape(kept), (x, y) -> Math.exp(x - y));
    return Arr.zip(DType.F64, sum(shifted, axis), m, (s, y) -> Math.log(s) + y);
  }

  private void softmaxes() {
    Arr huge = Arr.real(dims(2, 3), 1e4, -1e4, 9999, -1e4, -1e4, -1e4);
    List<Sample> samples =
        List.of(
            smooth(gen.normal(2, 3)),
            smooth(gen.normal(2, 1)),
            smooth(gen.normal(0, 2)),
            edge(huge),
            edge(gen.ties(3, 4)),
            edge(gen.normal(20, 500)));
    Function<List<Arr>, Arr> size =
        in -> {
          Arr m = max(in.get(0).map(Math::abs), 1);
          return m.map(x -> 1 + x).reshape(m.size(), 1);
        };
    rows.add(
        one("logSumExp", 3, 6, t -> t.logSumExp(-1), a -> logSumExp(a, 1), samples)
            .sized(in -> size.apply(in).reshape(in.get(0).dims()[0])));
    Function<Arr, Arr> logSoftmax =
        a -> Arr.zip(DType.F64, a, logSumExp(a, 1).reshape(a.dims()[0], 1), (x, s) -> x - s);
    rows.add(one("logSoftmax", 3, 6, t -> t.logSoftmax(1), logSoftmax, samples).sized(size));
    Function<Arr, Arr> softmax =
        a -> {
          Arr m = max(a, 1).reshape(a.dims()[0], 1);
          Arr e = Arr.zip(DType.F64, a, m, (x, y) -> Math.exp(x - y));
          return Arr.zip(DType.F64, e, sum(e, 1).reshape(a.dims()[0], 1), (x, y) -> x / y);
        };
    rows.add(
        one("softmax", 3, 10, t -> t.softmax(1), softmax, samples)
            .sized(in -> Arr.real(dims(1), 1)));
    rows.add(
        one(
                "softmax 0",
                3,
                10,
                t -> t.softmax(0),
                a -> {
                  Arr m = max(a, 0);
                  Arr e = Arr.zip(DType.F64, a, m, (x, y) -> Math.exp(x - y));
                  return Arr.zip(DType.F64, e, sum(e, 0), (x, y) -> x / y);
                },
                List.of(smooth(gen.normal(3, 2))))
            .sized(in -> Arr.real(dims(1), 1)));
  }

  /** NumPy's matrix product for up to two axes, with shared axes in front. */
  static Arr matmul(Arr a, Arr b) {
    if (a.rank() == 1) {
      Arr r = matmul(a.reshape(1, a.size()), b);
      return r.reshape(Arrays.copyOfRange(r.dims(), 1, r.rank()));
    }
    if (b.rank() == 1) {
      Arr r = matmul(a, b.reshape(b.size(), 1));
      return r.reshape(Arrays.copyOf(r.dims(), r.rank() - 1));
    }
    int k = a.dims()[a.rank() - 1];
    int n = b.dims()[b.rank() - 1];
    return Arr.build(
        DType.F64,
        Arr.with(a.dims(), a.rank() - 1, n),
        i -> {
          int[] ia = i.clone();
          int[] ib = Arrays.copyOf(i, b.rank());
          ib[b.rank() - 1] = i[i.length - 1];
          double total = 0;
          for (int j = 0; j < k; j++) {
            ia[ia.length - 1] = j;
            ib[b.rank() - 2] = j;
            total += a.at(ia) * b.at(ib);
          }
          return total;
        });
  }

  private void products() {
    List<Sample> samples =
        List.of(
            smooth(gen.normal(2, 3), gen.normal(3, 2)),
            smooth(gen.normal(3), gen.normal(3)),
            smooth(gen.normal(3), gen.normal(3, 2)),
            smooth(gen.normal(2, 3), gen.normal(3)),
            smooth(gen.normal(2, 2, 3), gen.normal(3, 2)),
            smooth(gen.normal(2, 2, 3), gen.normal(2, 3, 2)),
            smooth(gen.normal(2, 0), gen.normal(0, 3)),
            smooth(gen.normal(0, 2), gen.normal(2, 3)),
            smooth(gen.normal(1, 1), gen.normal(1, 1)),
            edge(gen.normal(2, 3, 2, 4), gen.normal(2, 3, 4, 2)),
            edge(gen.normal(33, 129), gen.normal(129, 65)),
            edge(gen.normal(1, 500), gen.normal(500, 40)),
            edge(gen.normal(130, 20), gen.normal(20, 1)),
            edge(gen.normal(70, 1), gen.normal(1, 90)),
            edge(gen.normal(9, 17, 23), gen.normal(9, 23, 5)));
    rows.add(
        OpRow.of(
                "matmul",
                3,
                8,
                in -> in.get(0).matmul(in.get(1)),
                in -> matmul(in.get(0), in.get(1)),
                samples)
            .summing());
    rows.add(
        OpRow.of(
                "matmul of transposes",
                3,
                8,
                in -> in.get(0).transpose().matmul(in.get(1).transpose()),
                in -> matmul(flip(in.get(0)), flip(in.get(1))),
                List.of(
                    smooth(gen.normal(3, 2), gen.normal(2, 3)),
                    edge(gen.normal(50, 31), gen.normal(70, 50))))
            .summing());
    rows.add(
        OpRow.of(
                "matmul with itself",
                3,
                8,
                in -> in.get(0).matmul(in.get(0).transpose()),
                in -> matmul(in.get(0), flip(in.get(0))),
                List.of(smooth(gen.normal(3, 2)), edge(gen.normal(40, 31))))
            .summing());
    rows.add(
        OpRow.of(
                "matmul F32 in F64",
                0,
                8,
                in -> in.get(0).cast(DType.F32).matmul(in.get(1).cast(DType.F32), DType.F64),
                in -> matmul(in.get(0).rounded(DType.F32), in.get(1).rounded(DType.F32)),
                List.of(
                    edge(gen.normal(4, 300), gen.normal(300, 5)),
                    edge(gen.normal(2, 5), gen.normal(5, 3))))
            .notDifferentiable(
                "its operands are rounded to F32, so that no quotient in F64 fits;"
                    + " AutodiffTest.derivativesOfProductsInDoublePrecision")
            .summing());
  }

  private static Arr flip(Arr a) {
    return Arr.build(a.dtype(), dims(a.dims()[1], a.dims()[0]), i -> a.at(i[1], i[0]));
  }

  /** Products with axes in every order, which Tensor has no method for. */
  private void generalProducts() {
    Op.Dot two = new Op.Dot(Axes.of(2, 0), Axes.of(0, 1), Axes.of(), Axes.of());
    general(
        "dot over two axes",
        two,
        (a, b) ->
            Arr.build(
                DType.F64,
                dims(a.dims()[1], b.dims()[2]),
                i -> {
                  double total = 0;
                  for (int p = 0; p < a.dims()[0]; p++) {
                    for (int q = 0; q < a.dims()[2]; q++) {
                      total += a.at(p, i[0], q) * b.at(q, p, i[1]);
                    }
                  }
                  return total;
                }),
        List.of(smooth(gen.normal(2, 3, 2), gen.normal(2, 2, 3))));
    Op.Dot batched = new Op.Dot(Axes.of(1), Axes.of(0), Axes.of(2, 0), Axes.of(1, 2));
    general(
        "dot with batch axes anywhere",
        batched,
        (a, b) ->
            Arr.build(
                DType.F64,
                dims(a.dims()[2], a.dims()[0], a.dims()[3], b.dims()[3]),
                i -> {
                  double total = 0;
                  for (int k = 0; k < a.dims()[1]; k++) {
                    total += a.at(i[1], k, i[0], i[2]) * b.at(k, i[0], i[1], i[3]);
                  }
                  return total;
                }),
        List.of(smooth(gen.normal(2, 3, 2, 1), gen.normal(3, 2, 2, 2))));
    Op.Dot outer = new Op.Dot(Axes.of(), Axes.of(), Axes.of(), Axes.of());
    general(
        "outer product",
        outer,
        (a, b) -> Arr.build(DType.F64, dims(a.size(), b.size()), i -> a.at(i[0]) * b.at(i[1])),
        List.of(smooth(gen.normal(3), gen.normal(2)), smooth(gen.normal(0), gen.normal(2))));
    Op.Dot onlyBatch = new Op.Dot(Axes.of(), Axes.of(), Axes.of(0), Axes.of(0));
    general(
        "dot of batches only",
        onlyBatch,
        (a, b) -> Arr.zip(DType.F64, a, b, (x, y) -> x * y),
        List.of(smooth(gen.normal(3), gen.normal(3))));
  }

  private interface Product {
    Arr of(Arr a, Arr b);
  }

  private void general(String name, Op.Dot op, Product reference, List<Sample> samples) {
    rows.add(
        OpRow.of(
                name,
                3,
                8,
                in -> Graphs.apply(n -> Products.dot(op, n.get(0), n.get(1), n.get(0).dtype()), in),
                in -> reference.of(in.get(0), in.get(1)),
                samples)
            .summing());
  }

  private void random() {
    List<Sample> keys = List.of(smooth(Gen.ints(0, 0)), smooth(Gen.ints(0x13198a2e, 0x03707344)));
    rows.add(
        one(
                "random bits",
                0,
                0,
                t -> new RngKey(t).bits(3, 5),
                k ->
                    Arr.build(
                        DType.I32,
                        dims(3, 5),
                        i ->
                            Scalars.threefry(
                                (int) k.values()[0], (int) k.values()[1], i[0] * 5L + i[1])),
                keys)
            .notDifferentiable("whole numbers"));
    rows.add(
        one("random bits, none", 0, 0, t -> new RngKey(t).bits(0), k -> Gen.ints(), keys)
            .notDifferentiable("whole numbers"));
  }
}
