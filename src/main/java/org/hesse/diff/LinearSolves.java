package org.hesse.diff;

import java.util.List;
import java.util.function.UnaryOperator;
import org.hesse.ir.KrylovMethod;
import org.hesse.ir.Node;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;

/** Linear systems of which only products are known. */
public final class LinearSolves {
  private LinearSolves() {}

  /**
   * The solution x of A x = b; see {@link org.hesse.ir.Op.Solve}.
   *
   * @param product v ↦ A v, linear
   * @param b real, [n]
   */
  public static Node solve(KrylovMethod method, UnaryOperator<Node> product, Node b) {
    Node v = b.placeholder();
    Node av = product.apply(v);
    List<Binding> constants =
        Captures.of(List.of(av), List.of(v)).stream().map(Binding::same).toList();
    return Programs.solve(method, v, av, constants, b, new Krylov(method)::solve);
  }
}
