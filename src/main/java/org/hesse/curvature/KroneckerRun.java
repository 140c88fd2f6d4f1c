package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.curvature.FactorSums.Factors;
import org.hesse.curvature.KroneckerEstimator.Settings;
import org.hesse.curvature.NetworkLayers.Layer;
import org.hesse.curvature.Signals.Batch;
import org.hesse.curvature.Signals.Columns;
import org.hesse.io.Dataset;
import org.jspecify.annotations.Nullable;

/** One estimate of Kronecker factors: passes over the data. */
final class KroneckerRun<M> {
  /** Numbers that the gradients of a block of columns may have in all. */
  private static final long BLOCK = 1L << 26;

  private final Objective<M> f;
  private final Settings settings;
  private final RngKey key;
  private final Map<List<Shape>, TracedNetwork<M>> networks = new HashMap<>();
  private final Function<Batch<M>, FactorSums> sums = compile(this::sums);
  private final Function<Corrected<M>, List<Tensor>> eigenvalues = compile(this::eigenvalues);
  private final Function<Alone<M>, Tensor> dependence = compile(this::dependence);

  /** A model and inputs that it should take one by one. */
  private record Alone<M>(M model, Tensor x) {}

  /** A batch, and bases of all groups of all layers. */
  private record Corrected<M>(Batch<M> batch, List<EigenvalueSums.Basis> bases) {}

  KroneckerRun(Objective<M> f, Settings settings) {
    this.f = f;
    this.settings = settings;
    this.key = RngKey.of(settings.seed());
  }

  // ---- a batch

  private static List<Shape> structure(Dataset batch) {
    return List.of(batch.x().shape().remove(0), batch.y().shape().remove(0));
  }

  private TracedNetwork<M> network(Dataset batch) {
    return Objects.requireNonNull(networks.get(structure(batch)));
  }

  private void trace(Dataset batch) {
    if (!networks.containsKey(structure(batch))) {
      boolean root = settings.fisher() == FisherType.TYPE2;
      networks.put(structure(batch), new TracedNetwork<>(f, batch, root));
    }
  }

  private FactorSums sums(Batch<M> batch) {
    TracedNetwork<M> net = network(batch.data());
    return FactorSums.of(
        net.layers(), signals(batch), settings.sharing(), settings.dense(), !batch.begun());
  }

  private Signals signals(Batch<M> batch) {
    return Signals.of(f, network(batch.data()), batch, settings.fisher(), key);
  }

  /** All columns of an example's root, in blocks of one size; the last one is filled with zeros. */
  private List<Columns> columns(Dataset batch) {
    TracedNetwork<M> net = network(batch);
    int terms = settings.fisher() == FisherType.MONTE_CARLO ? 1 : net.terms();
    int each =
        switch (settings.fisher()) {
          case TYPE2 -> net.rootColumns();
          case MONTE_CARLO -> settings.samples();
          case EMPIRICAL -> 1;
        };
    double weight =
        settings.fisher() == FisherType.MONTE_CARLO ? 1 / Math.sqrt(settings.samples()) : 1;
    int count = Math.multiplyExact(terms, each);
    long most =
        settings.columns() > 0
            ? settings.columns()
            : BLOCK / Math.max(1, net.signalSize() * batch.size());
    int blocks = Math.ceilDiv(count, Math.toIntExact(Math.clamp(most, 1, count)));
    int size = Math.ceilDiv(count, blocks);
    List<Columns> all = new ArrayList<>();
    for (int b = 0; b < blocks; b++) {
      int[] term = new int[size];
      int[] part = new int[size];
      double[] weights = new double[size];
      for (int i = 0; i < size && b * size + i < count; i++) {
        term[i] = (b * size + i) / each;
        part[i] = (b * size + i) % each;
        weights[i] = weight;
      }
      Tensor w = Tensor.of(weights, size).cast(f.dtype());
      all.add(new Columns(Tensor.of(term, size), Tensor.of(part, size), w));
    }
    return all;
  }

