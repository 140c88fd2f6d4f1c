package org.hesse.ir;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Function;

/** Checks that a program is well formed; run after every rewrite while assertions are enabled. */
public final class Verifier {
  private Verifier() {}

  /**
   * Checks order, closedness and that each node's shape and dtype are what its rule infers, in
   * programs that nodes run too.
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
        verifyNesting(program, n, infer);
        Node expected = n.op() instanceof Op.Barrier ? n.input(0) : infer.apply(n);
        if (!expected.shape().equals(n.shape()) || expected.dtype() != n.dtype()) {
          throw broken(program, n, "should be " + expected.dtype() + expected.shape());
        }
      }
      seen.add(n);
    }
    for (Node out : program.outputs()) {
      if (!seen.contains(out)) {
        throw new IllegalStateException("an output is not computed by the program\n" + program);
      }
      if (out.op() instanceof Op.Nested) {
        throw broken(program, out, "has no value of its own and cannot be an output");
      }
    }
  }

  private static void verifyNesting(Program program, Node n, Function<Node, Node> infer) {
    if (n.op() instanceof Op.Result(int index)) {
      if (!(n.input(0).op() instanceof Op.Nested op) || index < 0 || index >= op.results()) {
        throw broken(program, n, "reads result " + index + ", which " + n.input(0) + " has not");
      }
    } else if (n.inputs().stream().anyMatch(in -> in.op() instanceof Op.Nested)) {
      throw broken(program, n, "reads a primitive that runs programs, but not one of its results");
    }
    if (n.op() instanceof Op.Nested nested) {
      for (Program body : nested.programs()) {
        for (int i = 0; i < body.inputs().size(); i++) {
          if (!body.inputs().get(i).op().equals(new Op.Parameter(i))) {
            throw broken(program, n, "runs a program whose input " + i + " is no parameter");
          }
        }
        verify(body, infer);
      }
    }
  }

  private static IllegalStateException broken(Program program, Node n, String what) {
    return new IllegalStateException("node " + n + " " + what + "\n" + program.print());
  }
}
