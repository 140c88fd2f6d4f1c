package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Shapes;
import org.jspecify.annotations.Nullable;

/** Maps a function of one example over a batch: vmap. */
public final class Batching {
  private Batching() {}

  /**
   * The outputs for a whole batch.
   *
   * @param outputs the function's results for one example
   * @param batched for some inputs of the function, the batch of their values, batch axis in front
   * @param size extent of the batch axis
   * @return one node for each output, batch axis in front, also where it does not depend on the
   *     batched inputs
   */
  public static List<Node> batch(List<Node> outputs, Map<Node, Node> batched, int size) {
    List<@Nullable Node> mapped = push(outputs, batched, size);
    List<Node> results = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      Node b = mapped.get(i);
      results.add(b == null ? Shapes.repeat(outputs.get(i), size) : b);
    }
    return results;
  }

  /** Like {@link #batch}, with null for an output that does not depend on the batched inputs. */
  public static List<@Nullable Node> push(List<Node> outputs, Map<Node, Node> batched, int size) {
    Map<Node, Node> map = new HashMap<>(batched);
    Map<Node, List<Node>> ofResults = new HashMap<>();
    for (Node n : Walk.dependents(outputs, batched.keySet())) {
      if (map.containsKey(n)) {
        continue;
      }
      if (n.op() instanceof Op.Result(int index)) {
        map.put(n, Objects.requireNonNull(ofResults.get(n.input(0))).get(index));
        continue;
      }
      boolean[] marks = new boolean[n.inputs().size()];
      List<Node> in = new ArrayList<>();
      for (int i = 0; i < marks.length; i++) {
        Node b = map.get(n.input(i));
        marks[i] = b != null;
        in.add(b == null ? n.input(i) : b);
      }
      if (n.op() instanceof Op.Nested op) {
        ofResults.put(n, NestedRule.of(op).batch(op, n, in, marks, size));
      } else {
        map.put(n, CompositeWalk.batch(n, in, marks, size));
      }
    }
    return Walk.lookUp(outputs, map);
  }
}
