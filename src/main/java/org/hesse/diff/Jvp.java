package org.hesse.diff;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Forward mode: pushes tangents from some nodes to all that depends on them. */
public final class Jvp {
  private Jvp() {}

  /**
   * Tangents of {@code outputs}.
   *
   * @param seeds tangents of the nodes that are differentiated with respect to
   * @return one entry for each output, null where it does not depend on the seeds
   */
  public static List<@Nullable Node> push(List<Node> outputs, Map<Node, Node> seeds) {
    Map<Node, Node> tangents = new HashMap<>(seeds);
    Map<Node, @Nullable Node[]> ofResults = new HashMap<>();
    for (Node n : Walk.after(outputs, seeds.keySet())) {
      Node t = seeds.containsKey(n) ? null : tangent(n, tangents, ofResults);
      if (t != null) {
        tangents.put(n, t);
      }
    }
    return Walk.lookUp(outputs, tangents);
  }

  private static @Nullable Node tangent(
      Node n, Map<Node, Node> tangents, Map<Node, @Nullable Node[]> ofResults) {
    if (n.op() instanceof Op.Result(int index)) {
      @Nullable Node[] all = ofResults.get(n.input(0));
      return all == null ? null : all[index];
    }
    @Nullable Node[] in = new Node[n.inputs().size()];
    boolean any = false;
    for (int i = 0; i < in.length; i++) {
      in[i] = tangents.get(n.input(i));
      any |= in[i] != null;
    }
    if (any && n.op() instanceof Op.Nested op) {
      ofResults.put(n, NestedRule.of(op).jvp(op, n, in));
      return null;
    }
    return any && n.dtype().isReal() ? CompositeWalk.jvp(n, in) : null;
  }
}
