package org.hesse.curvature;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.hesse.curvature.ParameterUses.Elementwise;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * The layers that parameters of a network belong to.
 *
 * @param layers weights with their biases, in the order of the weights
 * @param alone positions of the parameters that belong to no weight; scale and shift of a norm
 *     together
 */
record NetworkLayers(List<Layer> layers, List<List<Integer>> alone) {
  /**
   * A weight, with a bias if each of its uses is the sum with a product of this weight.
   *
   * @param weight position of the weight among the parameters
   * @param bias position of the bias
   * @param uses at least one; the first says which axis is which
   */
  record Layer(int weight, OptionalInt bias, List<Use> uses) {
    /** The first use. */
    LayerUse like() {
      return uses.getFirst().product;
    }

    /** Whether one use multiplies with the weight and another with its transpose. */
    boolean isTurned() {
      return uses.stream().anyMatch(Use::transposed);
    }

    /** The uses with the weight, or those with its transpose. */
    List<Use> uses(boolean transposed) {
      return uses.stream().filter(u -> u.transposed == transposed).toList();
    }

    /** p, with one more for the bias. */
    int columns() {
      return like().columns() + (bias.isPresent() ? 1 : 0);
    }

    /** The weight, and the bias as the last column, of one of the groups. */
    List<ParameterPart> parts(List<String> paths, int group) {
      LayerUse like = like();
      int q = like.rows();
      int p = like.columns();
      List<ParameterPart> parts = new ArrayList<>();
      parts.add(
          new ParameterPart(paths.get(weight), group * q * p, q, p, like.isStoredByColumns()));
      bias.ifPresent(b -> parts.add(new ParameterPart(paths.get(b), group * q, q, 1, false)));
      return parts;
    }
  }

  /**
   * A use of a weight.
   *
   * @param biased whether the bias is added
   * @param transposed whether the matrix is the transpose of the first use's
   */
  record Use(LayerUse product, boolean biased, boolean transposed) {}

  /** A bias as it is added to a product, which is the node. */
  private record Sum(Node node, int bias) {}

