package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;

/**
 * A network with data in F64, and its curvature matrices written out: the Jacobian by {@link
 * Autodiff#jacobian}, all else by loops over terms with the losses' closed forms.
 *
 * @param positions of each sample's sequence, 0 if it is none
 */
record Problem(Loss loss, int positions, Mlp model, Dataset data) {
  static final int SAMPLES = 8;
  static final int INPUTS = 3;
  static final int OUTPUTS = 3;

  static Stream<Problem> all() {
    return Stream.of(Loss.values()).flatMap(l -> Stream.of(of(l, 0), of(l, 2)));
  }

  static Problem of(Loss loss, int positions) {
    return of(loss, positions, Activation.TANH);
  }

  static Problem of(Loss loss, int positions, Activation activation) {
    MlpShape shape = new MlpShape(List.of(INPUTS, 4, OUTPUTS), activation);
    Mlp model = Mlp.init(RngKey.of(6), shape, DType.F64);
    int[] terms = positions == 0 ? new int[] {SAMPLES} : new int[] {SAMPLES, positions};
    Tensor x = Arr.normal(new Random(1), append(terms, INPUTS)).tensor();
    Tensor y =
        loss == Loss.MSE
            ? Arr.normal(new Random(2), append(terms, OUTPUTS)).tensor()
            : Arr.build(DType.I32, terms, i -> Arrays.hashCode(i) * 5 / 2 % OUTPUTS).tensor();
    return new Problem(loss, positions, model, new Dataset("test", x, y, 0));
  }

  private static int[] append(int[] dims, int last) {
    int[] all = Arrays.copyOf(dims, dims.length + 1);
    all[dims.length] = last;
    return all;
  }

  String name() {
    return loss.label() + (positions == 0 ? "" : ", sequences");
  }

  Problem cast(DType dtype) {
    Dataset d =
        new Dataset(
            "test", data.x().cast(dtype), loss == Loss.MSE ? data.y().cast(dtype) : data.y(), 0);
    return new Problem(loss, positions, Tree.map(model, t -> t.cast(dtype)), d);
  }

  Objective<Mlp> objective(List<Dataset> batches) {
    return Objective.of(model, loss, batches);
  }

  Objective<Mlp> objective() {
    return objective(data.batches(3));
  }

  int terms() {
    return SAMPLES * Math.max(1, positions);
  }

  // ---- what is expected

  private Tensor outputs(Tensor parameters) {
    return Tree.of(model).unravel(parameters, model).apply(data.x());
  }

  /** [terms, outputs, n]. */
  Arr jacobian() {
    Tensor flat = Tree.of(model).ravel(model);
    Tensor j = Autodiff.jacobian(this::outputs, flat);
    return Arr.of(j.reshape(terms(), OUTPUTS, flat.dim(0)));
  }

  /** Mean over terms of J' H J. */
  Arr gaussNewton() {
    Arr o = Arr.of(model.apply(data.x())).reshape(terms(), OUTPUTS);
    return sandwich((t, a, b) -> lossHessian(o, t, a, b));
  }

  private double lossHessian(Arr outputs, int t, int a, int b) {
    if (loss == Loss.MSE) {
      return a == b ? 2.0 / OUTPUTS : 0;
    }
    double[] p = softmax(outputs, t);
    return (a == b ? p[a] : 0) - p[a] * p[b];
  }

  /** Mean over terms of g g', for the data's targets. */
  Arr empirical() {
    Arr o = Arr.of(model.apply(data.x())).reshape(terms(), OUTPUTS);
    Arr y = Arr.of(data.y());
    List<double[]> scores = new ArrayList<>();
    for (int t = 0; t < terms(); t++) {
      double[] s = new double[OUTPUTS];
      double[] p = softmax(o, t);
      for (int c = 0; c < OUTPUTS; c++) {
        s[c] =
            loss == Loss.MSE
                ? 2.0 / OUTPUTS * (o.at(t, c) - y.values()[t * OUTPUTS + c])
                : p[c] - (y.values()[t] == c ? 1 : 0);
      }
      scores.add(s);
    }
    return sandwich((t, a, b) -> scores.get(t)[a] * scores.get(t)[b]);
  }

  /** The Hessian of the mean loss of all of the data at once. */
  Arr hessian() {
    Tensor flat = Tree.of(model).ravel(model);
    return Arr.of(Autodiff.hessian(p -> loss.apply(outputs(p), data.y()), flat));
  }

  private static double[] softmax(Arr outputs, int t) {
    double[] p = new double[OUTPUTS];
    double total = 0;
    for (int c = 0; c < OUTPUTS; c++) {
      p[c] = Math.exp(outputs.at(t, c));
      total += p[c];
    }
    for (int c = 0; c < OUTPUTS; c++) {
      p[c] /= total;
    }
    return p;
  }

  private interface Entry {
    double at(int term, int a, int b);
  }

  private Arr sandwich(Entry inner) {
    Arr j = jacobian();
    int n = j.dims()[2];
    double[] sum = new double[n * n];
    for (int t = 0; t < terms(); t++) {
      for (int a = 0; a < OUTPUTS; a++) {
        for (int b = 0; b < OUTPUTS; b++) {
          double h = inner.at(t, a, b) / terms();
          for (int i = 0; i < n; i++) {
            for (int k = 0; k < n; k++) {
              sum[i * n + k] += h * j.at(t, a, i) * j.at(t, b, k);
            }
          }
        }
      }
    }
    return Arr.real(new int[] {n, n}, sum);
  }
}
