package org.hesse.testing;

import static org.hesse.testing.OpRow.Sample.edge;
import static org.hesse.testing.OpRow.Sample.smooth;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;

/** Activations and losses, which are operations to those who build models. */
final class LayerRows {
  private LayerRows() {}

  static List<OpRow> rows() {
    List<OpRow> rows = new ArrayList<>();
    for (Activation a : Activation.values()) {
      Gen gen = new Gen(a.name().hashCode());
      rows.add(
          OpRow.of(
                  "activation " + a,
                  3,
                  8,
                  in -> a.apply(in.get(0)),
                  in -> in.get(0).map(function(a)),
                  List.of(
                      smooth(gen.awayFromZero(2, 3)),
                      smooth(gen.awayFromZero()),
                      edge(gen.normal(50))))
              // In tails a product of two factors is rounded at the size of its operand.
              .sized(in -> in.get(0).map(x -> 1 + Math.abs(x))));
    }
    rows.add(crossEntropy());
    rows.add(squaredError());
    return rows;
  }

  private static DoubleUnaryOperator function(Activation a) {
    return switch (a) {
      case RELU -> x -> Math.max(x, 0);
      case TANH -> Math::tanh;
      case SIGMOID -> Scalars::sigmoid;
      case GELU -> x -> x * (1 + Scalars.erf(x / Math.sqrt(2))) / 2;
      case SILU -> x -> x * Scalars.sigmoid(x);
      case SOFTPLUS -> Scalars::softplus;
      case IDENTITY -> x -> x;
    };
  }

  private static OpRow crossEntropy() {
    Gen gen = new Gen(8);
    return OpRow.of(
            "loss CROSS_ENTROPY",
            3,
            16,
            in -> Loss.CROSS_ENTROPY.apply(in.get(0), in.get(1)),
            in -> {
              Arr z = in.get(0);
              int n = z.dims()[0];
              int c = z.dims()[1];
              double sum = 0;
              for (int i = 0; i < n; i++) {
                int row = i;
                double most = IntStream.range(0, c).mapToDouble(j -> z.at(row, j)).max().orElse(0);
                double e =
                    IntStream.range(0, c).mapToDouble(j -> Math.exp(z.at(row, j) - most)).sum();
                sum += most + Math.log(e) - z.at(i, (int) in.get(1).at(i));
              }
              return Arr.real(new int[0], sum / n);
            },
            // Variants of labels go up to 4.
            List.of(
                smooth(gen.normal(3, 6), gen.whole(0, 3, 3)),
                smooth(gen.normal(1, 5), gen.whole(0, 2, 1)),
                edge(gen.normal(40, 9), gen.whole(0, 9, 40))))
        .sized(in -> Arr.real(new int[0], 4));
  }

  private static OpRow squaredError() {
    Gen gen = new Gen(9);
    return OpRow.of(
        "loss MSE",
        3,
        16,
        in -> Loss.MSE.apply(in.get(0), in.get(1)),
        in -> {
          Arr d = in.get(0).plus(-1, in.get(1));
          return Arr.real(new int[0], d.dot(d) / d.size());
        },
        List.of(
            smooth(gen.normal(3, 2), gen.normal(3, 2)),
            edge(gen.normal(40, 9), gen.normal(40, 9))));
  }
}
