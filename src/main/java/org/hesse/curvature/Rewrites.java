package org.hesse.curvature;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Rules;

/** Programs made of programs. */
final class Rewrites {
  private Rewrites() {}

  /** The same with the nodes of checkpointed functions in the place of their calls. */
  static Program withoutCalls(Program program) {
    Map<Node, Node> copies = new HashMap<>();
    program.inputs().forEach(in -> copies.put(in, in));
    return Program.capture(program.inputs(), emit(program, copies));
  }

  private static List<Node> emit(Program program, Map<Node, Node> copies) {
    Map<Node, List<Node>> results = new HashMap<>();
    for (Node n : program.nodes()) {
      if (copies.containsKey(n)) {
        continue;
      }
      List<Node> in = n.inputs().stream().map(i -> copies.getOrDefault(i, i)).toList();
      switch (n.op()) {
        case Op.Call(Program body, int _) -> {
          Map<Node, Node> inner = new HashMap<>();
          for (int i = 0; i < in.size(); i++) {
            inner.put(body.inputs().get(i), in.get(i));
          }
          results.put(n, emit(body, inner));
        }
        case Op.Result(int index) when results.containsKey(n.input(0)) ->
            copies.put(n, results.get(n.input(0)).get(index));
        default -> copies.put(n, in.isEmpty() ? n : Rules.emit(n, in));
      }
    }
    return program.outputs().stream().map(o -> copies.getOrDefault(o, o)).toList();
  }

  /**
   * The same with a further input added to each of some values: behind the given inputs, in front
   * of captured ones.
   *
   * @param given how many inputs are no captured tensors
   */
  static Program perturbed(Program program, int given, List<Node> values) {
    List<Node> inputs = new ArrayList<>(program.inputs().subList(0, given));
    Map<Node, Node> perturbations = new HashMap<>();
    for (Node v : values) {
      Op op = new Op.Parameter(inputs.size());
      Node p = new Node(op, List.of(), v.shape(), v.dtype());
      inputs.add(p);
      perturbations.put(v, p);
    }
    Map<Node, Node> copies = new HashMap<>();
    HashSet<Node> kept = new HashSet<>(program.inputs());
    for (Node n : program.nodes()) {
      List<Node> in = n.inputs().stream().map(i -> copies.getOrDefault(i, i)).toList();
      Node copy = kept.contains(n) || in.isEmpty() ? n : Rules.emit(n, in);
      Node p = perturbations.get(n);
      copies.put(n, p == null ? copy : Elementwise.add(copy, p));
    }
    return Program.capture(inputs, program.outputs().stream().map(copies::get).toList());
  }

  /** The program of other nodes of the same graph. */
  static Program reading(Program program, int given, List<Node> values) {
    return Program.capture(program.inputs().subList(0, given), values);
  }
}
