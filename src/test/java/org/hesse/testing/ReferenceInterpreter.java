package org.hesse.testing;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.FactorKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.ReduceKind;

/**
 * Computes programs one node at a time, one element after the other, straight from the definitions
 * in {@link Op}. Sums are formed in double precision and rounded once.
 */
public final class ReferenceInterpreter {
  private ReferenceInterpreter() {}

  /**
   * Runs a program.
   *
   * @param inputs for each input a {@code double[]}, {@code float[]}, {@code int[]} or {@code
   *     boolean[]}
   * @return for each output a {@code double[]} (F32 too), {@code int[]} or {@code boolean[]}
   */
  public static Object[] run(Program program, Object... inputs) {
    return run(program, false, inputs);
  }

  /**
   * Runs a program, if asked with every −0 taken for 0. Rewriting may change the sign of a zero,
   * from which 1/x and the like make a large difference.
   */
  public static Object[] run(Program program, boolean unsignedZeros, Object... inputs) {
    Map<Node, double[]> given = new HashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      given.put(program.inputs().get(i), toDoubles(inputs[i]));
    }
    Map<Node, double[]> values = values(program, unsignedZeros, given);
    return program.outputs().stream().map(n -> fromDoubles(values.get(n), n.dtype())).toArray();
  }

  /**
   * The values of all nodes, some being given: those of the inputs, at least. The value of a node
   * with several results is all of them, one after the other.
   */
  static Map<Node, double[]> values(
      Program program, boolean unsignedZeros, Map<Node, double[]> given) {
    Map<Node, double[]> values = new HashMap<>(given);
    for (Node n : program.nodes()) {
      if (!values.containsKey(n)) {
        double[] value = value(n, unsignedZeros, values);
        for (int i = 0; unsignedZeros && i < value.length; i++) {
          value[i] = value[i] == 0 ? 0 : value[i];
        }
        values.put(n, value);
      }
    }
    return values;
  }

  /** The value of a node whose inputs' values are known. */
  static double[] value(Node n, boolean unsignedZeros, Map<Node, double[]> values) {
    double[][] in = n.inputs().stream().map(values::get).toArray(double[][]::new);
    if (n.op() instanceof Op.Nested op) {
      return new ReferenceLoops(unsignedZeros).run(op, in);
    }
    double[] value =
        n.op() instanceof Op.Result(int index)
            ? ReferenceLoops.result((Op.Nested) n.input(0).op(), in[0], index)
            : compute(n, in);
    if (value.length != n.shape().size()) {
      throw new IllegalStateException(n + " has " + value.length + " elements");
    }
    return value;
  }

  /** Any array of numbers or truth values as doubles. */
  public static double[] toDoubles(Object array) {
    return switch (array) {
      case double[] d -> d.clone();
      case float[] f -> IntStream.range(0, f.length).mapToDouble(i -> f[i]).toArray();
      case int[] v -> Arrays.stream(v).asDoubleStream().toArray();
      case boolean[] b -> IntStream.range(0, b.length).mapToDouble(i -> b[i] ? 1 : 0).toArray();
      default -> throw new IllegalArgumentException("not an array of numbers: " + array);
    };
  }

  private static Object fromDoubles(double[] x, DType dtype) {
    return switch (dtype) {
      case F32, F64 -> x;
      case I32 -> Arrays.stream(x).mapToInt(v -> (int) v).toArray();
      case BOOL -> {
        boolean[] b = new boolean[x.length];
        for (int i = 0; i < b.length; i++) {
          b[i] = x[i] != 0;
        }
        yield b;
      }
    };
  }

  /** The index that a row-major position stands for. */
  static int[] index(Shape shape, int position) {
    int[] index = new int[shape.rank()];
    int rest = position;
    for (int a = index.length - 1; a >= 0; a--) {
      index[a] = rest % shape.dim(a);
      rest /= shape.dim(a);
    }
    return index;
  }

  /** The row-major position of an index. */
  static int position(Shape shape, int[] index) {
    int p = 0;
    for (int a = 0; a < index.length; a++) {
      p = p * shape.dim(a) + index[a];
    }
    return p;
  }

  private static double[] compute(Node n, double[][] in) {
    int size = (int) n.shape().size();
    double[] out = new double[size];
    switch (n.op()) {
      case Op.Pad pad -> pad(n, pad, in[0], out);
      case Op.Concat(int axis) -> concat(n, axis, in, out);
      case Op.Reduce(var kind, Axes axes) -> reduce(n, kind, axes, in[0], out);
      case Op.Cumsum c -> cumsum(n, c, in[0], out);
      case Op.Fold f -> fold(n, f, in[0], out);
      case Op.ScatterAdd s -> scatterAdd(n, s, in[0], in[1], out);
      case Op.Dot dot -> dot(n, dot, in[0], in[1], out);
      case Op.Check(String message) -> check(message, in, out);
      case Op.Factor(FactorKind.Part(var factor)) -> part(n, factor, in[0], out);
      case Op.Composite(var kind, Program body) -> {
        return toDoubles(run(body, (Object[]) in)[0]);
      }
      case Op.Factor(var kind) -> factor(n, kind, in, out);
      default -> {
        for (int i = 0; i < size; i++) {
          out[i] = element(n, i, in);
        }
      }
    }
    return out;
  }

  private static void check(String message, double[][] in, double[] out) {
    if (Arrays.stream(in[1]).anyMatch(flag -> flag == 0)) {
      throw new ArithmeticException(message);
    }
    System.arraycopy(in[0], 0, out, 0, out.length);
  }

  /** One element of a node whose elements do not depend on each other. */
  private static double element(Node n, int i, double[][] in) {
    return switch (n.op()) {
      case Op.Constant(double value) -> Elementary.round(value, n.dtype());
      case Op.Iota(int axis) -> index(n.shape(), i)[axis];
      case Op.Unary u -> Elementary.apply(u, n.dtype(), in[0][i]);
      case Op.Binary b -> Elementary.apply(b, n.dtype(), in[0][i], in[1][i]);
      case Op.Compare c -> Elementary.apply(c, n.dtype(), in[0][i], in[1][i]);
      case Op.Select s -> Elementary.apply(s, n.dtype(), in[0][i], in[1][i], in[2][i]);
      case Op.Cast c -> Elementary.apply(c, n.dtype(), in[0][i]);
      case Op.StopGradient s -> in[0][i];
      case Op.Copy c -> in[0][i];
      case Op.Barrier b -> in[0][i];
      case Op.CustomJvp c -> in[c.input()][i];
      case Op.Reshape r -> in[0][i];
      case Op.Gather g ->
          in[0][
              indexed(
                  n.input(0).shape(),
                  index(n.shape(), i),
                  g.batch(),
                  g.axis(),
                  n.input(1).shape(),
                  in[1])];
      case Op.ArgMax(int axis) -> argMax(n.input(0).shape(), axis, index(n.shape(), i), in[0]);
      case Op.RandomBits r -> {
        int keys = in[0].length / 2;
        int count = (int) n.shape().size() / keys;
        int k = i / count;
        yield Elementary.randomWord((int) in[0][2 * k], (int) in[0][2 * k + 1], i % count);
      }
      default -> in[0][position(n.input(0).shape(), source(n, index(n.shape(), i)))];
    };
  }

  /** The index of the operand's element that a view shows at an index. */
  private static int[] source(Node n, int[] at) {
    Shape from = n.input(0).shape();
    int[] s = new int[from.rank()];
    for (int a = 0; a < s.length; a++) {
      s[a] =
          switch (n.op()) {
            case Op.Permute(Axes axes) -> at[axes.indexOf(a)];
            case Op.Broadcast(Axes axes) -> at[axes.get(a)];
            case Op.Slice(Axes start, Axes stride) -> start.get(a) + at[a] * stride.get(a);
            case Op.Window(int axis, int stride, int dilation) ->
                a == axis ? stride * at[a] + dilation * at[a + 1] : at[a < axis ? a : a + 1];
            case Op.Reverse(Axes axes) -> axes.contains(a) ? from.dim(a) - 1 - at[a] : at[a];
            default -> throw new IllegalArgumentException("cannot compute " + n);
          };
    }
    return s;
  }

  /**
   * The position in a tensor indexed along an axis that an index into its gathered elements means.
   */
  private static int indexed(
      Shape of, int[] at, int batch, int axis, Shape indexShape, double[] indices) {
    int end = axis + indexShape.rank() - batch;
    IntStream batches = Arrays.stream(at, 0, batch);
    int[] i = IntStream.concat(batches, Arrays.stream(at, axis, end)).toArray();
    int k = Objects.checkIndex((int) indices[position(indexShape, i)], of.dim(axis));
    IntStream before = IntStream.concat(Arrays.stream(at, 0, axis), IntStream.of(k));
    return position(of, IntStream.concat(before, Arrays.stream(at, end, at.length)).toArray());
  }

  private static void scatterAdd(
      Node n, Op.ScatterAdd op, double[] updates, double[] indices, double[] out) {
    Shape from = n.input(0).shape();
    Shape indexShape = n.input(1).shape();
    for (int i = 0; i < updates.length; i++) {
      int[] at = index(from, i);
      int to = indexed(n.shape(), at, op.batch(), op.axis(), indexShape, indices);
      out[to] = add(out[to], updates[i], n.dtype());
    }
    for (int i = 0; i < out.length; i++) {
      out[i] = Elementary.round(out[i], n.dtype());
    }
  }

  private static void fold(Node n, Op.Fold op, double[] in, double[] out) {
    Shape from = n.input(0).shape();
    for (int i = 0; i < in.length; i++) {
      int[] at = index(from, i);
      int k = at[op.axis()] * op.stride() + at[op.axis() + 1] * op.dilation();
      IntStream before = IntStream.concat(Arrays.stream(at, 0, op.axis()), IntStream.of(k));
      IntStream after = Arrays.stream(at, op.axis() + 2, at.length);
      int to = position(n.shape(), IntStream.concat(before, after).toArray());
      out[to] = add(out[to], in[i], n.dtype());
    }
    for (int i = 0; i < out.length; i++) {
      out[i] = Elementary.round(out[i], n.dtype());
    }
  }

  private static double argMax(Shape from, int axis, int[] at, double[] in) {
    int best = 0;
    double most = 0;
    for (int j = 0; j < from.dim(axis); j++) {
      double v = in[position(from, with(at, axis, j))];
      if (j == 0 || v > most || (Double.isNaN(v) && !Double.isNaN(most))) {
        best = j;
        most = v;
      }
    }
    return best;
  }

  /** An index with another one put in at an axis. */
  private static int[] with(int[] index, int axis, int value) {
    int[] out = new int[index.length + 1];
    for (int a = 0; a < out.length; a++) {
      out[a] = a < axis ? index[a] : a == axis ? value : index[a - 1];
    }
    return out;
  }

  private static void pad(Node n, Op.Pad pad, double[] in, double[] out) {
    Shape from = n.input(0).shape();
    for (int i = 0; i < in.length; i++) {
      int[] at = index(from, i);
      for (int a = 0; a < at.length; a++) {
        at[a] = pad.low().get(a) + at[a] * (pad.interior().get(a) + 1);
      }
      out[position(n.shape(), at)] = in[i];
    }
  }

  private static void concat(Node n, int axis, double[][] in, double[] out) {
    int begin = 0;
    for (int p = 0; p < in.length; p++) {
      Shape from = n.input(p).shape();
      for (int i = 0; i < in[p].length; i++) {
        int[] at = index(from, i);
        at[axis] += begin;
        out[position(n.shape(), at)] = in[p][i];
      }
      begin += from.dim(axis);
    }
  }

  private static void reduce(Node n, ReduceKind kind, Axes axes, double[] in, double[] out) {
    Shape from = n.input(0).shape();
    double lowest = n.dtype() == DType.I32 ? Integer.MIN_VALUE : Double.NEGATIVE_INFINITY;
    Arrays.fill(out, kind == ReduceKind.SUM ? 0 : lowest);
    int[] kept = axes.complement(from.rank()).toArray();
    for (int i = 0; i < in.length; i++) {
      int[] at = index(from, i);
      int to = position(n.shape(), Arrays.stream(kept).map(a -> at[a]).toArray());
      out[to] = kind == ReduceKind.SUM ? add(out[to], in[i], n.dtype()) : Math.max(out[to], in[i]);
    }
    for (int i = 0; i < out.length; i++) {
      out[i] = Elementary.round(out[i], n.dtype());
    }
  }

  private static void cumsum(Node n, Op.Cumsum op, double[] in, double[] out) {
    for (int i = 0; i < out.length; i++) {
      int[] at = index(n.shape(), i);
      int end = at[op.axis()];
      int step = op.reverse() ? -1 : 1;
      int begin = op.reverse() ? n.shape().dim(op.axis()) - 1 : 0;
      for (int k = begin; k != end + step; k += step) {
        at[op.axis()] = k;
        out[i] = add(out[i], in[position(n.shape(), at)], n.dtype());
      }
      out[i] = Elementary.round(out[i], n.dtype());
    }
  }

  private static double add(double a, double b, DType dtype) {
    return dtype == DType.I32 ? (int) a + (int) b : a + b;
  }

  /** The last one or two extents of a shape, as rows and columns. */
  private static int[] matrix(Shape shape, boolean vector) {
    int last = shape.rank() - 1;
    return new int[] {vector ? 1 : shape.dim(last - 1), shape.dim(last)};
  }

  private static double[][] rows(double[] values, int batch, int[] extents) {
    double[][] rows = new double[extents[0]][];
    for (int i = 0; i < rows.length; i++) {
      int at = (batch * extents[0] + i) * extents[1];
      rows[i] = Arrays.copyOfRange(values, at, at + extents[1]);
    }
    return rows;
  }

  private static void factor(Node n, FactorKind kind, double[][] in, double[] out) {
    boolean vectors = kind instanceof FactorKind.Gaps;
    int[] to = matrix(n.shape(), kind instanceof FactorKind.Determinant);
    for (int b = 0; b < out.length / (to[0] * to[1]); b++) {
      double[][][] operands = new double[kind.reads()][][];
      for (int i = 0; i < operands.length; i++) {
        operands[i] = rows(in[i], b, matrix(n.input(i).shape(), vectors));
      }
      double[][] result = ReferenceFactors.compute(kind, operands, to[0], to[1]);
      for (int i = 0; i < to[0]; i++) {
        for (int j = 0; j < to[1]; j++) {
          out[(b * to[0] + i) * to[1] + j] = Elementary.round(result[i][j], n.dtype());
        }
      }
    }
  }

  private static void part(Node n, FactorKind.Factor factor, double[] packed, double[] out) {
    int[] all = matrix(n.input(0).shape(), false);
    int[] of = matrix(n.input(1).shape(), false);
    int first = factor.firstRow(of[0], of[1]);
    int size = factor.rows(of[0], of[1]) * all[1];
    for (int i = 0; i < out.length; i++) {
      out[i] = packed[(i / size * all[0] + first) * all[1] + i % size];
    }
  }

  private static void dot(Node n, Op.Dot dot, double[] lhs, double[] rhs, double[] out) {
    Shape left = n.input(0).shape();
    Shape right = n.input(1).shape();
    int[] lhsFree = dot.lhsBatch().then(dot.lhsContract()).complement(left.rank()).toArray();
    int[] rhsFree = dot.rhsBatch().then(dot.rhsContract()).complement(right.rank()).toArray();
    int[] dims = Arrays.stream(dot.lhsContract().toArray()).map(left::dim).toArray();
    Shape contracted = Shape.of(dims);
    for (int i = 0; i < out.length; i++) {
      int[] at = index(n.shape(), i);
      double sum = 0;
      for (int c = 0; c < contracted.size(); c++) {
        int[] k = index(contracted, c);
        int[] l = new int[left.rank()];
        int[] r = new int[right.rank()];
        int next = 0;
        for (int b = 0; b < dot.lhsBatch().size(); b++) {
          l[dot.lhsBatch().get(b)] = at[next];
          r[dot.rhsBatch().get(b)] = at[next++];
        }
        for (int a : lhsFree) {
          l[a] = at[next++];
        }
        for (int a : rhsFree) {
          r[a] = at[next++];
        }
        for (int a = 0; a < k.length; a++) {
          l[dot.lhsContract().get(a)] = k[a];
          r[dot.rhsContract().get(a)] = k[a];
        }
        sum += lhs[position(left, l)] * rhs[position(right, r)];
      }
      out[i] = Elementary.round(sum, n.dtype());
    }
  }
}
