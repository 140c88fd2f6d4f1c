package org.hesse.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.ReduceKind;
import org.hesse.plan.OpenLoop.Port;
import org.hesse.plan.OpenLoop.State;
import org.hesse.plan.OpenLoop.Term;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products over the rounds of a scan, as which the gradients of a recurrence's weights come
 * about: {@code sum + dot(a, b)} with a and b of each round. Where a and b take less memory than
 * the sum, they are put out instead, and one large product after the loop has the rounds among the
 * axes that it contracts. Sums of what is stacked anyway are taken after the loop too.
 */
final class Accumulators {
  /** How many numbers may be put out for one sum: rounds without end must not take all memory. */
  private static final long MAX_EXTRA = 1 << 26;

  private final OpenLoop loop;

  /** A product of each round, from which its value is made by moving elements. */
  private record Product(Op.Dot op, Node lhs, Node rhs, Node value, UnaryOperator<Node> view) {}

  private Accumulators(OpenLoop loop) {
    this.loop = loop;
  }

  static void extract(OpenLoop loop) {
    Accumulators a = new Accumulators(loop);
    a.eachTerm(a::product);
    a.eachTerm(a::sum);
  }

  /** What can be taken out of a round: the value after the loop, or null to leave it. */
  @FunctionalInterface
  private interface Extraction {
    @Nullable Term of(Node term);
  }

  private void eachTerm(Extraction extraction) {
    for (int i = 0; i < loop.states.size(); i++) {
      State s = loop.states.get(i);
      List<Node> terms = s.next() == s.inner() ? null : terms(s);
      if (terms == null) {
        continue;
      }
      Node rest = s.inner();
      for (Node term : terms) {
        Term outside = extraction.of(term);
        if (outside == null) {
          rest = add(rest, term);
        } else {
          loop.addTerm(s.result(), outside);
        }
      }
      loop.states.set(i, new State(s.inner(), s.initial(), rest, s.result()));
    }
  }

  private static Node add(Node a, Node b) {
    return new Node(new Op.Binary(BinaryKind.ADD), List.of(a, b), a.shape(), a.dtype());
  }

  /** What a round adds to a state that is nothing but a sum; null for any other. */
  private @Nullable List<Node> terms(State s) {
    if (!s.inner().dtype().isReal() || loop.isHistoryRead(s)) {
      return null;
    }
    List<Node> terms = new ArrayList<>();
    ArrayDeque<Node> open = new ArrayDeque<>(List.of(s.next()));
    int own = 0;
    while (!open.isEmpty()) {
      Node n = open.pop();
      if (n == s.inner()) {
        own++;
      } else if (n.op() instanceof Op.Binary(BinaryKind kind) && kind == BinaryKind.ADD) {
        open.push(n.input(1));
        open.push(n.input(0));
      } else {
        terms.add(n);
      }
    }
    List<Node> others = new ArrayList<>(terms);
    loop.states.stream().filter(t -> t.inner() != s.inner()).forEach(t -> others.add(t.next()));
    loop.outputs.forEach(o -> others.add(o.inner()));
    return own == 1 && !Program.reachable(others, Set.of()).contains(s.inner()) ? terms : null;
  }

  private @Nullable Term product(Node term) {
    Product p = product(term, x -> x);
    if (p == null || isFixed(p.lhs) || isFixed(p.rhs)) {
      return null;
    }
    long extra = cost(p.lhs) + (p.rhs.equals(p.lhs) ? 0 : cost(p.rhs));
    if (extra > term.shape().size() || extra * loop.length() > MAX_EXTRA) {
      return null;
    }
    Term lhs = stacked(p.lhs);
    Term rhs = stacked(p.rhs);
    Axes rounds = Axes.of(0);
    Op.Dot op =
        new Op.Dot(
            rounds.then(p.op.lhsContract().plus(1)),
            rounds.then(p.op.rhsContract().plus(1)),
            p.op.lhsBatch().plus(1),
            p.op.rhsBatch().plus(1));
    Node value = p.value;
    return results ->
        p.view.apply(
            new Node(op, List.of(lhs.of(results), rhs.of(results)), value.shape(), value.dtype()));
  }

