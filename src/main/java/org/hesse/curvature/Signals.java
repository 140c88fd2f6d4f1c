package org.hesse.curvature;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.LossFunction;

/**
 * What the examples of a batch send through a network's layers: inputs on the way forwards, and on
 * the way back a gradient for each column of a root of the Fisher matrix in the outputs.
 *
 * @param inputs for each use of a weight [N, groups, R, p], or I32 indices [N, 1, R, 1]
 * @param gradients for each use [N, K, groups, R, q]
 * @param alone for each parameter that belongs to no weight its own gradient, [N, K, d]; d counts
 *     those of a group together
 */
record Signals(List<Tensor> inputs, List<Tensor> gradients, List<Tensor> alone) {
  /**
   * A batch that meets a model.
   *
   * @param first number of its first example in the data, I32[]
   * @param begun whether other columns of this batch came before
   */
  record Batch<M>(M model, Dataset data, Tensor first, Columns columns, boolean begun) {}

  /**
   * Some columns of the root.
   *
   * @param term the term of an example that each is of, I32[K]; those of several draw all terms
   * @param part which of the root's columns, or which draw, I32[K]
   * @param weight factor of each, [K]
   */
  record Columns(Tensor term, Tensor part, Tensor weight) {}

  /** One example: its number is that in the data. */
  private record Example(Tensor x, Tensor y, Tensor number) {}

  /** What gradients are of. */
  private record Variables(List<Tensor> added, List<Tensor> alone) {}

  /**
   * Inputs of a use, those of a lookup as unit vectors, with a 1 for the layer's bias, or a 0 where
   * it is not added.
   *
   * @param number of the use among those of all layers
   * @return [N, groups, R, p]
   */
  Tensor rows(NetworkLayers.Layer layer, NetworkLayers.Use use, int number) {
    Tensor in = inputs.get(number);
    if (use.product().lookup()) {
      return in.eq(Tensor.arange(DType.I32, use.product().columns()))
          .cast(gradients.get(number).dtype());
    } else if (layer.bias().isEmpty()) {
      return in;
    }
    int[] dims = in.shape().with(3, 1).dims();
    return Tensor.concat(3, in, Tensor.full(use.biased() ? 1 : 0, in.dtype(), dims));
  }

  /** The signals of a batch. */
  static <M> Signals of(
      Objective<M> f, TracedNetwork<M> net, Batch<M> batch, FisherType type, RngKey key) {
    Dataset data = batch.data;
    Tensor numbers = Tensor.arange(DType.I32, data.size()).add(batch.first);
    Signals all =
        vmap((Example e) -> ofExample(f, net, batch, e, type, key))
            .apply(new Example(data.x(), data.y(), numbers));
    List<Tensor> inputs = new ArrayList<>();
    List<Tensor> gradients = new ArrayList<>();
    for (int u = 0; u < net.uses().size(); u++) {
      LayerUse use = net.uses().get(u).product();
      Tensor in = use.inputs().apply(all.inputs.get(u), 1);
      inputs.add(use.lookup() ? in : in.cast(f.dtype()));
      gradients.add(use.outputs().apply(all.gradients.get(u), 2).cast(f.dtype()));
    }
    return new Signals(inputs, gradients, all.alone);
  }

  private static <M> Signals ofExample(
      Objective<M> f,
      TracedNetwork<M> net,
      Batch<M> batch,
      Example e,
      FisherType type,
      RngKey key) {
    M model = batch.model;
    Tensor x = e.x.insertAxis(0);
    List<Tensor> parameters = f.leaves(model);
    List<List<Integer>> groups = net.layers().alone();
    List<Integer> alone = groups.stream().flatMap(List::stream).toList();
    List<Tensor> zeros = new ArrayList<>();
    for (int u = 0; u < net.uses().size(); u++) {
      LayerUse use = net.uses().get(u).product();
      zeros.add(Tensor.zeros(use.output().dtype(), use.output().shape().dims()));
    }
    var pulled =
        vjp(
            (Variables v) -> {
              List<Tensor> at = new ArrayList<>(parameters);
              for (int i = 0; i < alone.size(); i++) {
                at.set(alone.get(i), v.alone.get(i));
              }
              return net.outputs(model, at, x, v.added);
            },
            new Variables(zeros, alone.stream().map(parameters::get).toList()));
    Tensor outputs = pulled.value().stopGradient();
    Variables back =
        vmap((Columns c) -> pulled.pullback().apply(column(f, net, e, outputs, c, type, key)))
            .apply(batch.columns);
    List<Tensor> joined = new ArrayList<>();
    int next = 0;
    int k = batch.columns.weight.dim(0);
    for (List<Integer> group : groups) {
      Tensor[] parts = new Tensor[group.size()];
      for (int i = 0; i < parts.length; i++) {
        parts[i] = back.alone.get(next++).reshape(k, -1);
      }
      joined.add(parts.length == 1 ? parts[0] : Tensor.concat(1, parts));
    }
    return new Signals(net.inputs(model, x), back.added, joined);
  }

  /** A column of the root, of the outputs' shape. */
  private static <M> Tensor column(
      Objective<M> f,
      TracedNetwork<M> net,
      Example e,
      Tensor outputs,
      Columns c,
      FisherType type,
      RngKey key) {
    Tensor scores =
        switch (type) {
          case TYPE2 -> {
            Tensor root = f.likelihood().root(outputs);
            Shape s = root.shape();
            int r = s.dim(-1);
            yield ofTerm(net, root.reshape(net.terms(), -1, r).take(2, c.part), c.term);
          }
          case EMPIRICAL ->
              ofTerm(net, scores(f.lossFunction(), net, outputs, e.y.insertAxis(0)), c.term);
          case MONTE_CARLO -> {
            // As Fisher.monteCarlo draws them.
            Tensor drawn = f.likelihood().sample(outputs, key.fold(c.part).fold(e.number));
            yield scores(f.likelihood(), net, outputs, drawn);
          }
        };
    return scores.mul(c.weight).reshape(outputs.shape().dims());
  }

  /** The gradients of the terms' losses in their outputs, [terms, …]. */
  private static Tensor scores(
      LossFunction loss, TracedNetwork<?> net, Tensor outputs, Tensor targets) {
    // The gradient of a mean is that of each term over their number.
    return grad((Tensor o) -> loss.apply(o, targets))
        .apply(outputs)
        .mul(net.terms())
        .reshape(net.terms(), -1);
  }

  /** One row, and zeros in place of the others. */
  private static Tensor ofTerm(TracedNetwork<?> net, Tensor rows, Tensor term) {
    if (net.terms() == 1) {
      return rows;
    }
    Tensor own = Tensor.arange(DType.I32, net.terms()).eq(term).cast(rows.dtype());
    return rows.mul(own.insertAxis(1));
  }
}
