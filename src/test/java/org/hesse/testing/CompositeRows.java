package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Tensor;
import org.hesse.testing.OpRow.Sample;

/** Functions of networks, against loops over rows. */
final class CompositeRows {
  private static final double EPSILON = 0.1;

  private final Gen gen = new Gen(7);
  private final List<OpRow> rows = new ArrayList<>();

  private CompositeRows() {}

  static List<OpRow> rows() {
    CompositeRows r = new CompositeRows();
    r.crossEntropies();
    r.norms();
    r.activations();
    r.attention();
    return r.rows;
  }

  private void add(
      String name,
      double ulps,
      Function<List<Tensor>, Tensor> op,
      Function<List<Arr>, Arr> reference,
      List<Sample> samples) {
    Function<List<Arr>, Arr> size =
        in -> {
          double most = in.stream().mapToDouble(Arr::maxAbs).max().orElse(0);
          Arr y = reference.apply(in);
          return y.map(v -> 1 + most + y.maxAbs());
        };
    rows.add(OpRow.of(name, 3, ulps, op, reference, samples).sized(size));
  }

  private static double[] row(Arr a, int row) {
    int n = a.dims()[a.rank() - 1];
    return Arrays.copyOfRange(a.values(), row * n, (row + 1) * n);
  }

  private static double logSumExp(double[] x) {
    double max = Arrays.stream(x).max().orElse(0);
    return max + Math.log(Arrays.stream(x).map(v -> Math.exp(v - max)).sum());
  }

  private void crossEntropies() {
    Gen few = new Gen(8);
    add(
        "crossEntropy of labels",
        10,
        in -> Functions.crossEntropy(in.get(0), in.get(1)),
        in -> {
          double sum = 0;
          int n = in.get(1).size();
          for (int r = 0; r < n; r++) {
            double[] x = row(in.get(0), r);
            int label = (int) in.get(1).values()[r];
            sum += label < 0 || label >= x.length ? Double.NaN : logSumExp(x) - x[label];
          }
          return Arr.real(new int[0], sum / n);
        },
        List.of(
            smooth(gen.normal(3, 8), gen.whole(0, 2, 3)),
            smooth(gen.normal(2, 1, 9), gen.whole(0, 2, 2, 1)),
            edge(gen.normal(40, 130), gen.whole(0, 100, 40)),
            edge(gen.normal(2, 3), gen.whole(-3, 6, 2)),
            smooth(few.normal(3, 3), few.whole(0, 2, 3)),
            smooth(few.normal(2, 2, 2), few.whole(0, 1, 2, 2)),
            edge(few.normal(150, 7), few.whole(0, 6, 150))));
    add(
        "crossEntropy of probabilities",
        10,
        in -> Functions.crossEntropy(in.get(0), in.get(1)),
        in -> {
          double sum = 0;
          int n = in.get(0).dims()[0];
          for (int r = 0; r < n; r++) {
            double[] x = row(in.get(0), r);
            double[] q = row(in.get(1), r);
            for (int j = 0; j < x.length; j++) {
              sum += q[j] * (logSumExp(x) - x[j]) / n;
            }
          }
          return Arr.real(new int[0], sum);
        },
        List.of(
            smooth(gen.normal(3, 4), gen.uniform(0, 1, 3, 4)),
            edge(gen.normal(5, 70), gen.uniform(0, 0.01, 5, 70))));
  }

  private static Arr mapRows(Arr x, Function<double[], double[]> f) {
    int n = x.dims()[x.rank() - 1];
    double[] out = new double[x.size()];
    for (int r = 0; n > 0 && r < x.size() / n; r++) {
      System.arraycopy(f.apply(row(x, r)), 0, out, r * n, n);
    }
    return Arr.real(x.dims(), out);
  }

