package org.hesse.curvature;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.jspecify.annotations.Nullable;

/**
 * Follows one parameter through a program to everything that it does to the data: through
 * rearrangements of its elements to products, and to elementwise operations with values that depend
 * on the data.
 *
 * @param products uses as a weight, in the program's order
 * @param elementwise uses element by element
 */
record ParameterUses(List<LayerUse> products, List<Elementwise> elementwise) {
  /**
   * An operation that a parameter's elements enter one by one, linearly.
   *
   * @param operand the input that is the parameter
   * @param strides where its elements are in the parameter; null if it holds only some of them, or
   *     multiples
   */
  record Elementwise(Node node, int operand, @Nullable Strides strides) {}

  /** The readers of each node of a program, and which nodes depend on what. */
  static final class Graph {
    private final Program program;
    private final Set<Node> outputs;
    private final Map<Node, List<Node>> readers = new HashMap<>();
    private final Set<Node> ofData;

    Graph(Program program, List<Node> data) {
      this.program = program;
      this.outputs = Set.copyOf(program.outputs());
      for (Node n : program.nodes()) {
        for (Node in : new HashSet<>(n.inputs())) {
          readers.computeIfAbsent(in, k -> new ArrayList<>()).add(n);
        }
      }
      this.ofData = dependents(data);
    }

    /** All that depends on some nodes, and these. */
    Set<Node> dependents(List<Node> on) {
      Set<Node> all = new HashSet<>(on);
      for (Node n : program.nodes()) {
        if (n.inputs().stream().anyMatch(all::contains)) {
          all.add(n);
        }
      }
      return all;
    }

    List<Node> readers(Node n) {
      return readers.getOrDefault(n, List.of());
    }

    boolean isOutput(Node n) {
      return outputs.contains(n);
    }

    boolean isData(Node n) {
      return ofData.contains(n);
    }
  }

  /**
   * All uses of a parameter.
   *
   * @param path its name, for messages
   * @throws IllegalArgumentException if one of them is not covered, or there is none
   */
  static ParameterUses of(Graph graph, Node parameter, String path) {
    Walk walk = new Walk(graph, parameter, path);
    walk.run();
    return new ParameterUses(List.copyOf(walk.products), List.copyOf(walk.elementwise));
  }

  /** A value made of the parameter alone. */
  private record View(Node node, @Nullable Strides strides) {}

  private static final class Walk {
    private final Graph graph;
    private final String path;
    private final Node parameter;
    private final Set<Node> own;
    private final ArrayDeque<View> open = new ArrayDeque<>();
    private final Set<Node> seen = new HashSet<>();
    private final List<LayerUse> products = new ArrayList<>();
    private final List<Elementwise> elementwise = new ArrayList<>();

    Walk(Graph graph, Node parameter, String path) {
      this.graph = graph;
      this.parameter = parameter;
      this.path = path;
      this.own = graph.dependents(List.of(parameter));
    }

    void run() {
      push(parameter, Strides.of(parameter.shape()));
      while (!open.isEmpty()) {
        View v = open.removeFirst();
        if (graph.isOutput(v.node)) {
          throw uncovered("an output of the network itself");
        }
        for (Node reader : graph.readers(v.node)) {
          for (int i = 0; i < reader.inputs().size(); i++) {
            if (reader.input(i) == v.node) {
              visit(v, reader, i);
            }
          }
        }
      }
      if (products.isEmpty() && elementwise.isEmpty()) {
        throw new IllegalArgumentException(
            "K-FAC: the outputs do not depend on parameter '"
                + path
                + "'; leave it out by Objective.parameters(…)");
      }
      if (!products.isEmpty() && !elementwise.isEmpty()) {
        throw uncovered(
            "the weight of a product ("
                + products.getFirst().output()
                + ") and element by element ("
                + elementwise.getFirst().node
                + ") at once");
      }
    }

    private void push(Node n, @Nullable Strides strides) {
      if (seen.add(n)) {
        open.add(new View(n, strides));
      } else {
        throw uncovered("several operands of " + n);
      }
    }

    private void visit(View v, Node n, int operand) {
      switch (n.op()) {
        case Op.Reshape _, Op.Permute _, Op.Broadcast _, Op.Copy _ -> push(n, through(v, n));
        case Op.Cast _ when n.dtype().isReal() -> push(n, v.strides);
        case Op.Cast _, Op.Compare _, Op.ArgMax _, Op.StopGradient _ -> {
          // No derivative.
        }
        case Op.Slice _, Op.Reverse _, Op.Pad _ -> push(n, null);
        case Op.Unary(UnaryKind kind) when kind == UnaryKind.NEG -> push(n, null);
        case Op.Binary(BinaryKind kind) -> binary(v, n, kind, operand);
        case Op.Select _, Op.Concat _ -> {
          if (n.inputs().stream().anyMatch(graph::isData)) {
            elementwise.add(new Elementwise(n, operand, null));
          } else {
            push(n, null);
          }
        }
        case Op.Composite(CompositeKind.Normalize _, Program _) when operand > 0 ->
            elementwise.add(new Elementwise(n, operand, v.strides));
        case Op.Dot _ -> product(v, n, operand);
        case Op.Gather _ -> add(n, v.strides == null ? null : LayerMatch.lookup(n, v.strides));
        default -> throw uncovered("an operand of " + n);
      }
    }

    private static @Nullable Strides through(View v, Node n) {
      return v.strides == null ? null : v.strides.through(n);
    }

    private void binary(View v, Node n, BinaryKind kind, int operand) {
      Node other = n.input(1 - operand);
      boolean sum = kind == BinaryKind.ADD || kind == BinaryKind.SUB;
      boolean multiple = kind == BinaryKind.MUL || kind == BinaryKind.DIV && operand == 0;
      if (!sum && !multiple || own.contains(other) && !graph.isData(other)) {
        throw uncovered("an operand of " + n);
      } else if (graph.isData(other)) {
        elementwise.add(new Elementwise(n, operand, kind == BinaryKind.ADD ? v.strides : null));
      } else {
        push(n, sum && (kind == BinaryKind.ADD || operand == 0) ? v.strides : null);
      }
    }

    private void product(View v, Node dot, int side) {
      Strides strides = v.strides;
      boolean plain = strides != null && graph.isData(dot.input(1 - side));
      add(dot, plain ? LayerMatch.product(dot, side, Objects.requireNonNull(strides)) : null);
    }

    private void add(Node n, @Nullable LayerUse use) {
      if (use == null) {
        throw uncovered("an operand of " + n);
      }
      products.add(use);
    }

    private IllegalArgumentException uncovered(String what) {
      return new IllegalArgumentException(
          "K-FAC: parameter '"
              + path
              + "', "
              + parameter.dtype()
              + parameter.shape()
              + ", is "
              + what
              + ", which no Kronecker factor is known for. Covered are weights of products with the"
              + " data (dense layers, convolutions, projections of attention), whole and unscaled"
              + " but in any order of axes; rows picked by indices (embeddings); and what is added"
              + " to the data or multiplied with it element by element (biases, scales and shifts"
              + " of norms). Leave the parameter out by Objective.parameters(…)");
    }
  }
}
