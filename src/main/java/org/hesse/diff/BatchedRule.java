package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** The derivative of a function with a rule of its own, mapped over a batch. */
public final class BatchedRule implements Op.TangentRule {
  private final Op.TangentRule rule;
  private final boolean[] batched;
  private final int size;

  /**
   * Maps the rule for one example.
   *
   * @param batched which arguments have a batch axis, in front; results always have one
   * @param size extent of the batch axis
   */
  public BatchedRule(Op.TangentRule rule, boolean[] batched, int size) {
    this.rule = rule;
    this.batched = batched.clone();
    this.size = size;
  }

  @Override
  public List<Node> tangents(
      List<Node> arguments, List<Node> results, List<@Nullable Node> tangents) {
    Map<Node, Node> map = new HashMap<>();
    List<Node> x = new ArrayList<>();
    List<@Nullable Node> dx = new ArrayList<>();
    for (int i = 0; i < batched.length; i++) {
      Node t = tangents.get(i);
      x.add(batched[i] ? one(arguments.get(i), map) : arguments.get(i));
      dx.add(batched[i] && t != null ? one(t, map) : t);
    }
    List<Node> y = new ArrayList<>();
    results.forEach(r -> y.add(one(r, map)));
    return Batching.batch(rule.tangents(x, y, dx), map, size);
  }

  /** Stands for one example of a batch. */
  private static Node one(Node batch, Map<Node, Node> map) {
    Node p = batch.placeholder(batch.shape().remove(0));
    map.put(p, batch);
    return p;
  }

  @Override
  public Op.TangentRule batched(boolean[] again, int extent) {
    return new BatchedRule(this, again, extent);
  }
}