  /** Visits each block of columns of each batch. */
  private void pass(BiConsumer<Dataset, Batch<M>> visit) {
    int first = 0;
    for (Dataset data : f.batches()) {
      trace(data);
      Tensor number = Tensor.scalar(first, DType.I32);
      boolean begun = false;
      for (Columns c : columns(data)) {
        visit.accept(data, new Batch<>(f.model(), data, number, c, begun));
        begun = true;
      }
      first = Math.addExact(first, data.size());
    }
  }

  /** Sums over a batch in some bases. */
  private List<Tensor> eigenvalues(Corrected<M> c) {
    return EigenvalueSums.of(network(c.batch.data()).layers(), signals(c.batch), c.bases);
  }

  // ---- that examples are independent

  /** What the outputs of an example may differ by, of the largest one, without and with others. */
  private static double tolerance(DType dtype) {
    return dtype == DType.F64 ? 1e-8 : 1e-3;
  }

  private void requireIndependent() {
    for (Dataset data : f.batches()) {
      if (data.size() > 1) {
        double by = dependence.apply(new Alone<>(f.model(), data.x())).item();
        if (by > tolerance(f.dtype())) {
          throw new IllegalArgumentException(
              String.format(
                  "K-FAC: the outputs of an example depend on the others of its batch, by %.2g of the"
                      + " largest output, as they do where statistics of a batch normalise it;"
                      + " expected a network that maps each example by itself (let normalisation"
                      + " use fixed statistics)",
                  by));
        }
        return;
      }
    }
  }

  private Tensor dependence(Alone<M> a) {
    Tensor all = f.outputs(a.model, a.x);
    Tensor each = vmap((Tensor x) -> f.outputs(a.model, x.insertAxis(0)).select(0, 0)).apply(a.x);
    Tensor size = all.abs().reshape(-1).max(0);
    Tensor difference = all.sub(each).abs().reshape(-1).max(0);
    return difference.div(size.add(Double.MIN_NORMAL));
  }

  // ---- factors

  Kfac factors() {
    requireIndependent();
    Totals totals = new Totals();
    pass((data, batch) ->
        totals.add(network(data).layers(), data.size(), !batch.begun(), sums.apply(batch)));
    return new Kfac(ParameterLayout.of(f), totals.blocks());
  }

  /** In bases of the factors' eigenvectors, with the exact diagonal there; a second pass. */
  Ekfac corrected() {
    List<EigenBlock> blocks = new ArrayList<>();
    List<EigenvalueSums.Basis> bases = new ArrayList<>();
    for (CurvatureBlock block : factors().blocks()) {
      EigenBlock eigen = block.eigen();
      blocks.add(eigen);
      if (block instanceof KroneckerBlock) {
        bases.add(new EigenvalueSums.Basis(eigen.outputBasis(), eigen.inputBasis()));
      }
    }
    List<Tensor> sum = new ArrayList<>();
    pass((data, batch) -> {
      List<Tensor> part = eigenvalues.apply(new Corrected<>(batch, bases));
      for (int i = 0; i < part.size(); i++) {
        if (i == sum.size()) {
          sum.add(part.get(i));
        } else {
          sum.set(i, sum.get(i).add(part.get(i)));
        }
      }
    });
    for (int i = 0; i < sum.size(); i++) {
      // Layers come first, and blocks without two factors have the exact diagonal.
      Tensor values = sum.get(i).mul(perTerm()).cast(f.dtype());
      blocks.set(i, blocks.get(i).withEigenvalues(values));
    }
    return new Ekfac(ParameterLayout.of(f), blocks);
  }

  private double perTerm() {
    return f.reduction() == Reduction.SUM ? 1 : 1.0 / f.terms();
  }

  /** Sums over all batches, and what to divide them by. */
  private final class Totals {
    private @Nullable FactorSums sums;
    private @Nullable NetworkLayers layers;
    private final Map<List<Integer>, Long> inputs = new HashMap<>();

