package org.hesse.ir;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes programs for people. */
public final class Printer {
  private Printer() {}

  /**
   * One line a node, numbered in order:
   *
   * <pre>
   * (%0: F32[3], %1: F32[3]) {
   *   %2: F32[3] = mul %0 %1
   *   %3: F32[] = reduce_sum(axes=[0]) %2
   *   return %3
   * }
   * </pre>
   */
  public static String text(Program program) {
    Map<Node, String> names = new HashMap<>();
    for (Node in : program.inputs()) {
      names.put(in, "%" + names.size());
    }
    StringBuilder out = new StringBuilder("(");
    out.append(
        program.inputs().stream()
            .map(n -> names.get(n) + ": " + type(n))
            .collect(Collectors.joining(", ")));
    out.append(") {\n");
    for (Node n : program.nodes()) {
      if (!names.containsKey(n)) {
        names.put(n, "%" + names.size());
        out.append("  ").append(names.get(n)).append(": ").append(type(n)).append(" = ");
        out.append(n.op().mnemonic()).append(attributes(n.op()));
        n.inputs().forEach(in -> out.append(' ').append(names.get(in)));
        out.append('\n');
      }
    }
    List<String> results = program.outputs().stream().map(names::get).toList();
    return out.append("  return ").append(String.join(", ", results)).append("\n}\n").toString();
  }

  static String type(Node n) {
    return n.dtype().toString() + n.shape();
  }

  /** A record's components as (name=value, …), without what the mnemonic already says. */
  static String attributes(Op op) {
    if (op instanceof Op.Unary
        || op instanceof Op.Binary
        || op instanceof Op.Compare
        || !(op instanceof Record)) {
      return "";
    }
    String s = op.toString();
    String inside = s.substring(s.indexOf('[') + 1, s.length() - 1);
    if (op instanceof Op.Reduce) {
      inside = inside.substring(inside.indexOf(", ") + 2);
    }
    return inside.isEmpty() ? "" : "(" + inside + ")";
  }
}