  private static double[] standardized(double[] x, boolean centred) {
    double mean = centred ? Arrays.stream(x).average().orElse(0) : 0;
    double square = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).average().orElse(0);
    return Arrays.stream(x).map(v -> (v - mean) / Math.sqrt(square + EPSILON)).toArray();
  }

  private static double[] affine(double[] x, Arr scale, Arr shift) {
    double[] y = new double[x.length];
    for (int j = 0; j < y.length; j++) {
      y[j] = x[j] * scale.values()[j] + shift.values()[j];
    }
    return y;
  }

  private static Arr transposed(Arr x) {
    return Arr.build(DType.F64, new int[] {x.dims()[1], x.dims()[0]}, i -> x.at(i[1], i[0]));
  }

  private void norms() {
    List<Sample> layers =
        List.of(
            smooth(gen.normal(3, 4), gen.normal(4), gen.normal(4)),
            smooth(gen.normal(2, 1, 5), gen.normal(5), gen.normal(5)),
            smooth(gen.normal(2, 1), gen.normal(1), gen.normal(1)),
            edge(gen.normal(0, 3), gen.normal(3), gen.normal(3)),
            edge(gen.normal(30, 200), gen.normal(200), gen.normal(200)));
    add(
        "layerNorm",
        20,
        in -> Functions.layerNorm(in.get(0), in.get(1), in.get(2), EPSILON),
        in -> mapRows(in.get(0), x -> affine(standardized(x, true), in.get(1), in.get(2))),
        layers);
    add(
        "rmsNorm",
        20,
        in -> Functions.rmsNorm(in.get(0), in.get(1), EPSILON),
        in ->
            mapRows(
                in.get(0), x -> affine(standardized(x, false), in.get(1), in.get(1).map(v -> 0))),
        layers.stream().map(s -> new Sample(s.smooth(), s.operands().subList(0, 2))).toList());
    add(
        "batchNorm",
        20,
        in -> Functions.batchNorm(in.get(0), in.get(1), in.get(2), EPSILON).output(),
        in -> {
          Arr x = transposed(mapRows(transposed(in.get(0)), c -> standardized(c, true)));
          return mapRows(x, r -> affine(r, in.get(1), in.get(2)));
        },
        List.of(
            smooth(gen.normal(4, 3), gen.normal(3), gen.normal(3)),
            smooth(gen.normal(1, 2), gen.normal(2), gen.normal(2)),
            edge(gen.normal(100, 30), gen.normal(30), gen.normal(30))));
  }

  private void activations() {
    List<Sample> samples =
        List.of(smooth(gen.normal(3, 2)), smooth(gen.normal()), edge(gen.normal(40, 60)));
    DoubleUnaryOperator gelu = x -> x * 0.5 * (1 + Scalars.erf(x / Math.sqrt(2)));
    add("gelu", 6, in -> Functions.gelu(in.get(0)), in -> in.get(0).map(gelu), samples);
    Function<Tensor, Tensor> slope = Autodiff.grad((Tensor x) -> Functions.gelu(x).sum());
    DoubleUnaryOperator expected = Scalars::geluSlope;
    add("slope of gelu", 6, in -> slope.apply(in.get(0)), in -> in.get(0).map(expected), samples);
    DoubleUnaryOperator tanh =
        x -> x * 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    add("geluTanh", 6, in -> Functions.geluTanh(in.get(0)), in -> in.get(0).map(tanh), samples);
  }

  /** Without a batch; {@code allowed} says what is added to a score. */
  private static Arr attend(Arr q, Arr k, Arr v, Function<int[], Double> added) {
    int m = k.dims()[0];
    double scale = 1 / Math.sqrt(q.dims()[1]);
    return Arr.build(
        DType.F64,
        new int[] {q.dims()[0], v.dims()[1]},
        at -> {
          double[] s = new double[m];
          for (int j = 0; j < m; j++) {
            for (int p = 0; p < q.dims()[1]; p++) {
              s[j] += scale * q.at(at[0], p) * k.at(j, p);
            }
            s[j] += added.apply(new int[] {at[0], j});
          }
          double log = logSumExp(s);
          double sum = 0;
          for (int j = 0; j < m; j++) {
            sum +=
                log == Double.NEGATIVE_INFINITY || Double.isNaN(log)
                    ? 0
                    : Math.exp(s[j] - log) * v.at(j, at[1]);
          }
          return sum;
        });
  }

  private void attention() {
    List<Sample> plain =
        List.of(
            smooth(gen.normal(3, 2), gen.normal(4, 2), gen.normal(4, 3)),
            smooth(gen.normal(1, 1), gen.normal(1, 1), gen.normal(1, 1)),
            edge(gen.normal(200, 9), gen.normal(70, 9), gen.normal(70, 17)));
    add(
        "attention",
        40,
        in -> Functions.attention(in.get(0), in.get(1), in.get(2)),
        in -> attend(in.get(0), in.get(1), in.get(2), i -> 0.0),
        plain);
    add(
        "attention with a bias",
        40,
        in -> Functions.attention(in.get(0), in.get(1), in.get(2), in.get(3)),
        in -> attend(in.get(0), in.get(1), in.get(2), i -> in.get(3).at(i)),
        plain.stream().map(s -> with(s, gen.normal(scores(s)))).toList());
    add(
        "attention with a mask",
        40,
        in -> Functions.attention(in.get(0), in.get(1), in.get(2), in.get(3)),
        in ->
            attend(
                in.get(0),
                in.get(1),
                in.get(2),
                i -> in.get(3).at(i) != 0 ? 0 : Double.NEGATIVE_INFINITY),
        plain.stream().map(s -> with(s, gen.truth(scores(s)))).toList());
  }

  private static int[] scores(Sample s) {
    return new int[] {s.operands().get(0).dims()[0], s.operands().get(1).dims()[0]};
  }

  private static Sample with(Sample s, Arr more) {
    List<Arr> operands = new ArrayList<>(s.operands());
    operands.add(more);
    return new Sample(s.smooth(), operands);
  }
}