    void add(NetworkLayers found, int examples, boolean counted, FactorSums part) {
      sums = sums == null ? part : sums.plus(part);
      layers = layers == null ? found : layers;
      if (!partsOf(found).equals(partsOf(layers))) {
        throw new IllegalArgumentException(
            "K-FAC: parameters belong to other layers in one batch than in another; expected one"
                + " network for all shapes of inputs");
      }
      if (counted) {
        for (int l = 0; l < found.layers().size(); l++) {
          for (int turned = 0; turned < part.layers().get(l).size(); turned++) {
            int shared = FactorSums.shared(found.layers().get(l).uses(turned == 1));
            long rows = settings.sharing() == Sharing.EXPAND ? (long) examples * shared : examples;
            inputs.merge(List.of(l, turned), rows, Long::sum);
          }
        }
      }
    }

    private List<List<ParameterPart>> partsOf(NetworkLayers found) {
      List<List<ParameterPart>> parts = new ArrayList<>();
      found.layers().forEach(l -> parts.add(l.parts(f.paths(), 0)));
      found.alone().forEach(group -> parts.add(entries(group)));
      return parts;
    }

    private List<ParameterPart> entries(List<Integer> group) {
      List<Tensor> leaves = f.leaves();
      return group.stream()
          .map(i -> ParameterPart.entries(f.paths().get(i), leaves.get(i).shape()))
          .toList();
    }

    List<CurvatureBlock> blocks() {
      FactorSums all = Objects.requireNonNull(sums);
      NetworkLayers found = Objects.requireNonNull(layers);
      List<CurvatureBlock> blocks = new ArrayList<>();
      for (int l = 0; l < found.layers().size(); l++) {
        Layer layer = found.layers().get(l);
        for (int g = 0; g < layer.like().groups(); g++) {
          Pair own = mean(all, l, 0, g);
          Pair both = layer.isTurned() ? own.mixed(mean(all, l, 1, g)) : own;
          blocks.add(
              new KroneckerBlock(
                  layer.parts(f.paths(), g),
                  both.output.cast(f.dtype()),
                  both.input.cast(f.dtype())));
        }
      }
      for (int i = 0; i < found.alone().size(); i++) {
        List<ParameterPart> parts = entries(found.alone().get(i));
        Tensor block = all.alone().get(i).mul(perTerm()).cast(f.dtype());
        blocks.add(
            block.rank() == 2 ? new DenseBlock(parts, block) : new DiagonalBlock(parts, block));
      }
      return blocks;
    }

    private Pair mean(FactorSums all, int layer, int turned, int group) {
      Factors sum = all.layers().get(layer).get(turned);
      Tensor input = sum.input().orElseThrow().select(0, group);
      return new Pair(
          sum.output().select(0, group).mul(perTerm()),
          input.div(Objects.requireNonNull(inputs.get(List.of(layer, turned)))));
    }
  }

  /** Two factors. */
  private record Pair(Tensor output, Tensor input) {
    /**
     * One product in the place of the sum of this one and one of the transposed matrix, G ⊗ A + A'
     * ⊗ G': each factor is the mean of those with trace 1, weighted by the traces of the products.
     * So the trace is that of the sum, and it does not matter how a product's scale is spread over
     * its factors.
     */
    Pair mixed(Pair turned) {
      double g = Blocks.trace(output);
      double a = Blocks.trace(input);
      double gt = Blocks.trace(turned.output);
      double at = Blocks.trace(turned.input);
      double all = g * a + gt * at;
      if (all == 0) {
        return new Pair(dense(output).mul(0), dense(input).mul(0));
      }
      return new Pair(
          sum(output, a / all, turned.input, gt / all), sum(input, g, turned.output, at));
    }

    private static Tensor sum(Tensor x, double byX, Tensor y, double byY) {
      return dense(x).mul(byX).add(dense(y).mul(byY));
    }

    private static Tensor dense(Tensor m) {
      return m.rank() == 2 ? m : Tensor.eye(m.dtype(), m.dim(0)).mul(m);
    }
  }
}
