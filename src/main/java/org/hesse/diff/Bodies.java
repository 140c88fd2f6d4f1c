package org.hesse.diff;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.hesse.ir.Node;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.jspecify.annotations.Nullable;

/** Shared by the rules of primitives that run programs. */
final class Bodies {
  private Bodies() {}

  /**
   * What the derivative of a body reads from outside of it: values that the rule of a customJvp
   * inside has captured.
   *
   * @param outputs null entries are zero
   * @param parameters all that the derivative is a function of
   */
  static List<Binding> captured(List<? extends @Nullable Node> outputs, List<Node> parameters) {
    List<Node> present = new ArrayList<>();
    for (Node out : outputs) {
      if (out != null) {
        present.add(out);
      }
    }
    return Captures.of(present, parameters).stream().map(Binding::same).toList();
  }

  static List<Node> concat(Collection<Node> a, Collection<Node> b) {
    List<Node> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  /** A call whose results may be absent; they are null again in what is returned. */
  static @Nullable Node[] call(
      List<Binding> late, List<Binding> inputs, List<? extends @Nullable Node> outputs) {
    @Nullable Node[] results = new @Nullable Node[outputs.size()];
    List<Node> present = new ArrayList<>();
    for (Node out : outputs) {
      if (out != null) {
        present.add(out);
      }
    }
    if (present.isEmpty()) {
      return results;
    }
    Node call = Programs.call(late, inputs, present);
    int next = 0;
    for (int i = 0; i < results.length; i++) {
      results[i] = outputs.get(i) == null ? null : Programs.result(call, next++);
    }
    return results;
  }
}
