package org.hesse.ir;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Writes programs for people. */
public final class Printer {
  private Printer() {}

  /**
   * One line a node, numbered in order; the programs that a node runs follow it, indented, with
   * numbers of their own:
   *
   * <pre>
   * (%0: F32[3], %1: F32[5, 3]) {
   *   %2 = scan(states=1, slices=1, length=5, reverse=false) %0 %1
   *     body (%0: F32[3], %1: F32[3]) {
   *       %2: F32[3] = mul %0 %1
   *       return %2
   *     }
   *   %3: F32[3] = result(index=0) %2
   *   return %3
   * }
   * </pre>
   */
  public static String text(Program program) {
    StringBuilder out = new StringBuilder();
    append(out, program, "");
    return out.toString();
  }

  private static void append(StringBuilder out, Program program, String indent) {
    Map<Node, String> names = new HashMap<>();
    for (Node in : program.inputs()) {
      names.put(in, "%" + names.size());
    }
    out.append(
        program.inputs().stream()
            .map(n -> names.get(n) + ": " + type(n))
            .collect(Collectors.joining(", ", "(", ") {\n")));
    for (Node n : program.nodes()) {
      if (names.containsKey(n)) {
        continue;
      }
      names.put(n, "%" + names.size());
      out.append(indent).append("  ").append(names.get(n));
      if (!(n.op() instanceof Op.Nested)) {
        out.append(": ").append(type(n));
      }
      out.append(" = ").append(n.op().mnemonic()).append(attributes(n.op()));
      n.inputs().forEach(in -> out.append(' ').append(names.get(in)));
      out.append('\n');
      if (n.op() instanceof Op.Nested nested) {
        List<String> roles = roles(nested);
        for (int i = 0; i < roles.size(); i++) {
          out.append(indent).append("    ").append(roles.get(i)).append(' ');
          append(out, nested.programs().get(i), indent + "    ");
        }
      }
    }
    List<String> results = program.outputs().stream().map(names::get).toList();
    out.append(indent).append("  return ").append(String.join(", ", results)).append('\n');
    out.append(indent).append("}\n");
  }

  /** What each of the programs of a primitive is to it. */
  static List<String> roles(Op.Nested op) {
    return switch (op) {
      case Op.While w -> List.of("condition", "body");
      case Op.Solve s -> List.of("product");
      default -> List.of("body");
    };
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
    if (op instanceof Op.Nested nested) {
      return attributes(nested);
    }
    String s = op.toString();
    String inside = s.substring(s.indexOf('[') + 1, s.length() - 1);
    if (op instanceof Op.Reduce) {
      inside = inside.substring(inside.indexOf(", ") + 2);
    }
    return inside.isEmpty() ? "" : "(" + inside + ")";
  }

  private static String attributes(Op.Nested op) {
    return switch (op) {
      case Op.Scan s ->
          "(states=%d, slices=%d, length=%d, reverse=%b)"
              .formatted(s.states(), s.slices(), s.length(), s.reverse());
      case Op.While w -> "";
      case Op.Call c -> "(late=" + c.late() + ")";
      case Op.Solve s ->
          "(symmetric=%b, tolerance=%s, steps=%d)"
              .formatted(s.method().symmetric(), s.method().tolerance(), s.method().steps());
    };
  }
}
