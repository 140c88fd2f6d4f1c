package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.testing.OpRow.Sample;

/** The rows of running sums, indices that come as data, and sliding windows. */
final class IndexRows {
  /** Indices are below this in the samples; the tests' variants of them are a little larger. */
  private static final int LARGEST = 3;

  /** Extent of every axis that is indexed. */
  private static final int EXTENT = 10;

  private final List<OpRow> rows = new ArrayList<>();
  private final Gen gen = new Gen(5);

  private IndexRows() {}

  static List<OpRow> rows() {
    IndexRows r = new IndexRows();
    r.runningSums();
    r.gathering();
    r.scattering();
    r.windows();
    r.convolutions();
    return r.rows;
  }

  private static double add(Arr of, double a, double b) {
    return of.dtype() == DType.I32 ? (int) a + (int) b : a + b;
  }

  private static int[] with(int[] index, int axis, int value) {
    return Arr.with(index, axis, value);
  }

  private static Arr cumsum(Arr a, int axis, boolean fromEnd) {
    return Arr.build(
        a.dtype(),
        a.dims(),
        i -> {
          double sum = 0;
          int last = a.dims()[axis] - 1;
          for (int k = fromEnd ? last : 0; k != i[axis]; k += fromEnd ? -1 : 1) {
            sum = add(a, sum, a.at(with(i, axis, k)));
          }
          return add(a, sum, a.at(i));
        });
  }

  private void runningSums() {
    List<Sample> samples =
        List.of(
            smooth(gen.normal(3, 4)),
            smooth(gen.normal(1, 1)),
            smooth(gen.normal(0, 2)),
            smooth(gen.normal(2, 0)),
            edge(gen.normal(3, 70)),
            edge(gen.normal(60, 50)),
            edge(gen.words(9, 12)));
    for (int axis = 0; axis < 2; axis++) {
      int a = axis;
      rows.add(
          OpRow.of(
                  "cumsum " + a,
                  3,
                  8,
                  in -> in.get(0).cumsum(a),
                  in -> cumsum(in.get(0), a, false),
                  samples)
              .summing());
      rows.add(
          OpRow.of(
                  "cumsumFromEnd " + a,
                  3,
                  8,
                  in -> in.get(0).cumsumFromEnd(a),
                  in -> cumsum(in.get(0), a, true),
                  samples)
              .summing());
    }
  }

  private Arr indices(int... dims) {
    return gen.whole(0, LARGEST, dims);
  }

  private void gathering() {
    rows.add(
        OpRow.of(
            "take",
            3,
            0,
            in -> in.get(0).take(1, in.get(1)),
            in -> {
              Arr x = in.get(0);
              Arr k = in.get(1);
              int[] dims = {x.dims()[0], k.dims()[0], x.dims()[2]};
              return Arr.build(x.dtype(), dims, i -> x.at(i[0], (int) k.at(i[1]), i[2]));
            },
            List.of(
                smooth(gen.normal(2, EXTENT, 2), indices(4)),
                smooth(gen.normal(1, EXTENT, 1), indices(1)),
                smooth(gen.normal(2, EXTENT, 0), indices(3)),
                smooth(gen.normal(2, EXTENT, 3), indices(0)),
                edge(gen.normal(3, EXTENT, 200), indices(9)),
                edge(gen.words(2, EXTENT, 2), indices(5)),
                edge(gen.truth(2, EXTENT, 2), indices(5)))));
    rows.add(
        OpRow.of(
            "takeAlong",
            3,
            0,
            in -> in.get(0).takeAlong(0, in.get(1)),
            in -> {
              Arr x = in.get(0);
              Arr k = in.get(1);
              return Arr.build(x.dtype(), k.dims(), i -> x.at((int) k.at(i), i[1]));
            },
            List.of(
                smooth(gen.normal(EXTENT, 3), indices(4, 3)),
                smooth(gen.normal(EXTENT, 1), indices(1, 1)),
                edge(gen.normal(EXTENT, 70), indices(30, 70)),
                edge(gen.words(EXTENT, 2), indices(5, 2)))));
  }

  private void scattering() {
    rows.add(
        OpRow.of(
                "scatterAdd",
                3,
                8,
                in -> in.get(0).scatterAdd(0, in.get(1), EXTENT),
                in -> {
                  Arr u = in.get(0);
                  Arr k = in.get(1);
                  int[] dims = with(u.dims(), 0, EXTENT);
                  Arr sums = Arr.build(u.dtype(), dims, i -> 0);
                  Arr.forEach(
                      u.dims(),
                      i -> {
                        int at = sums.offset((int) k.at(i[0]), i[1]);
                        sums.values()[at] = add(u, sums.values()[at], u.at(i));
                      });
                  return sums;
                },
                List.of(
                    smooth(gen.normal(5, 2), indices(5)),
                    smooth(gen.normal(1, 1), indices(1)),
                    smooth(gen.normal(0, 2), indices(0)),
                    smooth(gen.normal(3, 0), indices(3)),
                    edge(gen.normal(90, 40), indices(90)),
                    edge(gen.words(6, 3), indices(6))))
            .summing());
    rows.add(
        OpRow.of(
                "scatterAddAlong",
                3,
                8,
                in -> in.get(0).scatterAddAlong(1, in.get(1), EXTENT),
                in -> {
                  Arr u = in.get(0);
                  Arr k = in.get(1);
                  int[] dims = with(u.dims(), 1, EXTENT);
                  Arr sums = Arr.build(u.dtype(), dims, i -> 0);
                  Arr.forEach(
                      u.dims(),
                      i -> {
                        int at = sums.offset(i[0], (int) k.at(i));
                        sums.values()[at] = add(u, sums.values()[at], u.at(i));
                      });
                  return sums;
                },
                List.of(
                    smooth(gen.normal(2, 6), indices(2, 6)),
                    edge(gen.normal(40, 90), indices(40, 90)),
                    edge(gen.words(3, 6), indices(3, 6))))
            .summing());
  }

