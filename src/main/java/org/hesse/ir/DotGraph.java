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
   */
  public static String text(Program program) {
    Map<Node, String> names = new HashMap<>();
    program.inputs().forEach(in -> names.putIfAbsent(in, "n" + names.size()));
    program.nodes().forEach(n -> names.putIfAbsent(n, "n" + names.size()));
    StringBuilder out = new StringBuilder("digraph program {\n  node [fontname=monospace];\n");
    for (Node n : program.nodes()) {
      out.append("  ").append(names.get(n)).append(" [").append(look(program, n)).append("];\n");
    }
    for (Node n : program.nodes()) {
      if (program.inputs().contains(n)) {
        continue;
      }
      for (int i = 0; i < n.inputs().size(); i++) {
        out.append("  ").append(names.get(n.input(i))).append(" -> ").append(names.get(n));
        out.append(n.inputs().size() > 1 ? " [label=\"" + i + "\"];\n" : ";\n");
      }
    }
    return out.append("}\n").toString();
  }

  private static String look(Program program, Node n) {
    int input = program.inputs().indexOf(n);
    List<String> lines = new ArrayList<>();
    lines.add(input >= 0 ? "input " + input : n.op().mnemonic() + Printer.attributes(n.op()));
    lines.add(Printer.type(n));
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
