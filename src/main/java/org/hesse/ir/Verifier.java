package org.hesse.ir;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;

/** Checks that a program is well formed; run after every rewrite while assertions are enabled. */
public final class Verifier {
  private Verifier() {}

  /**
   * Checks order, closedness and that each node's shape and dtype are what its rule infers.
   *
   * @param infer what a node with this primitive and these inputs must look like, as a fresh node
   * @throws IllegalStateException naming the first node that is wrong, with the whole program
   */
  public static void verify(Program program, Function<Node, Node> infer) {
    Set<Node> inputs = new HashSet<>(program.inputs());
    Set<Node> seen = new HashSet<>();
    for (Node n : program.nodes()) {
      if (!inputs.contains(n)) {
        if (!seen.containsAll(n.inputs())) {
          throw broken(program, n, "reads a node that does not come before it");
        }
        Node expected = infer.apply(n);
        if (!expected.shape().equals(n.shape()) || expected.dtype() != n.dtype()) {
          throw broken(program, n, "should be " + expected.dtype() + expected.shape());
        }
      }
      seen.add(n);
    }
    if (!seen.containsAll(program.outputs())) {
      throw new IllegalStateException("an output is not computed by the program\n" + program);
    }
  }

  private static IllegalStateException broken(Program program, Node n, String what) {
    return new IllegalStateException("node " + n + " " + what + "\n" + program.print());
  }
}
