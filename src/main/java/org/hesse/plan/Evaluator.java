package org.hesse.plan;

import java.util.List;
import java.util.function.Function;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/** Computes nodes whose leaves hold buffers: the way in which immediate operations run. */
public final class Evaluator {
  private Evaluator() {}

  /**
   * The values of nodes. A node that is itself a leaf is not copied: its own buffer is returned.
   *
   * @param where the backend for a program that reads these leaves
   * @param outputs nodes that depend on leaves and constants only
   * @return a buffer for each node, in order
   */
  public static Buffer[] evaluate(Function<List<Node>, Backend> where, List<Node> outputs) {
    return evaluate(PlanCache.shared(), where, outputs);
  }

  static Buffer[] evaluate(
      PlanCache cache, Function<List<Node>, Backend> where, List<Node> outputs) {
    Buffer[] values = new Buffer[outputs.size()];
    int leaves = 0;
    for (int i = 0; i < values.length; i++) {
      if (outputs.get(i).op() instanceof Op.Leaf leaf) {
        values[i] = (Buffer) leaf.value();
        leaves++;
      }
    }
    if (leaves == 0) {
      return run(cache, where, outputs);
    }
    if (leaves < values.length) {
      List<Node> computed = outputs.stream().filter(n -> !(n.op() instanceof Op.Leaf)).toList();
      Buffer[] results = run(cache, where, computed);
      int next = 0;
      for (int i = 0; i < values.length; i++) {
        if (values[i] == null) {
          values[i] = results[next++];
        }
      }
    }
    return values;
  }

  private static Buffer[] run(
      PlanCache cache, Function<List<Node>, Backend> where, List<Node> outputs) {
    Program program = Program.capture(List.of(), outputs);
    List<Node> leaves = program.inputs();
    Buffer[] inputs = new Buffer[leaves.size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = (Buffer) ((Op.Leaf) leaves.get(i).op()).value();
    }
    return cache.get(where.apply(leaves), program).run(inputs);
  }
}
