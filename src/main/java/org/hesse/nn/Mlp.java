package org.hesse.nn;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;

/**
 * A multilayer perceptron: {@link Linear} layers with an {@link Activation} between any two.
 * Parameters are named by position as PyTorch's {@code nn.Sequential} names them: {@code 0.weight},
 * {@code 0.bias}, {@code 2.weight}, ….
 *
 * @param layers in order of application
 */
public record Mlp(List<Layer> layers) implements Layer {
  /** Copies the list. */
  public Mlp {
    layers = List.copyOf(layers);
  }

  /** Freshly initialised, see {@link Linear#init}. */
  public static Mlp init(RngKey key, MlpShape shape, DType dtype) {
    RngKey[] keys = key.split(shape.depth());
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < keys.length; i++) {
      if (i > 0) {
        layers.add(shape.activation());
      }
      layers.add(Linear.init(keys[i], shape.width(i), shape.width(i + 1), dtype));
    }
    return new Mlp(layers);
  }

  /**
   * A network with given parameters.
   *
   * @param state tensors by name, all of one real dtype
   * @throws IllegalArgumentException if a name is missing or unknown, a shape does not fit, or
   *     dtypes differ
   */
  public static Mlp load(MlpShape shape, Map<String, Tensor> state) {
    Map<String, Tensor> rest = new LinkedHashMap<>(state);
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < shape.depth(); i++) {
      if (i > 0) {
        layers.add(shape.activation());
      }
      String name = Integer.toString(2 * i);
      Tensor weight = take(rest, shape, name + ".weight", shape.width(i + 1), shape.width(i));
      layers.add(new Linear(weight, take(rest, shape, name + ".bias", shape.width(i + 1))));
    }
    if (!rest.isEmpty()) {
      throw new IllegalArgumentException(
          "the weights have tensors that " + shape + " does not use: " + rest.keySet());
    }
    Mlp model = new Mlp(layers);
    requireOneDtype(model.state());
    return model;
  }

  private static void requireOneDtype(Map<String, Tensor> state) {
    DType dtype = state.values().iterator().next().dtype();
    state.forEach((name, t) -> {
      if (t.dtype() != dtype) {
        throw new IllegalArgumentException(
            "the weight '"
                + name
                + "' is "
                + t.dtype()
                + ", others are "
                + dtype
                + "; expected one dtype (convert with cast)");
      }
    });
  }

  private static Tensor take(Map<String, Tensor> state, MlpShape arch, String name, int... dims) {
    Tensor t = state.remove(name);
    if (t == null) {
      throw new IllegalArgumentException(
          "the weights lack '" + name + "', which " + arch + " needs; they have " + state.keySet());
    }
    org.hesse.Shape expected = org.hesse.Shape.of(dims);
    if (!t.shape().equals(expected) || !t.dtype().isReal()) {
      throw new IllegalArgumentException(
          "the weight '"
              + name
              + "' is "
              + t.dtype()
              + t.shape()
              + ", but "
              + arch
              + " needs "
              + expected);
    }
    return t;
  }

  /** The parameters by name, in order. */
  public Map<String, Tensor> state() {
    Tree<List<Layer>> tree = Tree.of(layers);
    List<Tensor> leaves = tree.leaves(layers);
    Map<String, Tensor> state = new LinkedHashMap<>();
    for (int i = 0; i < leaves.size(); i++) {
      state.put(tree.paths().get(i), leaves.get(i));
    }
    return state;
  }

  @Override
  public Tensor apply(Tensor x) {
    Tensor y = x;
    for (Layer layer : layers) {
      y = layer.apply(y);
    }
    return y;
  }
}
