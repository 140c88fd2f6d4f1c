package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.curvature.NetworkLayers.Layer;
import org.hesse.curvature.NetworkLayers.Use;

/**
 * Sums over examples that Kronecker factors are means of, in F64.
 *
 * @param layers for each layer its factors, then those of the uses of its transpose, if there are
 *     any
 * @param alone for each group of parameters that belong to no weight the sum of the outer products
 *     of its gradients [d, d], or of their squares [d]
 */
record FactorSums(List<List<Factors>> layers, List<Tensor> alone) {
  /**
   * Factors of one layer.
   *
   * @param output sum of g gᵀ, [groups, q, q]
   * @param input sum of a aᵀ, [groups, p, p], or [groups, p] if that is diagonal; empty where it
   *     has been counted before
   */
  record Factors(Tensor output, Optional<Tensor> input) {
    private Factors plus(Factors other) {
      Optional<Tensor> both =
          input.isPresent() && other.input.isPresent()
              ? Optional.of(input.get().add(other.input.get()))
              : input.or(() -> other.input);
      return new Factors(output.add(other.output), both);
    }
  }

  FactorSums plus(FactorSums other) {
    List<List<Factors>> sums = new ArrayList<>();
    for (int l = 0; l < layers.size(); l++) {
      List<Factors> both = new ArrayList<>();
      for (int i = 0; i < layers.get(l).size(); i++) {
        both.add(layers.get(l).get(i).plus(other.layers.get(l).get(i)));
      }
      sums.add(both);
    }
    List<Tensor> rest = new ArrayList<>();
    for (int i = 0; i < alone.size(); i++) {
      rest.add(alone.get(i).add(other.alone.get(i)));
    }
    return new FactorSums(sums, rest);
  }

  /**
   * Sums over the examples of a batch.
   *
   * @param dense up to how many numbers parameters that belong to no weight have outer products
   * @param inputs whether inputs count
   */
  static FactorSums of(
      NetworkLayers layers, Signals signals, Sharing sharing, int dense, boolean inputs) {
    List<List<Factors>> all = new ArrayList<>();
    int first = 0;
    for (Layer layer : layers.layers()) {
      Traffic own = new Traffic(layer, signals, first, false);
      Traffic turned = new Traffic(layer, signals, first, true);
      first += layer.uses().size();
      all.add(
          layer.isTurned()
              ? List.of(own.factors(sharing, inputs), turned.factors(sharing, inputs))
              : List.of(own.factors(sharing, inputs)));
    }
    return new FactorSums(
        all, signals.alone().stream().map(g -> squares(g.reshape(-1, g.dim(2)), dense)).toList());
  }

  private static Tensor squares(Tensor rows, int dense) {
    return rows.dim(1) <= dense ? gram(rows) : rows.square().cast(DType.F64).sum(0);
  }

  /** Of rows [groups…, m, n] the products [groups…, n, n]. */
  private static Tensor gram(Tensor rows) {
    return rows.transpose().matmul(rows).cast(DType.F64);
  }

  /** What goes through a weight at all uses of one orientation. */
  private static final class Traffic {
    private final Layer layer;
    private final Signals signals;
    private final List<Use> uses = new ArrayList<>();

    /** Positions of the uses among those of all layers. */
    private final List<Integer> numbers = new ArrayList<>();

    private final List<Tensor> gradients = new ArrayList<>();

    Traffic(Layer layer, Signals signals, int first, boolean transposed) {
      this.layer = layer;
      this.signals = signals;
      for (int u = 0; u < layer.uses().size(); u++) {
        if (layer.uses().get(u).transposed() == transposed) {
          uses.add(layer.uses().get(u));
          numbers.add(first + u);
          gradients.add(signals.gradients().get(first + u));
        }
      }
    }

    /** Inputs of a use, [N, groups, R, p]. */
    private Tensor rows(int u) {
      return signals.rows(layer, uses.get(u), numbers.get(u));
    }

    Factors factors(Sharing sharing, boolean withInputs) {
      boolean lookups = uses.stream().allMatch(u -> u.product().lookup());
      return switch (sharing) {
        case EXPAND -> {
          Supplier<Tensor> input = lookups ? this::counts : this::expandedInput;
          yield new Factors(expandedOutput(), optional(withInputs, input));
        }
        case REDUCE -> new Factors(reducedOutput(), optional(withInputs, this::reducedInput));
      };
    }

    private static Optional<Tensor> optional(boolean present, Supplier<Tensor> tensor) {
      return present ? Optional.of(tensor.get()) : Optional.empty();
    }

    private Tensor expandedOutput() {
      List<Tensor> sums = new ArrayList<>();
      for (Tensor g : gradients) {
        // [N, K, groups, R, q]
        Tensor rows = g.permute(2, 0, 1, 3, 4);
        sums.add(gram(rows.reshape(rows.dim(0), -1, rows.dim(4))));
      }
      return sum(sums);
    }

    private Tensor expandedInput() {
      List<Tensor> sums = new ArrayList<>();
      for (int u = 0; u < uses.size(); u++) {
        Tensor rows = rows(u).permute(1, 0, 2, 3);
        sums.add(gram(rows.reshape(rows.dim(0), -1, rows.dim(3))));
      }
      return sum(sums);
    }

    /** How often each row of an embedding is picked: the sum of outer products of unit vectors. */
    private Tensor counts() {
      List<Tensor> sums = new ArrayList<>();
      for (int u = 0; u < uses.size(); u++) {
        Tensor indices = signals.inputs().get(numbers.get(u)).reshape(-1);
        Tensor ones = Tensor.ones(DType.F64, indices.dim(0));
        sums.add(ones.scatterAdd(0, indices, layer.columns()).insertAxis(0));
      }
      return sum(sums);
    }

    private Tensor reducedOutput() {
      Tensor rows = sum(gradients.stream().map(g -> g.sum(3)).toList()).permute(2, 0, 1, 3);
      return gram(rows.reshape(rows.dim(0), -1, rows.dim(3)));
    }

    private Tensor reducedInput() {
      List<Tensor> sums = new ArrayList<>();
      for (int u = 0; u < uses.size(); u++) {
        sums.add(rows(u).sum(2));
      }
      return gram(sum(sums).div(shared(uses)).permute(1, 0, 2));
    }

    private static Tensor sum(List<Tensor> tensors) {
      return tensors.stream().reduce(Tensor::add).orElseThrow();
    }
  }

  /** Places at which one example meets a weight. */
  static int shared(List<Use> uses) {
    return uses.stream().mapToInt(u -> u.product().shared()).sum();
  }
}
