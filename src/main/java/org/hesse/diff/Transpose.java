package org.hesse.diff;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Rules;
import org.jspecify.annotations.Nullable;

/** Reverse mode: pulls cotangents back through nodes that are linear in some inputs. */
public final class Transpose {
  private Transpose() {}

  /**
   * Cotangents of {@code inputs}, given those of {@code outputs}.
   *
   * @param outputs nodes linear in {@code inputs}; entries may be null, which is zero
   * @param cotangents one for each output; entries may be null, which is zero
   * @return one entry for each input, null where no output depends on it
   */
  public static List<@Nullable Node> pull(
      List<@Nullable Node> outputs, List<@Nullable Node> cotangents, List<Node> inputs) {
    Map<Node, Node> sums = new HashMap<>();
    for (int i = 0; i < outputs.size(); i++) {
      Node out = outputs.get(i);
      Node ct = cotangents.get(i);
      if (out != null && ct != null) {
        accumulate(sums, out, ct);
      }
    }
    List<Node> roots = List.copyOf(sums.keySet());
    List<Node> order = Walk.dependents(roots, inputs);
    Set<Node> linear = new HashSet<>(order);
    linear.addAll(inputs);
    Set<Node> stops = new HashSet<>(inputs);
    for (Node n : order.reversed()) {
      Node ct = sums.get(n);
      if (ct != null && !stops.contains(n)) {
        pullThrough(n, ct, linear, sums);
      }
    }
    return Walk.lookUp(inputs, sums);
  }

  private static void pullThrough(Node n, Node ct, Set<Node> linear, Map<Node, Node> sums) {
    boolean[] marks = new boolean[n.inputs().size()];
    for (int i = 0; i < marks.length; i++) {
      marks[i] = linear.contains(n.input(i));
    }
    @Nullable Node[] back = Rules.transpose(n, ct, marks);
    for (int i = 0; i < marks.length; i++) {
      Node b = back[i];
      if (marks[i] && b != null) {
        accumulate(sums, n.input(i), b);
      }
    }
  }

  private static void accumulate(Map<Node, Node> sums, Node n, Node ct) {
    sums.merge(n, ct, Elementwise::add);
  }
}
