package org.hesse.plan;

import java.util.ArrayList;
import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Folding of constants, and doing arithmetic before a broadcast rather than after it. */
final class ConstantRules {
  static final List<Rule> RULES =
      List.of(
          new Rule("fold constants", Op.class, ConstantRules::fold),
          new Rule("linear function of zero", Op.class, ConstantRules::ofZero),
          new Rule("view of a constant", Op.class, ConstantRules::viewOfConstant),
          new Rule("elementwise before broadcast", Op.class, ConstantRules::beforeBroadcast));

  private ConstantRules() {}

  /** The number that every element of a node is, if that is plain to see. */
  static @Nullable Double uniform(Node n) {
    Node x = n.op() instanceof Op.Broadcast ? n.input(0) : n;
    return x.op() instanceof Op.Constant(double value) ? Scalars.round(value, x.dtype()) : null;
  }

  /** Whether every element of a node is this number. */
  static boolean isUniform(Node n, double value) {
    Double u = uniform(n);
    return u != null && u == value;
  }

  static boolean isElementwise(Op op) {
    return switch (op) {
      case Op.Unary u -> true;
      case Op.Binary b -> true;
      case Op.Compare c -> true;
      case Op.Select s -> true;
      case Op.Cast c -> true;
      default -> false;
    };
  }

  private static @Nullable Node fold(Node n, Rewriter to) {
    if (!isElementwise(n.op())) {
      return null;
    }
    double[] v = new double[n.inputs().size()];
    for (int i = 0; i < v.length; i++) {
      Double u = uniform(n.input(i));
      if (u == null) {
        return null;
      }
      v[i] = u;
    }
    Double value = evaluate(n, v);
    return value == null ? null : to.full(value, n.shape(), n.dtype());
  }

  private static @Nullable Double evaluate(Node n, double[] v) {
    return switch (n.op()) {
      case Op.Unary(var kind) -> Scalars.knows(kind) ? Scalars.unary(kind, v[0], n.dtype()) : null;
      case Op.Binary(var kind) -> Scalars.binary(kind, v[0], v[1], n.dtype());
      case Op.Compare(var kind) -> Scalars.compare(kind, v[0], v[1]) ? 1.0 : 0.0;
      case Op.Select s -> v[0] != 0 ? v[1] : v[2];
      case Op.Cast c -> Scalars.round(v[0], n.dtype());
      default -> null;
    };
  }

  private static @Nullable Node viewOfConstant(Node n, Rewriter to) {
    boolean view =
        switch (n.op()) {
          case Op.Reshape r -> true;
          case Op.Permute p -> true;
          case Op.Slice s -> true;
          case Op.Window w -> true;
          case Op.Reverse r -> true;
          case Op.Concat c -> n.inputs().size() == 1;
          case Op.Pad p -> isExactly(n.input(0), 0);
          default -> false;
        };
    Double value = view ? uniform(n.input(0)) : null;
    return value == null ? null : to.full(value, n.shape(), n.dtype());
  }

  /** Gather and ScatterAdd stay: what they are given may be zero, an index be an error still. */
  private static @Nullable Node ofZero(Node n, Rewriter to) {
    boolean linear =
        switch (n.op()) {
          case Op.Cumsum c -> true;
          case Op.Fold f -> true;
          default -> false;
        };
    return linear && isExactly(n.input(0), 0) ? to.full(0, n.shape(), n.dtype()) : null;
  }

  /** Whether every element of a node is this number, and a zero of this sign. */
  static boolean isExactly(Node n, double value) {
    Double u = uniform(n);
    return u != null && u == value && (value != 0 || 1 / u == 1 / value);
  }

  /** f(broadcast a, broadcast b, constant) = broadcast f(a, b, constant) for equal broadcasts. */
  private static @Nullable Node beforeBroadcast(Node n, Rewriter to) {
    if (!isElementwise(n.op())) {
      return null;
    }
    Node pattern = null;
    for (Node in : n.inputs()) {
      if (uniform(in) == null) {
        if (!(in.op() instanceof Op.Broadcast) || (pattern != null && !sameSpread(in, pattern))) {
          return null;
        }
        pattern = in;
      }
    }
    if (pattern == null || !(pattern.op() instanceof Op.Broadcast(Axes axes))) {
      return null;
    }
    Shape small = pattern.input(0).shape();
    List<Node> inputs = new ArrayList<>();
    for (Node in : n.inputs()) {
      Double u = uniform(in);
      inputs.add(u == null ? in.input(0) : to.full(u, small, in.dtype()));
    }
    Node core = to.make(n.op(), List.copyOf(inputs), small, n.dtype());
    return to.broadcast(core, axes, n.shape());
  }

  private static boolean sameSpread(Node a, Node b) {
    return a.op().equals(b.op()) && a.input(0).shape().equals(b.input(0).shape());
  }
}
