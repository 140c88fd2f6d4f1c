package org.hesse.testing;

import static org.hesse.testing.Gen.dims;
import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.ir.Axes;
import org.hesse.ops.Slices;
import org.hesse.testing.OpRow.Sample;

/** The rows of operations that move elements, and of those that make tensors. */
final class ShapeRows {
  private final List<OpRow> rows = new ArrayList<>();
  private final Gen gen = new Gen(2);

  private ShapeRows() {}

  static List<OpRow> rows() {
    ShapeRows s = new ShapeRows();
    s.views();
    s.parts();
    s.padding();
    s.joins();
    s.sources();
    return s.rows;
  }

  /** A row over one operand, tried with reals, whole numbers and truth values of each shape. */
  private void one(
      String name, UnaryOperator<Tensor> op, Function<Arr, Arr> reference, int[]... shapes) {
    List<Sample> samples = new ArrayList<>();
    for (int[] s : shapes) {
      samples.add(smooth(gen.normal(s)));
    }
    samples.add(edge(gen.words(shapes[0])));
    samples.add(edge(gen.truth(shapes[0])));
    rows.add(
        OpRow.of(name, 3, 0, in -> op.apply(in.get(0)), in -> reference.apply(in.get(0)), samples));
  }

  private void views() {
    one("reshape", t -> t.reshape(3, 2), a -> a.reshape(3, 2), dims(2, 3), dims(6));
    one(
        "reshape -1",
        t -> t.reshape(-1, 2),
        a -> a.reshape(a.size() / 2, 2),
        dims(4),
        dims(2, 3),
        dims(0));
    one("reshape to scalar", t -> t.reshape(), a -> a.reshape(), dims(1, 1), dims());
    one("reshape empty", t -> t.reshape(3, 0), a -> a.reshape(3, 0), dims(0, 5));
    one(
        "transpose",
        Tensor::transpose,
        ShapeRows::transposed,
        dims(2, 3),
        dims(2, 1, 3),
        dims(4, 0),
        dims(37, 65));
    one(
        "permute",
        t -> t.permute(2, 0, 1),
        a -> permuted(a, 2, 0, 1),
        dims(2, 3, 4),
        dims(1, 5, 2),
        dims(0, 2, 2));
    one("moveAxis to front", t -> t.moveAxis(-1, 0), a -> permuted(a, 2, 0, 1), dims(2, 3, 2));
    one("moveAxis to back", t -> t.moveAxis(0, 2), a -> permuted(a, 1, 2, 0), dims(2, 3, 2));
    one(
        "insertAxis",
        t -> t.insertAxis(1),
        a -> a.reshape(a.dims()[0], 1, 2),
        dims(3, 2),
        dims(0, 2));
    one("insertAxis -1", t -> t.insertAxis(-1), a -> a.reshape(3, 2, 1), dims(3, 2));
    one(
        "broadcastTo",
        t -> t.broadcastTo(2, 3, 4),
        a -> a.broadcastTo(2, 3, 4),
        dims(3, 1),
        dims(),
        dims(4),
        dims(2, 1, 4),
        dims(2, 3, 4));
    one("broadcastTo empty", t -> t.broadcastTo(0, 3), a -> a.broadcastTo(0, 3), dims(3), dims(1));
    one(
        "reverse one",
        t -> t.reverse(1),
        a -> reversed(a, 1),
        dims(2, 3),
        dims(1, 4, 2),
        dims(2, 0));
    one(
        "reverse all",
        t -> t.reverse(),
        a -> reversed(a, Arr.range(a.rank())),
        dims(2, 3),
        dims(5),
        dims());
  }

  private static Arr permuted(Arr a, int... axes) {
    int[] d = new int[axes.length];
    for (int i = 0; i < d.length; i++) {
      d[i] = a.dims()[axes[i]];
    }
    return Arr.build(
        a.dtype(),
        d,
        i -> {
          int[] at = new int[axes.length];
          for (int k = 0; k < at.length; k++) {
            at[axes[k]] = i[k];
          }
          return a.at(at);
        });
  }