  private void windows() {
    rows.add(
        OpRow.of(
            "window",
            3,
            0,
            in -> in.get(0).window(1, 2, 2, 3),
            in -> {
              Arr x = in.get(0);
              int[] dims = {x.dims()[0], (x.dims()[1] - 4) / 2 + 1, 2, x.dims()[2]};
              return Arr.build(x.dtype(), dims, i -> x.at(i[0], 2 * i[1] + 3 * i[2], i[3]));
            },
            List.of(
                smooth(gen.normal(2, 7, 2)),
                smooth(gen.normal(1, 4, 1)),
                smooth(gen.normal(2, 5, 0)),
                edge(gen.normal(3, 90, 20)),
                edge(gen.words(1, 6, 2)),
                edge(gen.truth(1, 6, 2)))));
    rows.add(
        OpRow.of(
                "fold",
                3,
                8,
                in -> in.get(0).fold(1, 2 * in.get(0).dim(1) + 4, 2, 1),
                in -> {
                  Arr u = in.get(0);
                  int[] dims = {u.dims()[0], 2 * u.dims()[1] + 4, u.dims()[3]};
                  Arr sums = Arr.build(u.dtype(), dims, i -> 0);
                  Arr.forEach(
                      u.dims(),
                      i -> {
                        int at = sums.offset(i[0], 2 * i[1] + i[2], i[3]);
                        sums.values()[at] = add(u, sums.values()[at], u.at(i));
                      });
                  return sums;
                },
                List.of(
                    smooth(gen.normal(2, 3, 4, 2)),
                    smooth(gen.normal(1, 2, 1, 1)),
                    smooth(gen.normal(1, 0, 3, 2)),
                    edge(gen.normal(2, 30, 5, 40)),
                    edge(gen.words(2, 4, 3, 2))))
            .summing());
  }

  private void convolutions() {
    rows.add(
        OpRow.of(
                "convolve",
                3,
                16,
                in -> in.get(0).convolve(in.get(1), Sliding.by(2).padded(1), 1),
                in -> convolve(in.get(0), in.get(1)),
                List.of(
                    smooth(gen.normal(1, 2, 4), gen.normal(2, 2, 3)),
                    smooth(gen.normal(2, 1, 3), gen.normal(1, 1, 2)),
                    smooth(gen.normal(0, 1, 3), gen.normal(1, 1, 2)),
                    edge(gen.normal(3, 4, 90), gen.normal(8, 4, 5))))
            .summing());
    pool("maxPool", 0, t -> t.maxPool(new int[] {2}, Sliding.by(1)), true);
    pool("averagePool", 8, t -> t.averagePool(new int[] {2}, Sliding.by(1)), false);
  }

  /** Stride 2, one element of padding at both ends. */
  private static Arr convolve(Arr x, Arr w) {
    int length = x.dims()[2];
    int[] dims = {x.dims()[0], w.dims()[0], (length + 2 - w.dims()[2]) / 2 + 1};
    return Arr.build(
        x.dtype(),
        dims,
        i -> {
          double sum = 0;
          for (int c = 0; c < x.dims()[1]; c++) {
            for (int k = 0; k < w.dims()[2]; k++) {
              int at = 2 * i[2] + k - 1;
              sum += at >= 0 && at < length ? x.at(i[0], c, at) * w.at(i[1], c, k) : 0;
            }
          }
          return sum;
        });
  }

  private void pool(String name, double ulps, UnaryOperator<Tensor> op, boolean max) {
    OpRow row =
        OpRow.of(
            name,
            3,
            ulps,
            in -> op.apply(in.get(0)),
            in -> {
              Arr x = in.get(0);
              int[] dims = with(x.dims(), 2, x.dims()[2] - 1);
              return Arr.build(
                  x.dtype(),
                  dims,
                  i -> {
                    double a = x.at(i);
                    double b = x.at(i[0], i[1], i[2] + 1);
                    return max ? Math.max(a, b) : (a + b) / 2;
                  });
            },
            List.of(
                smooth(gen.distinct(2, 2, 4)),
                smooth(gen.distinct(1, 1, 2)),
                smooth(gen.normal(0, 2, 3)),
                edge(gen.ties(2, 3, 60))));
    rows.add(max ? row : row.summing());
  }
}
