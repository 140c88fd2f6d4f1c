package org.hesse.diff;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
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
    Map<Node, @Nullable Node[]> ofResults = new HashMap<>();
    for (Node n : order.reversed()) {
      Node ct = sums.get(n);
      @Nullable Node[] all = ofResults.get(n);
      if (all != null && n.op() instanceof Op.Nested op) {
        boolean[] marks = marks(n, linear);
        accumulate(sums, n, marks, NestedRule.of(op).transpose(op, n, all, marks));
      } else if (ct != null && !stops.contains(n)) {
        if (n.op() instanceof Op.Result(int index)) {
          addResult(ofResults, n.input(0), index, ct);
        } else {
          boolean[] marks = marks(n, linear);
          accumulate(sums, n, marks, CompositeWalk.transpose(n, ct, marks));
        }
      }
    }
    return Walk.lookUp(inputs, sums);
  }

  private static boolean[] marks(Node n, Set<Node> linear) {
    boolean[] marks = new boolean[n.inputs().size()];
    for (int i = 0; i < marks.length; i++) {
      marks[i] = linear.contains(n.input(i));
    }
    return marks;
  }

  /**
   * All readers of a nested node come before it here, so it meets the cotangents of all results.
   */
  private static void addResult(
      Map<Node, @Nullable Node[]> ofResults, Node nested, int index, Node ct) {
    int count = ((Op.Nested) nested.op()).results();
    @Nullable Node[] all = ofResults.computeIfAbsent(nested, k -> new @Nullable Node[count]);
    Node before = all[index];
    all[index] = before == null ? ct : Elementwise.add(before, ct);
  }

  private static void accumulate(
      Map<Node, Node> sums, Node n, boolean[] marks, @Nullable Node[] back) {
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
