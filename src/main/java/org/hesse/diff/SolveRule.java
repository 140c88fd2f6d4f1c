package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Shapes;
import org.jspecify.annotations.Nullable;

/**
 * Derivatives of x = A⁻¹ b without a matrix: dx = A⁻¹ (db − dA x), and A⁻ᵀ for the transpose.
 *
 * <p>Source: Blondel et al., Efficient and modular implicit differentiation (2022), section 2.
 */
final class SolveRule implements NestedRule<Op.Solve> {
  private static final int CONSTANTS = 2;

  private static Node solve(Op.Solve op, Node v, Node product, List<Binding> constants, Node b) {
    return Programs.solve(op.method(), v, product, constants, b, new Krylov(op.method())::solve);
  }

  @Override
  public @Nullable Node[] jvp(Op.Solve op, Node y, @Nullable Node[] tangents) {
    List<Node> parameters = op.product().inputs();
    Node x = Programs.result(y, 0);
    Map<Node, Node> seeds = new HashMap<>();
    List<Node> inputs = new ArrayList<>(List.of(x));
    for (int i = 1; i < parameters.size(); i++) {
      // Copies, so that what the solution itself has of them is not taken along.
      Node c = Elementwise.copy(y.input(i + 1));
      inputs.add(c);
      Node t = tangents[i + 1];
      if (t != null) {
        seeds.put(c, t);
      }
    }
    Node moved = Jvp.push(Programs.inline(op.product(), inputs), seeds).get(0);
    Node db = tangents[0];
    Node rhs =
        moved == null ? db : db == null ? Elementwise.neg(moved) : Elementwise.sub(db, moved);
    if (rhs == null) {
      return new @Nullable Node[1];
    }
    Node dx = solve(op, parameters.get(0), op.product().outputs().get(0), constants(op, y), rhs);
    return new @Nullable Node[] {dx};
  }

  private static List<Binding> constants(Op.Solve op, Node y) {
    List<Binding> constants = new ArrayList<>();
    for (int i = CONSTANTS; i < y.inputs().size(); i++) {
      constants.add(new Binding(op.product().inputs().get(i - 1), y.input(i)));
    }
    return constants;
  }

  @Override
  public @Nullable Node[] transpose(
      Op.Solve op, Node y, @Nullable Node[] cotangents, boolean[] linear) {
    for (int i = CONSTANTS; i < linear.length; i++) {
      if (linear[i]) {
        throw new IllegalStateException(y + " is linear in its right-hand side only");
      }
    }
    @Nullable Node[] back = new @Nullable Node[linear.length];
    Node ct = cotangents[0];
    if (ct != null) {
      Node v = op.product().inputs().get(0);
      Node u = v.placeholder();
      boolean symmetric = op.method().symmetric();
      Node product = symmetric ? op.product().outputs().get(0) : transposed(op.product(), u);
      back[0] = solve(op, symmetric ? v : u, product, constants(op, y), ct);
    }
    return back;
  }

  /** Aᵀ u for a program of A v and constants. */
  static Node transposed(Program product, Node u) {
    List<@Nullable Node> out = new ArrayList<>(product.outputs());
    List<@Nullable Node> ct = new ArrayList<>(List.of(u));
    Node t = Transpose.pull(out, ct, product.inputs().subList(0, 1)).get(0);
    if (t == null) {
      throw new IllegalArgumentException(
          "linear system: the product does not depend on the vector, so the system is singular");
    }
    return t;
  }

  @Override
  public List<Node> batch(Op.Solve op, Node y, List<Node> inputs, boolean[] batched, int size) {
    List<Node> parameters = op.product().inputs();
    Map<Node, Node> map = new HashMap<>();
    List<Binding> constants = new ArrayList<>();
    Node v = ScanRule.batchOf(parameters.get(0), size);
    map.put(parameters.get(0), v);
    for (int i = CONSTANTS; i < batched.length; i++) {
      Node p = parameters.get(i - 1);
      Node inner = batched[i] ? ScanRule.batchOf(p, size) : p;
      if (batched[i]) {
        map.put(p, inner);
      }
      constants.add(new Binding(inner, inputs.get(i)));
    }
    Node product = Batching.batch(op.product().outputs(), map, size).get(0);
    Node b = batched[0] ? inputs.get(0) : Shapes.repeat(inputs.get(0), size);
    Node x = batched[1] ? inputs.get(1) : Shapes.repeat(inputs.get(1), size);
    return List.of(Programs.solve(op.method(), v, product, constants, b, (p, rhs, fixed) -> x));
  }
}
