package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ops.Rules;
import org.jspecify.annotations.Nullable;

/**
 * The derivative of a piece of graph as a linear function: placeholder tangents of the inputs, and
 * the tangents of the outputs as nodes linear in them.
 *
 * @param tangents placeholders, one for each input
 * @param outputs one for each output; null where it does not depend on the inputs
 */
public record Linearization(List<Node> tangents, List<@Nullable Node> outputs) {

  /** Differentiates {@code outputs} with respect to {@code inputs} by forward mode. */
  public static Linearization of(List<Node> outputs, List<Node> inputs) {
    Map<Node, Node> seeds = new HashMap<>();
    List<Node> tangents = new ArrayList<>();
    for (Node in : inputs) {
      Node t = in.placeholder();
      tangents.add(t);
      seeds.put(in, t);
    }
    return new Linearization(tangents, Jvp.push(outputs, seeds));
  }

  /** Reverse mode: cotangents of the inputs; null is zero. */
  public List<@Nullable Node> pull(List<@Nullable Node> cotangents) {
    return Transpose.pull(outputs, cotangents, tangents);
  }

  /** Forward mode: tangents of the outputs for given tangents of the inputs; null is zero. */
  public List<@Nullable Node> push(List<Node> values) {
    Map<Node, Node> map = new HashMap<>();
    for (int i = 0; i < tangents.size(); i++) {
      map.put(tangents.get(i), values.get(i));
    }
    return substitute(map).outputs();
  }

  /** The values, not linear in the tangents, that the linear function needs. */
  public List<Node> residuals() {
    return Captures.of(present(), tangents);
  }

  /** The same linear function with some of the nodes it reads replaced. */
  public Linearization substitute(Map<Node, Node> replacements) {
    Map<Node, Node> map = new HashMap<>(replacements);
    for (Node n : Walk.dependents(present(), tangents)) {
      if (!map.containsKey(n) && !n.inputs().isEmpty()) {
        List<Node> in = n.inputs().stream().map(i -> map.getOrDefault(i, i)).toList();
        map.put(n, Rules.emit(n, in));
      }
    }
    List<@Nullable Node> outs = new ArrayList<>();
    for (Node out : outputs) {
      outs.add(out == null ? null : map.getOrDefault(out, out));
    }
    return new Linearization(tangents, outs);
  }

  private List<Node> present() {
    List<Node> present = new ArrayList<>();
    for (Node out : outputs) {
      if (out != null) {
        present.add(out);
      }
    }
    return present;
  }
}
