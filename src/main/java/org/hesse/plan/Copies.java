package org.hesse.plan;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Program;

/** Copies graphs. */
final class Copies {
  private Copies() {}

  /** Nodes with others in the place of some that they depend on, or are. */
  static List<Node> of(List<Node> roots, Map<Node, Node> replaced) {
    Map<Node, Node> copies = new HashMap<>(replaced);
    Set<Node> stops = new HashSet<>(replaced.keySet());
    for (Node n : Program.reachable(roots, stops)) {
      if (!copies.containsKey(n)) {
        List<Node> ins = n.inputs().stream().map(in -> copies.getOrDefault(in, in)).toList();
        boolean same = ins.equals(n.inputs());
        copies.put(n, same ? n : new Node(n.op(), ins, n.shape(), n.dtype()));
      }
    }
    return roots.stream().map(n -> copies.getOrDefault(n, n)).toList();
  }
}
