package org.hesse;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Rules;

/** Computes programs of tensors, as if the function that they were traced from was called. */
final class ProgramCall {
  private ProgramCall() {}

  static List<Tensor> run(Program program, List<Tensor> arguments) {
    requireFit(program, arguments);
    return Transform.run("run", arguments, () -> emit(program, Transform.nodes(arguments)));
  }

  private static List<Node> emit(Program program, List<Node> arguments) {
    Map<Node, Node> values = new HashMap<>();
    for (int i = 0; i < arguments.size(); i++) {
      values.put(program.inputs().get(i), arguments.get(i));
    }
    for (Node n : program.nodes()) {
      if (!values.containsKey(n) && !n.inputs().isEmpty()) {
        List<Node> in = n.inputs().stream().map(i -> values.getOrDefault(i, i)).toList();
        values.put(n, Rules.emit(n, in));
      }
    }
    return program.outputs().stream().map(n -> values.getOrDefault(n, n)).toList();
  }

  private static void requireFit(Program program, List<Tensor> arguments) {
    List<Node> inputs = program.inputs();
    for (int i = 0; i < Math.max(inputs.size(), arguments.size()); i++) {
      if (i >= inputs.size() || i >= arguments.size() && !(inputs.get(i).op() instanceof Op.Leaf)) {
        throw new IllegalArgumentException(
            "run: "
                + arguments.size()
                + " arguments; the program has "
                + inputs.size()
                + " inputs");
      }
      if (i < arguments.size()) {
        Transform.requireLike("run", Integer.toString(i), arguments.get(i), inputs.get(i));
      }
    }
  }
}
