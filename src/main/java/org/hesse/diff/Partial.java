package org.hesse.diff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Rules;

/**
 * A piece of graph, split into what depends on some of its inputs and what can be computed before
 * these are known.
 *
 * @param inputs placeholders
 * @param outputs of the whole
 * @param known values that the first part gives to the second, none of which depends on an input.
 *     What only rearranges or repeats such a value, see {@link #isView}, is left to the second
 *     part, so that a number is not held as a matrix.
 */
public record Partial(List<Node> inputs, List<Node> outputs, List<Node> known) {

  /** Splits what leads from inputs to outputs. */
  public static Partial of(List<Node> inputs, List<Node> outputs) {
    Set<Node> later = later(inputs, outputs);
    List<Node> known = new ArrayList<>();
    Set<Node> seen = new HashSet<>(later);
    for (Node n : later) {
      n.inputs().stream().filter(seen::add).forEach(known::add);
    }
    outputs.stream().filter(seen::add).forEach(known::add);
    known.removeIf(Partial::isConstant);
    known.sort(Comparator.comparingLong(Node::id));
    return new Partial(inputs, outputs, known);
  }

  /** What depends on the inputs, they included, and the views that this reads. */
  private static Set<Node> later(List<Node> inputs, List<Node> outputs) {
    Set<Node> later = new HashSet<>(inputs);
    later.addAll(Walk.dependents(outputs, inputs));
    ArrayDeque<Node> open = new ArrayDeque<>(later);
    while (!open.isEmpty()) {
      for (Node in : open.pop().inputs()) {
        if (isView(in) && later.add(in)) {
          open.push(in);
        }
      }
    }
    return later;
  }

  private static boolean isView(Node n) {
    return n.op() instanceof Op.Broadcast
        || n.op() instanceof Op.Reshape
        || n.op() instanceof Op.Permute
        || n.op() instanceof Op.Copy;
  }

  private static boolean isConstant(Node n) {
    return n.op() instanceof Op.Constant || n.op() instanceof Op.Iota;
  }

  /** How much {@link #known} holds that is no tensor yet, in bytes. */
  public long bytes() {
    return known.stream()
        .filter(n -> !(n.op() instanceof Op.Leaf))
        .mapToLong(n -> n.shape().size() * n.dtype().bytes())
        .sum();
  }

  /**
   * The second part.
   *
   * @param values of the inputs
   * @param given one for each of {@link #known}
   */
  public List<Node> complete(List<Node> values, List<Node> given) {
    Map<Node, Node> map = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      map.put(inputs.get(i), values.get(i));
    }
    for (int i = 0; i < known.size(); i++) {
      map.put(known.get(i), given.get(i));
    }
    List<Node> nodes = new ArrayList<>(later(inputs, outputs));
    nodes.sort(Comparator.comparingLong(Node::id));
    for (Node n : nodes) {
      if (!map.containsKey(n)) {
        List<Node> in = n.inputs().stream().map(i -> map.getOrDefault(i, i)).toList();
        map.put(n, Rules.emit(n, in));
      }
    }
    return outputs.stream().map(o -> map.getOrDefault(o, o)).toList();
  }
}