  /** A sum of what is there in any case, or of numbers that are as many as the sum's. */
  private @Nullable Term sum(Node term) {
    if (isFixed(term) || cost(term) != 0) {
      return null;
    }
    Term all = stacked(term);
    Op op = new Op.Reduce(ReduceKind.SUM, Axes.of(0));
    return results -> new Node(op, List.of(all.of(results)), term.shape(), term.dtype());
  }

  /** The product that a node is, seen through views of all of it. */
  private static @Nullable Product product(Node n, UnaryOperator<Node> view) {
    return switch (n.op()) {
      case Op.Dot dot -> new Product(dot, n.input(0), n.input(1), n, view);
      case Op.Permute p -> product(n.input(0), x -> view.apply(over(n, x)));
      case Op.Reshape r -> product(n.input(0), x -> view.apply(over(n, x)));
      case Op.Binary(BinaryKind kind) when kind == BinaryKind.MUL -> outer(n, view);
      default -> null;
    };
  }

  private static Node over(Node n, Node input) {
    return new Node(n.op(), List.of(input), n.shape(), n.dtype());
  }

  /** A product of each element of one with each of the other, as it is written elementwise. */
  private static @Nullable Product outer(Node n, UnaryOperator<Node> view) {
    Node a = n.input(0);
    Node b = n.input(1);
    if (!(a.op() instanceof Op.Broadcast(Axes left))
        || !(b.op() instanceof Op.Broadcast(Axes right))) {
      return null;
    }
    int rank = n.shape().rank();
    int[] all = left.then(right).toArray();
    Arrays.sort(all);
    // Extents of 1 may stand for an axis in both; such products are left alone.
    if (!Axes.of(all).equals(Axes.range(0, rank)) || left.size() == 0 || right.size() == 0) {
      return null;
    }
    Op.Dot op = new Op.Dot(Axes.of(), Axes.of(), Axes.of(), Axes.of());
    int[] dims = Arrays.stream(left.then(right).toArray()).map(n.shape()::dim).toArray();
    Node value = new Node(op, List.of(a.input(0), b.input(0)), Shape.of(dims), n.dtype());
    Op order = new Op.Permute(left.then(right).inverse());
    return new Product(
        op,
        a.input(0),
        b.input(0),
        value,
        x -> view.apply(new Node(order, List.of(x), n.shape(), n.dtype())));
  }

  /** Whether a node inside is the same in every round. */
  private boolean isFixed(Node inner) {
    Set<Node> varying = new HashSet<>();
    loop.states.forEach(s -> varying.add(s.inner()));
    loop.slices.forEach(p -> varying.add(p.inner()));
    return Program.reachable(List.of(inner), Set.of()).stream().noneMatch(varying::contains);
  }

  private static boolean isStackedByView(Node inner) {
    return inner.op() instanceof Op.Permute || inner.op() instanceof Op.Reshape;
  }

  /** How many numbers more a round has to put out so that a node is stacked. */
  private long cost(Node inner) {
    if (isStackedByView(inner)) {
      return cost(inner.input(0));
    }
    boolean there =
        loop.slices.stream().anyMatch(p -> p.inner() == inner)
            || loop.states.stream().anyMatch(s -> s.inner() == inner && loop.isHistoryRead(s))
            || loop.outputs.stream()
                .anyMatch(o -> o.inner() == inner && loop.read.contains(o.result()));
    return there ? 0 : inner.shape().size();
  }

  /** A node's values in all rounds, along a first axis. */
  private Term stacked(Node inner) {
    if (isStackedByView(inner)) {
      Term below = stacked(inner.input(0));
      Shape shape = inner.shape().insert(0, loop.length());
      Op op =
          inner.op() instanceof Op.Permute(Axes axes)
              ? new Op.Permute(Axes.of(0).then(axes.plus(1)))
              : inner.op();
      return results -> new Node(op, List.of(below.of(results)), shape, inner.dtype());
    }
    for (Port p : loop.slices) {
      if (p.inner() == inner) {
        return results -> p.outer();
      }
    }
    int result = loop.output(inner);
    return results -> results.apply(result);
  }
}
