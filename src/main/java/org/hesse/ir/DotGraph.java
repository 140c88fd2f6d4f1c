package org.hesse.ir;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes programs as graphs for Graphviz. */
public final class DotGraph {
  private DotGraph() {}

  /**
   * A {@code digraph} in the DOT language, with a node for each node of the program, numbered as by
   * {@link Printer}, and an edge from each operand to its reader. Boxes are inputs, double borders
   * are outputs. Edges into a node with several inputs carry the operand's position.
   *
   * <pre>
   * digraph program {
   *   n0 [label="input 0\\nF32[3]", shape=box, style=filled, fillcolor=lightblue];
   *   n1 [label="exp\\nF32[3]\\noutput 0", peripheries=2];
   *   n0 -&gt; n1;
   * }
   * </pre>
   *
   * <p>A node that runs programs lies in a cluster with them; the names in there begin with its
   * own.
   */
  public static String text(Program program) {
    StringBuilder out = new StringBuilder("digraph program {\n  node [fontname=monospace];\n");
    append(out, program, "n", "  ");
    return out.append("}\n").toString();
  }

  private static void append(StringBuilder out, Program program, String prefix, String indent) {
    Map<Node, String> names = new HashMap<>();
    program.inputs().forEach(in -> names.putIfAbsent(in, prefix + names.size()));
    program.nodes().forEach(n -> names.putIfAbsent(n, prefix + names.size()));
    for (Node n : program.nodes()) {
      String line = names.get(n) + " [" + look(program, n) + "];\n";
      if (n.op() instanceof Op.Nested nested) {
        cluster(out, nested, String.valueOf(names.get(n)), line, indent);
      } else {
        out.append(indent).append(line);
      }
    }
    for (Node n : program.nodes()) {
      if (program.inputs().contains(n)) {
        continue;
      }
      for (int i = 0; i < n.inputs().size(); i++) {
        out.append(indent).append(names.get(n.input(i))).append(" -> ").append(names.get(n));
        out.append(n.inputs().size() > 1 ? " [label=\"" + i + "\"];\n" : ";\n");
      }
    }
  }

  private static void cluster(
      StringBuilder out, Op.Nested op, String name, String line, String indent) {
    String inner = indent + "    ";
    out.append(indent).append("subgraph cluster_").append(name).append(" {\n");
    out.append(indent).append("  ").append(line);
    List<String> roles = Printer.roles(op);
    for (int i = 0; i < roles.size(); i++) {
      String role = roles.get(i);
      out.append(indent).append("  subgraph cluster_").append(name).append('_').append(role);
      out.append(" {\n").append(inner).append("label=\"").append(role).append("\";\n");
      append(out, op.programs().get(i), name + "_" + role + "_", inner);
      out.append(indent).append("  }\n");
    }
    out.append(indent).append("}\n");
  }

  private static String look(Program program, Node n) {
    int input = program.inputs().indexOf(n);
    List<String> lines = new ArrayList<>();
    lines.add(input >= 0 ? "input " + input : n.op().mnemonic() + Printer.attributes(n.op()));
    if (!(n.op() instanceof Op.Nested)) {
      lines.add(Printer.type(n));
    }
    boolean isOutput = false;
    for (int i = 0; i < program.outputs().size(); i++) {
      if (program.outputs().get(i) == n) {
        lines.add("output " + i);
        isOutput = true;
      }
    }
    lines.replaceAll(s -> s.replace("\\", "\\\\").replace("\"", "\\\""));
    return "label=\""
        + String.join("\\n", lines)
        + "\""
        + (input >= 0 ? ", shape=box, style=filled, fillcolor=lightblue" : "")
        + (isOutput ? ", peripheries=2" : "");
  }
}
