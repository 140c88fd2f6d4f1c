package org.hesse.diff;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.jspecify.annotations.Nullable;

/** Orders in which the transforms visit a graph; nothing here recurses. */
final class Walk {
  private Walk() {}

  /**
   * The nodes that {@code outputs} read directly or indirectly, in topological order, leaving out
   * all that is older than every start and so cannot depend on one.
   */
  static List<Node> after(List<Node> outputs, Collection<Node> starts) {
    long oldest = starts.stream().mapToLong(Node::id).min().orElse(Long.MAX_VALUE);
    Set<Node> seen = new HashSet<>();
    ArrayDeque<Node> open = new ArrayDeque<>();
    for (Node out : outputs) {
      if (out.id() >= oldest && seen.add(out)) {
        open.push(out);
      }
    }
    while (!open.isEmpty()) {
      for (Node in : open.pop().inputs()) {
        if (in.id() >= oldest && seen.add(in)) {
          open.push(in);
        }
      }
    }
    List<Node> nodes = new ArrayList<>(seen);
    nodes.sort(Comparator.comparingLong(Node::id));
    return nodes;
  }

  /** Those of {@link #after} that do depend on a start, the starts included. */
  static List<Node> dependents(List<Node> outputs, Collection<Node> starts) {
    Set<Node> dependent = new HashSet<>(starts);
    List<Node> result = new ArrayList<>();
    for (Node n : after(outputs, starts)) {
      if (dependent.contains(n) || n.inputs().stream().anyMatch(dependent::contains)) {
        dependent.add(n);
        result.add(n);
      }
    }
    return result;
  }

  static List<@Nullable Node> lookUp(List<Node> keys, Map<Node, Node> map) {
    List<@Nullable Node> values = new ArrayList<>();
    for (Node k : keys) {
      values.add(map.get(k));
    }
    return values;
  }
}
