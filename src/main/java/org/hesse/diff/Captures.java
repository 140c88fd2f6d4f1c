package org.hesse.diff;

import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** What a piece of graph reads from outside of itself. */
public final class Captures {
  private Captures() {}

  /**
   * The values that outputs are made of and that do not depend on the parameters: those that nodes
   * that do depend on them read, and outputs that do not. Constants are left out, since they are
   * cheaper to make again than to keep.
   */
  public static List<Node> of(List<Node> outputs, List<Node> parameters) {
    List<Node> dependent = Walk.dependents(outputs, parameters);
    Set<Node> inside = new HashSet<>(dependent);
    inside.addAll(parameters);
    Set<Node> captured = new LinkedHashSet<>();
    for (Node n : dependent) {
      n.inputs().forEach(in -> add(in, inside, captured));
    }
    outputs.forEach(out -> add(out, inside, captured));
    return List.copyOf(captured);
  }

  /**
   * The same for a piece of graph that may never run: what was made with the parameters, after
   * them, stays part of it even where it does not depend on them, for it may fail.
   */
  public static List<Node> older(List<Node> outputs, List<Node> parameters) {
    Set<Node> inside = new HashSet<>(Walk.after(outputs, parameters));
    Set<Node> captured = new LinkedHashSet<>();
    for (Node n : inside) {
      n.inputs().forEach(in -> add(in, inside, captured));
    }
    outputs.forEach(out -> add(out, inside, captured));
    return captured.stream().sorted(Comparator.comparingLong(Node::id)).toList();
  }

  private static void add(Node n, Set<Node> inside, Set<Node> captured) {
    if (!inside.contains(n) && !isConstant(n)) {
      captured.add(n);
    }
  }

  private static boolean isConstant(Node n) {
    return n.inputs().isEmpty()
            && !(n.op() instanceof Op.Leaf
                || n.op() instanceof Op.Placeholder
                || n.op() instanceof Op.Parameter)
        || n.op() instanceof Op.Broadcast && n.input(0).op() instanceof Op.Constant;
  }
}