  /**
   * Finds the layers.
   *
   * @param program has the parameters among its inputs
   * @param parameters inputs of the program
   * @param paths of the parameters, for messages
   * @param data the inputs that are data
   * @throws IllegalArgumentException if a use of a parameter is not covered, or it has none
   */
  static NetworkLayers find(
      Program program, List<Node> parameters, List<String> paths, List<Node> data) {
    ParameterUses.Graph graph = new ParameterUses.Graph(program, data);
    List<ParameterUses> uses = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      uses.add(ParameterUses.of(graph, parameters.get(i), paths.get(i)));
    }
    List<Layer> layers = new ArrayList<>();
    Set<Integer> inLayers = new HashSet<>();
    for (int w = 0; w < parameters.size(); w++) {
      if (!uses.get(w).products().isEmpty()) {
        Layer layer = layer(graph, uses, w, paths.get(w));
        layers.add(layer);
        inLayers.add(w);
        layer.bias.ifPresent(inLayers::add);
      }
    }
    Map<Object, List<Integer>> alone = new LinkedHashMap<>();
    for (int i = 0; i < parameters.size(); i++) {
      if (!inLayers.contains(i)) {
        Set<Node> norms = nodes(uses.get(i));
        boolean joint = norms.stream().allMatch(n -> n.op() instanceof Op.Composite);
        alone.computeIfAbsent(joint ? norms : i, k -> new ArrayList<>()).add(i);
      }
    }
    return new NetworkLayers(List.copyOf(layers), List.copyOf(alone.values()));
  }

  private static Layer layer(
      ParameterUses.Graph graph, List<ParameterUses> uses, int weight, String path) {
    List<LayerUse> products = uses.get(weight).products();
    LayerUse first = products.getFirst();
    if (first.weight().size() > 3 || first.weight().size() == 3 && first.groups() == 1) {
      throw new IllegalArgumentException(
          "K-FAC: parameter '"
              + path
              + "' is the weight of "
              + first.output()
              + " with axes that count outputs between those that count inputs, or the other way"
              + " round; covered are [outputs, inputs] and [inputs, outputs], each in any number of"
              + " axes. Store it so, or leave it out by Objective.parameters(…)");
    }
    List<@Nullable Sum> sums = new ArrayList<>();
    Map<Integer, Set<Node>> found = new HashMap<>();
    for (LayerUse use : products) {
      if (!use.isLike(first) && !use.isTransposeOf(first)) {
        throw new IllegalArgumentException(
            "K-FAC: parameter '"
                + path
                + "' is the weight of several products, as a matrix of other rows and columns in "
                + use.output()
                + " than in "
                + first.output()
                + "; covered are uses of one matrix and its transpose. Leave the parameter out by"
                + " Objective.parameters(…)");
      }
      boolean plain = products.stream().allMatch(p -> p.isLike(first) && !p.lookup());
      Sum sum = plain ? sum(graph, uses, use) : null;
      sums.add(sum);
      if (sum != null) {
        found.computeIfAbsent(sum.bias, k -> new HashSet<>()).add(sum.node);
      }
    }
    OptionalInt bias =
        found.entrySet().stream()
            .filter(e -> e.getValue().equals(nodes(uses.get(e.getKey()))))
            .mapToInt(Map.Entry::getKey)
            .findFirst();
    List<Use> all = new ArrayList<>();
    for (int i = 0; i < products.size(); i++) {
      Sum sum = sums.get(i);
      boolean biased = sum != null && bias.isPresent() && sum.bias == bias.getAsInt();
      all.add(new Use(products.get(i), biased, !products.get(i).isLike(first)));
    }
    return new Layer(weight, bias, all);
  }

  private static Set<Node> nodes(ParameterUses uses) {
    Set<Node> nodes = new HashSet<>();
    uses.elementwise().forEach(e -> nodes.add(e.node()));
    return nodes;
  }

  /** The sum that is the only reader of a product, if its other operand is a bias. */
  private static @Nullable Sum sum(
      ParameterUses.Graph graph, List<ParameterUses> uses, LayerUse use) {
    Node n = use.output();
    Strides strides = Strides.of(n.shape());
    while (strides != null && !graph.isOutput(n) && graph.readers(n).size() == 1) {
      Node reader = graph.readers(n).getFirst();
      switch (reader.op()) {
        case Op.Reshape _, Op.Permute _, Op.Copy _ -> {
          strides = strides.through(reader);
          n = reader;
        }
        case Op.Binary(BinaryKind kind) when kind == BinaryKind.ADD -> {
          return sum(uses, use, reader, strides, n);
        }
        default -> {
          return null;
        }
      }
    }
    return null;
  }

  private static @Nullable Sum sum(
      List<ParameterUses> uses, LayerUse use, Node node, Strides product, Node operand) {
    for (int b = 0; b < uses.size(); b++) {
      for (Elementwise e : uses.get(b).elementwise()) {
        Strides bias = e.strides();
        if (e.node() == node
            && bias != null
            && node.input(1 - e.operand()) == operand
            && addsByOutput(use, product, bias)) {
          return new Sum(node, b);
        }
      }
    }
    return null;
  }

  /** Whether each element of the output gets its own number, in order, at every place. */
  private static boolean addsByOutput(LayerUse use, Strides product, Strides bias) {
    int[] arranged = use.outputs().places();
    int[] ofProduct = product.places();
    int[] ofBias = bias.places();
    int rows = use.rows();
    int each = use.shared() * rows;
    for (int i = 0; i < ofProduct.length; i++) {
      int place = arranged[ofProduct[i]];
      if (ofBias[i] != place / each * rows + place % rows) {
        return false;
      }
    }
    return ofProduct.length == ofBias.length;
  }
}
