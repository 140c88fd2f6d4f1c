package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Builds nodes so that equal ones are the same object and none is left that a rule can replace.
 * Since the inputs of a node went through here before, only its top needs looking at.
 */
final class Rewriter {
  private record Key(Op op, List<Node> inputs, Shape shape, DType dtype) {}

  private final Map<Class<?>, List<Rule>> rules = new HashMap<>();
  private final List<Rule> given;
  private final Map<Key, Node> made = new HashMap<>();
  private final Map<Node, Node> done = new HashMap<>();
  private final Map<Node, Integer> uses = new HashMap<>();

  Rewriter(List<Rule> rules) {
    this.given = rules;
  }

  /** The simplest known node that computes this. */
  Node make(Op op, List<Node> inputs, Shape shape, DType dtype) {
    return simplest(unique(op, inputs, shape, dtype));
  }

  private Node unique(Op op, List<Node> inputs, Shape shape, DType dtype) {
    boolean turned = commutes(op) && inputs.get(0).id() > inputs.get(1).id();
    Key key = new Key(op, turned ? inputs.reversed() : inputs, shape, dtype);
    return made.computeIfAbsent(key, k -> new Node(op, inputs, shape, dtype));
  }

  /** Sums and products of two are the same bits in either order. */
  private static boolean commutes(Op op) {
    return op instanceof Op.Binary(BinaryKind kind)
        && (kind == BinaryKind.ADD || kind == BinaryKind.MUL);
  }

  private Node simplest(Node start) {
    Node known = done.get(start);
    if (known != null) {
      return known;
    }
    Node n = start;
    for (Node next = step(n); next != null; next = step(n)) {
      n = next;
    }
    done.put(start, n);
    done.put(n, n);
    return n;
  }

  private @Nullable Node step(Node n) {
    if (done.get(n) == n) {
      return null;
    }
    for (Rule rule : rulesOn(n.op().getClass())) {
      Node replacement = rule.body().apply(n, this);
      if (replacement != null && replacement != n) {
        return replacement;
      }
    }
    return null;
  }

  private List<Rule> rulesOn(Class<?> op) {
    return rules.computeIfAbsent(
        op, c -> given.stream().filter(r -> r.on().isAssignableFrom(c)).toList());
  }

  /** Records that a node has this many more readers in the program. */
  void addUses(Node n, int count) {
    uses.merge(n, count, Integer::sum);
  }

  /** Whether nothing but the node being looked at is known to read this one. */
  boolean usedOnce(Node n) {
    return uses.getOrDefault(n, 0) <= 1;
  }

  // Nodes by name. Shapes follow the rules of the primitives.

  Node constant(double value, DType dtype) {
    return make(new Op.Constant(Scalars.round(value, dtype)), List.of(), Shape.scalar(), dtype);
  }

  /** A number repeated to a shape. */
  Node full(double value, Shape shape, DType dtype) {
    return broadcast(constant(value, dtype), Axes.of(), shape);
  }

  /** An elementwise node whose operands have the result's shape. */
  Node elementwise(Op op, DType dtype, Node... inputs) {
    return make(op, List.of(inputs), inputs[0].shape(), dtype);
  }

  Node binary(BinaryKind kind, Node a, Node b) {
    return elementwise(new Op.Binary(kind), a.dtype(), a, b);
  }

  Node cast(Node x, DType to) {
    return elementwise(new Op.Cast(), to, x);
  }

  Node reshape(Node x, Shape shape) {
    return make(new Op.Reshape(), List.of(x), shape, x.dtype());
  }

  Node broadcast(Node x, Axes axes, Shape shape) {
    return make(new Op.Broadcast(axes), List.of(x), shape, x.dtype());
  }

  Node permute(Node x, Axes axes) {
    int[] dims = Arrays.stream(axes.toArray()).map(x.shape()::dim).toArray();
    return make(new Op.Permute(axes), List.of(x), Shape.of(dims), x.dtype());
  }

  /** Builds the same primitive over other inputs. */
  Node rebuild(Node n, List<Node> inputs) {
    return make(n.op(), inputs, n.shape(), n.dtype());
  }

  /** The operands with one replaced. */
  static List<Node> replaced(List<Node> inputs, int at, Node by) {
    List<Node> out = new ArrayList<>(inputs);
    out.set(at, by);
    return List.copyOf(out);
  }
}