  private static Arr transposed(Arr a) {
    int[] axes = Arr.range(a.rank());
    axes[a.rank() - 1] = a.rank() - 2;
    axes[a.rank() - 2] = a.rank() - 1;
    return permuted(a, axes);
  }

  private static Arr reversed(Arr a, int... axes) {
    return Arr.build(
        a.dtype(),
        a.dims(),
        i -> {
          int[] at = i.clone();
          for (int x : axes) {
            at[x] = a.dims()[x] - 1 - i[x];
          }
          return a.at(at);
        });
  }

  private void parts() {
    one(
        "slice",
        t -> t.slice(0, 1, 3),
        a -> sliced(a, 0, 1, 1, 2),
        dims(4),
        dims(3, 2),
        dims(3, 0));
    one(
        "slice inner",
        t -> t.slice(-1, 0, 2),
        a -> sliced(a, a.rank() - 1, 0, 1, 2),
        dims(2, 3),
        dims(2, 2, 5));
    one("slice empty", t -> t.slice(0, 2, 2), a -> sliced(a, 0, 2, 1, 0), dims(2, 2), dims(3));
    one(
        "select row",
        t -> t.select(0, 1),
        a -> dropped(sliced(a, 0, 1, 1, 1), 0),
        dims(3, 2),
        dims(2));
    one(
        "select column",
        t -> t.select(-1, 0),
        a -> dropped(sliced(a, 1, 0, 1, 1), 1),
        dims(3, 2),
        dims(4, 1));
    one("slice strided", t -> strided(t, 1, 2, 3), a -> sliced(a, 0, 1, 2, 3), dims(6), dims(7, 2));
    one(
        "slice strided to the end",
        t -> strided(t, 0, 3, 3),
        a -> sliced(a, 0, 0, 3, 3),
        dims(7),
        dims(9, 2));
  }

  /** Along the first axis; Tensor has no method for it. */
  private static Tensor strided(Tensor t, int start, int stride, int count) {
    int[] s = new int[t.rank()];
    int[] k = new int[t.rank()];
    Arrays.fill(k, 1);
    s[0] = start;
    k[0] = stride;
    Shape shape = t.shape().with(0, count);
    return Graphs.apply(n -> Slices.slice(n.get(0), Axes.of(s), Axes.of(k), shape), List.of(t));
  }

  private static Arr sliced(Arr a, int axis, int start, int stride, int count) {
    return Arr.build(
        a.dtype(),
        Arr.with(a.dims(), axis, count),
        i -> {
          int[] at = i.clone();
          at[axis] = start + i[axis] * stride;
          return a.at(at);
        });
  }

  private static Arr dropped(Arr a, int axis) {
    return a.reduce(0, Double::sum, axis);
  }

  private void padding() {
    pad("pad around", dims(1, 2), dims(0, 0), dims(5, 6));
    pad("pad between", dims(0, 1), dims(1, 2), dims(3, 9));
    pad("pad nothing", dims(0, 0), dims(0, 0), dims(2, 3));
  }

  private void pad(String name, int[] low, int[] interior, int[] to) {
    Function<Arr, Arr> reference =
        a -> {
          Arr out = Arr.build(a.dtype(), to, i -> 0);
          Arr.forEach(
              a.dims(),
              i ->
                  out.values()[
                          out.offset(
                              low[0] + i[0] * (interior[0] + 1),
                              low[1] + i[1] * (interior[1] + 1))] =
                      a.at(i));
          return out;
        };
    UnaryOperator<Tensor> op =
        t ->
            Graphs.apply(
                n -> Slices.pad(n.get(0), Axes.of(low), Axes.of(interior), Shape.of(to)),
                List.of(t));
    one(name, op, reference, dims(2, 3));
    if (name.equals("pad around")) {
      one("pad an empty one", op, reference, dims(0, 3), dims(2, 0));
    }
  }

