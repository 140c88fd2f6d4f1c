package org.hesse.ir;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A pure function as a graph: inputs, outputs and every node between them in topological order. Two
 * programs are equal when they compute the same thing from their inputs in the same way, whatever
 * data their leaves hold.
 */
public final class Program {
  /** Inputs that are quickly looked through. */
  private static final int FEW = 8;

  private final List<Node> inputs;
  private final List<Node> outputs;
  private final List<Node> nodes;
  private final int[] wiring;
  private final int hash;

  private Program(List<Node> inputs, List<Node> outputs, List<Node> nodes) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.nodes = nodes;
    this.wiring = wiring();
    this.hash = computeHash();
  }

  /**
   * The program that computes {@code outputs} from {@code inputs}. Leaves that are reached and not
   * among the inputs become further inputs, in order of creation.
   *
   * @throws IllegalStateException if a placeholder or a foreign parameter is reached
   */
  public static Program capture(List<Node> inputs, List<Node> outputs) {
    Node single = inputs.isEmpty() && outputs.size() == 1 ? outputs.getFirst() : null;
    if (single != null && isOfLeaves(single)) {
      return ofLeaves(single, outputs);
    }
    Set<Node> given = new HashSet<>(inputs);
    List<Node> nodes = reachable(outputs, given);
    List<Node> all = new ArrayList<>(inputs);
    for (Node n : nodes) {
      if (given.contains(n)) {
        continue;
      }
      switch (n.op()) {
        case Op.Leaf leaf -> all.add(n);
        case Op.Placeholder p ->
            throw new IllegalStateException(n + ": a placeholder escaped from its transform");
        case Op.Parameter p ->
            throw new IllegalStateException(n + ": a parameter of another program is used here");
        default -> {}
      }
    }
    Set<Node> present = new HashSet<>(nodes);
    List<Node> ordered = new ArrayList<>(nodes);
    inputs.stream().filter(present::add).forEach(ordered::add);
    ordered.sort(Comparator.comparingLong(Node::id));
    return new Program(List.copyOf(all), List.copyOf(outputs), List.copyOf(ordered));
  }

  /** Whether a node is an operation on a few leaves, as immediate operations mostly are. */
  private static boolean isOfLeaves(Node n) {
    boolean leaves = n.inputs().size() <= FEW && !n.inputs().isEmpty();
    for (Node in : n.inputs()) {
      leaves &= in.op() instanceof Op.Leaf;
    }
    return leaves;
  }

  /** The same as for any program, without the tables that this takes. */
  private static Program ofLeaves(Node n, List<Node> outputs) {
    List<Node> leaves = new ArrayList<>(FEW);
    for (Node in : n.inputs()) {
      int at = leaves.size();
      while (at > 0 && leaves.get(at - 1).id() > in.id()) {
        at--;
      }
      if (at == 0 || !leaves.get(at - 1).equals(in)) {
        leaves.add(at, in);
      }
    }
    List<Node> all = List.copyOf(leaves);
    leaves.add(n);
    return new Program(all, List.copyOf(outputs), List.copyOf(leaves));
  }

  /** Every node that the roots depend on, in topological order, not looking past {@code stops}. */
  public static List<Node> reachable(List<Node> roots, Set<Node> stops) {
    Set<Node> seen = new HashSet<>();
    ArrayDeque<Node> open = new ArrayDeque<>();
    for (Node root : roots) {
      if (seen.add(root)) {
        open.push(root);
      }
    }
    while (!open.isEmpty()) {
      Node n = open.pop();
      if (stops.contains(n)) {
        continue;
      }
      for (Node in : n.inputs()) {
        if (seen.add(in)) {
          open.push(in);
        }
      }
    }
    List<Node> nodes = new ArrayList<>(seen);
    nodes.sort(Comparator.comparingLong(Node::id));
    return nodes;
  }

  /**
   * Whether a node may fail, or not come to an end, depending on what it reads, so that it must
   * only be computed where the program says so.
   */
  public static boolean isPartial(Node n) {
    return switch (n.op()) {
      case Op.Gather g -> true;
      case Op.ScatterAdd s -> true;
      case Op.Factor f -> true;
      case Op.Check c -> true;
      case Op.While w -> true;
      case Op.Nested nested -> nested.programs().stream().anyMatch(Program::isPartial);
      case Op.Composite(var kind, Program body) -> body.isPartial();
      default -> false;
    };
  }

  /** Whether any of the nodes is {@linkplain #isPartial(Node) partial}. */
  public boolean isPartial() {
    return nodes.stream().anyMatch(Program::isPartial);
  }

  /**
   * The same program with a {@link Op.Parameter} for every input, so that it holds no data, and
   * without rules for derivatives, which may hold whatever a user's function has captured.
   */
  public Program detach() {
    return withParameters(Program::detached);
  }

  private static Op detached(Op op) {
    return switch (op) {
      case Op.CustomJvp custom -> custom.detached();
      case Op.Nested nested ->
          nested.with(nested.programs().stream().map(Program::detach).toList());
      default -> op;
    };
  }

  /**
   * The same program with a {@link Op.Parameter} for every input, so that it can be part of
   * another: the body of an {@link Op.Nested}.
   */
  public Program withParameters() {
    return withParameters(op -> op);
  }

  private Program withParameters(UnaryOperator<Op> ops) {
    Map<Node, Node> copy = new HashMap<>();
    List<Node> parameters = new ArrayList<>();
    for (Node in : inputs) {
      Node p = new Node(new Op.Parameter(parameters.size()), List.of(), in.shape(), in.dtype());
      parameters.add(p);
      copy.put(in, p);
    }
    List<Node> rebuilt = new ArrayList<>(parameters);
    for (Node n : nodes) {
      if (!copy.containsKey(n)) {
        List<Node> ins = n.inputs().stream().map(copy::get).toList();
        Node c = new Node(ops.apply(n.op()), ins, n.shape(), n.dtype());
        copy.put(n, c);
        rebuilt.add(c);
      }
    }
    List<Node> outs = outputs.stream().map(copy::get).toList();
    return new Program(List.copyOf(parameters), outs, List.copyOf(rebuilt));
  }

  /** The inputs: given ones first, then captured leaves. */
  public List<Node> inputs() {
    return inputs;
  }

  /** The results, in order; a node may stand here more than once. */
  public List<Node> outputs() {
    return outputs;
  }

  /** Every node, inputs included, each after the nodes it reads. */
  public List<Node> nodes() {
    return nodes;
  }

  /** For each node its inputs' positions; inputs as −1−index; in the end the outputs' positions. */
  private int[] wiring() {
    int[] input = new int[nodes.size()];
    for (int i = inputs.size() - 1; i >= 0; i--) {
      input[position(inputs.get(i))] = -1 - i;
    }
    int length = outputs.size();
    for (int i = 0; i < input.length; i++) {
      length += 1 + (input[i] < 0 ? 0 : nodes.get(i).inputs().size());
    }
    int[] w = new int[length];
    int n = 0;
    for (int i = 0; i < input.length; i++) {
      List<Node> ins = nodes.get(i).inputs();
      w[n++] = input[i] < 0 ? input[i] : ins.size();
      for (int k = 0; input[i] == 0 && k < ins.size(); k++) {
        w[n++] = position(ins.get(k));
      }
    }
    for (Node out : outputs) {
      w[n++] = position(out);
    }
    return w;
  }

  /** Where a node is among all, which are in the order of their numbers. */
  private int position(Node n) {
    int low = 0;
    int high = nodes.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (nodes.get(middle).id() < n.id()) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == nodes.size() || !nodes.get(low).equals(n)) {
      throw new IllegalStateException(n + " is not in the program");
    }
    return low;
  }

  private int computeHash() {
    int h = Arrays.hashCode(wiring);
    for (Node n : nodes) {
      int op = isInput(n) ? 1 : n.op().hashCode() * 31 + n.op().getClass().getName().hashCode();
      h = ((h * 31 + op) * 31 + n.shape().hashCode()) * 31 + n.dtype().hashCode();
    }
    return h;
  }

  private static boolean isInput(Node n) {
    return n.op() instanceof Op.Parameter || n.op() instanceof Op.Leaf;
  }

  @Override
  public boolean equals(Object o) {
    if (!(o instanceof Program p)
        || hash != p.hash
        || nodes.size() != p.nodes.size()
        || inputs.size() != p.inputs.size()
        || !Arrays.equals(wiring, p.wiring)) {
      return false;
    }
    for (int i = 0; i < nodes.size(); i++) {
      Node a = nodes.get(i);
      Node b = p.nodes.get(i);
      if (a.dtype() != b.dtype()
          || !a.shape().equals(b.shape())
          || !(isInput(a) ? isInput(b) : a.op().equals(b.op()))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /** The program in a readable form, one node a line; see {@link Printer}. */
  public String print() {
    return Printer.text(this);
  }

  /** The program as a graph in the DOT language of Graphviz; see {@link DotGraph}. */
  public String dot() {
    return DotGraph.text(this);
  }

  @Override
  public String toString() {
    return print();
  }
}
