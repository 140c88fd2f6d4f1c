package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.hesse.Autodiff;
import org.hesse.ControlFlow;
import org.hesse.ControlFlow.Round;
import org.hesse.DType;
import org.hesse.LinearSolver;
import org.hesse.Tensor;
import org.hesse.testing.OpRow.Sample;

/** Functions with a body that runs again and again, or later, against loops in Java. */
final class LoopRows {
  private final Gen gen = new Gen(31);
  private final List<OpRow> rows = new ArrayList<>();

  private LoopRows() {}

  static List<OpRow> rows() {
    LoopRows r = new LoopRows();
    r.scans();
    r.others();
    r.solutions();
    return r.rows;
  }

  private static OpRow row(
      String name,
      Function<List<Tensor>, Tensor> op,
      Function<List<Arr>, Arr> reference,
      List<Sample> samples) {
    return OpRow.of(name, 3, 64, op, reference, samples)
        .sized(in -> reference.apply(in).map(v -> 1 + Math.abs(v)));
  }

  private void scans() {
    List<Sample> samples =
        List.of(
            smooth(gen.normal(3), gen.normal(4, 3)),
            smooth(gen.normal(2), gen.normal(1, 2)),
            edge(gen.normal(3), gen.normal(0, 3)),
            edge(gen.normal(5), gen.normal(100, 5)));
    rows.add(
        row(
            "scan",
            in ->
                ControlFlow.scan(
                    (Tensor s, Tensor x) -> s.mul(x).add(1).tanh(), in.get(0), in.get(1)),
            in -> {
              double[] s = in.get(0).values().clone();
              for (int t = 0; t < in.get(1).dims()[0]; t++) {
                for (int i = 0; i < s.length; i++) {
                  s[i] = Math.tanh(s[i] * in.get(1).at(t, i) + 1);
                }
              }
              return Arr.real(in.get(0).dims(), s);
            },
            samples));
    rows.add(row("scan outputs", in -> outputs(in, false), in -> outputs(in, 0, 1), samples));
    rows.add(
        row(
            "scan in reverse",
            in -> outputs(in, true),
            in -> outputs(in, in.get(1).dims()[0] - 1, -1),
            samples));
  }

  /** Σ s before each round, times x. */
  private static Tensor outputs(List<Tensor> in, boolean reverse) {
    var round =
        (java.util.function.BiFunction<Tensor, Tensor, Round<Tensor, Tensor>>)
            (s, x) -> new Round<>(s.mul(0.5).add(x.sin()), s.sum().mul(x));
    return reverse
        ? ControlFlow.scanReverse(round, in.get(0), in.get(1)).outputs()
        : ControlFlow.scanOutputs(round, in.get(0), in.get(1)).outputs();
  }

  private static Arr outputs(List<Arr> in, int first, int step) {
    Arr x = in.get(1);
    double[] s = in.get(0).values().clone();
    double[] out = new double[x.values().length];
    for (int k = 0, t = first; k < x.dims()[0]; k++, t += step) {
      double sum = DoubleStream.of(s).sum();
      for (int i = 0; i < s.length; i++) {
        out[t * s.length + i] = sum * x.at(t, i);
        s[i] = 0.5 * s[i] + Math.sin(x.at(t, i));
      }
    }
    return Arr.real(x.dims(), out);
  }

  private void others() {
    rows.add(
        row(
            "forLoop",
            in ->
                ControlFlow.forLoop(
                    3, (Tensor s, Tensor i) -> s.mul(i.cast(s.dtype()).add(0.5)).sin(), in.get(0)),
            in -> in.get(0).map(v -> Math.sin(2.5 * Math.sin(1.5 * Math.sin(0.5 * v)))),
            List.of(smooth(gen.normal(2, 3)), edge(gen.normal(70)))));
    rows.add(
        row(
            "checkpoint",
            in ->
                Autodiff.checkpoint((Tensor x) -> x.mul(x.sin()).tanh().add(x.square()))
                    .apply(in.get(0)),
            in -> in.get(0).map(v -> Math.tanh(v * Math.sin(v)) + v * v),
            List.of(smooth(gen.normal(2, 3)), smooth(gen.normal()), edge(gen.normal(70)))));
    rows.add(
        OpRow.of(
                "whileLoop",
                0,
                8,
                in ->
                    ControlFlow.whileLoop(
                        (Tensor x) -> x.abs().max().lt(64), x -> x.mul(2), in.get(0)),
                in -> {
                  double most = Arrays.stream(in.get(0).values()).map(Math::abs).max().orElse(0);
                  double factor = 1;
                  while (most * factor < 64) {
                    factor *= 2;
                  }
                  double f = factor;
                  return in.get(0).map(v -> v * f);
                },
                List.of(edge(gen.uniform(0.5, 2, 2, 3)), edge(gen.uniform(-3, -1, 70))))
            .notDifferentiable("no reverse mode; ControlFlowTest checks forward mode"));
  }

  /** (WᵀW + I)⁻¹ b and (W/4 + I)⁻¹ b by products. */
  private void solutions() {
    List<Sample> samples =
        List.of(smooth(gen.normal(3, 3), gen.normal(3)), smooth(gen.normal(1, 1), gen.normal(1)));
    rows.add(
        row(
            "conjugateGradients",
            in -> {
              Tensor w = in.get(0);
              return LinearSolver.conjugateGradients(tolerance(w), 40)
                  .solve((Tensor v) -> w.transpose().matmul(w.matmul(v)).add(v), in.get(1));
            },
            in -> solved(in, true),
            samples));
    rows.add(
        row(
            "normalEquations",
            in -> {
              Tensor w = in.get(0);
              return LinearSolver.normalEquations(tolerance(w), 80)
                  .solve((Tensor v) -> w.matmul(v).mul(0.25).add(v), in.get(1));
            },
            in -> solved(in, false),
            samples));
  }

  private static double tolerance(Tensor w) {
    return w.dtype() == DType.F64 ? 1e-13 : 1e-6;
  }

  private static Arr solved(List<Arr> in, boolean symmetric) {
    Arr w = in.get(0);
    int n = w.dims()[0];
    double[][] a = new double[n][n + 1];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = symmetric ? 0 : w.at(i, j) / 4;
        for (int k = 0; k < n && symmetric; k++) {
          sum += w.at(k, i) * w.at(k, j);
        }
        a[i][j] = sum + (i == j ? 1 : 0);
      }
      a[i][n] = in.get(1).at(i);
    }
    return Arr.real(new int[] {n}, eliminated(a));
  }

  /** Gauss and Jordan; the matrices are far from singular. */
  private static double[] eliminated(double[][] a) {
    int n = a.length;
    for (int k = 0; k < n; k++) {
      for (int i = 0; i < n; i++) {
        double f = i == k ? 0 : a[i][k] / a[k][k];
        for (int j = k; j <= n; j++) {
          a[i][j] -= f * a[k][j];
        }
      }
    }
    double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = a[i][n] / a[i][i];
    }
    return x;
  }
}