  private void joins() {
    Function<List<Arr>, Arr> columns = in -> joined(1, in);
    rows.add(
        OpRow.of(
            "concat",
            3,
            0,
            in -> Tensor.concat(1, in.toArray(Tensor[]::new)),
            columns,
            List.of(
                smooth(gen.normal(2, 3), gen.normal(2, 1)),
                smooth(gen.normal(2, 1), gen.normal(2, 0), gen.normal(2, 2)),
                smooth(gen.normal(0, 2), gen.normal(0, 3)),
                smooth(gen.normal(2, 2)),
                edge(gen.words(3, 2), gen.words(3, 4)),
                edge(gen.truth(3, 2), gen.truth(3, 1)))));
    rows.add(
        OpRow.of(
            "concat last of rank 3",
            3,
            0,
            in -> Tensor.concat(-1, in.toArray(Tensor[]::new)),
            in -> joined(2, in),
            List.of(smooth(gen.normal(2, 2, 1), gen.normal(2, 2, 3)))));
    rows.add(
        OpRow.of(
            "stack",
            3,
            0,
            in -> Tensor.stack(0, in.toArray(Tensor[]::new)),
            in -> Arr.stack(in.toArray(Arr[]::new)),
            List.of(
                smooth(gen.normal(2, 3), gen.normal(2, 3)),
                smooth(gen.normal(), gen.normal(), gen.normal()),
                smooth(gen.normal(0), gen.normal(0)))));
    rows.add(
        OpRow.of(
            "stack last",
            3,
            0,
            in -> Tensor.stack(-1, in.toArray(Tensor[]::new)),
            in -> permuted(Arr.stack(in.toArray(Arr[]::new)), 1, 2, 0),
            List.of(smooth(gen.normal(2, 3), gen.normal(2, 3)))));
    Function<List<Tensor>, Tensor> same =
        in -> Tensor.concat(0, in.get(0), in.get(0).square(), in.get(0));
    rows.add(
        OpRow.of(
            "concat of one operand twice",
            3,
            1,
            same,
            in -> joined(0, List.of(in.get(0), in.get(0).map(x -> x * x), in.get(0))),
            List.of(smooth(gen.normal(3)))));
  }

  private static Arr joined(int axis, List<Arr> parts) {
    int total = parts.stream().mapToInt(p -> p.dims()[axis]).sum();
    return Arr.build(
        parts.get(0).dtype(),
        Arr.with(parts.get(0).dims(), axis, total),
        i -> {
          int[] at = i.clone();
          int p = 0;
          while (at[axis] >= parts.get(p).dims()[axis]) {
            at[axis] -= parts.get(p++).dims()[axis];
          }
          return parts.get(p).at(at);
        });
  }

  private void sources() {
    Sample any = edge(Arr.real(dims(), 1));
    source(
        "full",
        () -> Tensor.full(2.5, DType.F64, 2, 3),
        Arr.build(DType.F64, dims(2, 3), i -> 2.5),
        any);
    source("zeros", () -> Tensor.zeros(DType.F32, 0, 2), Arr.real(dims(0, 2)), any);
    source("ones I32", () -> Tensor.ones(DType.I32, 3), Gen.ints(1, 1, 1), any);
    source("scalar", () -> Tensor.scalar(-7, DType.F32), Arr.real(dims(), -7), any);
    source("arange", () -> Tensor.arange(DType.I32, 5), Gen.ints(0, 1, 2, 3, 4), any);
    source("arange F64", () -> Tensor.arange(DType.F64, 3), Arr.vector(0, 1, 2), any);
    source(
        "eye",
        () -> Tensor.eye(DType.F64, 3),
        Arr.build(DType.F64, dims(3, 3), i -> i[0] == i[1] ? 1 : 0),
        any);
  }

  private void source(String name, Supplier<Tensor> op, Arr reference, Sample sample) {
    rows.add(
        OpRow.of(name, 0, 0, in -> op.get(), in -> reference, List.of(sample))
            .notDifferentiable("depends on no operand"));
  }
}
