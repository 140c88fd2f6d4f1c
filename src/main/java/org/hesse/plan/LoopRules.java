package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntFunction;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.plan.OpenLoop.Output;
import org.hesse.plan.OpenLoop.Port;
import org.hesse.plan.OpenLoop.State;

/**
 * Rewrites the loops of a program, each by what is around it: results that nobody reads are not
 * computed, nor are states that only they need; what is the same in every round is computed once;
 * views and numbers that come from outside are moved inside, where the body's own rules see them;
 * and the body is simplified.
 */
final class LoopRules {
  private LoopRules() {}

  /**
   * An equivalent program with the same inputs.
   *
   * @param known see {@link Simplify#simplify(Program, Map)}
   */
  static Program rewrite(Program program, Map<Program, Program> known) {
    if (program.nodes().stream().noneMatch(n -> n.op() instanceof Op.Nested)) {
      return program;
    }
    Map<Node, Set<Integer>> read = new HashMap<>();
    for (Node n : program.nodes()) {
      if (n.op() instanceof Op.Result(int index)) {
        read.computeIfAbsent(n.input(0), k -> new HashSet<>()).add(index);
      }
    }
    Map<Node, Node> copies = new HashMap<>();
    Map<Node, IntFunction<Node>> results = new HashMap<>();
    program.inputs().forEach(in -> copies.put(in, in));
    for (Node n : program.nodes()) {
      if (copies.containsKey(n)) {
        continue;
      }
      List<Node> ins = n.inputs().stream().map(in -> copies.getOrDefault(in, in)).toList();
      if (n.op() instanceof Op.Nested op) {
        OpenLoop loop = new OpenLoop(op, ins, read.getOrDefault(n, Set.of()));
        results.put(n, rewritten(loop, known));
      } else if (n.op() instanceof Op.Result(int index)) {
        copies.put(n, results.getOrDefault(n.input(0), i -> n).apply(index));
      } else {
        copies.put(n, new Node(n.op(), ins, n.shape(), n.dtype()));
      }
    }
    return Program.capture(
        program.inputs(),
        program.outputs().stream().map(out -> copies.getOrDefault(out, out)).toList());
  }

  private static IntFunction<Node> rewritten(OpenLoop loop, Map<Program, Program> known) {
    if (loop.isScan() && loop.length() == 0) {
      return withoutRounds(loop);
    }
    dropDead(loop);
    sink(loop);
    fix(loop);
    if (loop.isScan()) {
      Accumulators.extract(loop);
      fix(loop);
    }
    hoist(loop);
    if (loop.isScan()) {
      elide(loop);
    }
    dropDead(loop);
    if (loop.test != null && loop.states.isEmpty()) {
      end(loop, loop.test);
    }
    return loop.close(known);
  }

  /** A loop that changes nothing has no round, or no end. */
  private static void end(OpenLoop loop, Node test) {
    Map<Node, Node> outside = new HashMap<>();
    loop.constants.forEach(p -> outside.put(p.inner(), p.outer()));
    Node goesOn = Copies.of(List.of(test), outside).get(0);
    Op not = new Op.Unary(UnaryKind.NOT);
    loop.check(
        new Node(not, List.of(goesOn), goesOn.shape(), goesOn.dtype()),
        "while loop: it would not end, since its condition holds and no round changes anything"
            + " that the condition or a result depends on");
  }

  /** Without a round the final state is the initial one, and everything else is empty. */
  private static IntFunction<Node> withoutRounds(OpenLoop loop) {
    return i -> {
      if (i < loop.op.states()) {
        return loop.states.get(i).initial();
      }
      Shape shape = loop.op.shape(i);
      Node zero = new Node(new Op.Constant(0), List.of(), Shape.scalar(), loop.op.dtype(i));
      return new Node(new Op.Broadcast(Axes.of()), List.of(zero), shape, zero.dtype());
    };
  }

  /** Keeps what the results that are read depend on, round after round. */
  private static void dropDead(OpenLoop loop) {
    loop.outputs.removeIf(o -> !loop.read.contains(o.result()));
    List<Node> roots = new ArrayList<>(loop.outputs.stream().map(Output::inner).toList());
    if (loop.test != null) {
      roots.add(loop.test);
    }
    Set<State> live = new HashSet<>();
    Set<Node> reached = new HashSet<>();
    boolean more = true;
    while (more) {
      more = false;
      reached = new HashSet<>(Program.reachable(roots, Set.of()));
      for (State s : loop.states) {
        boolean read = loop.read.contains(s.result()) || loop.isHistoryRead(s);
        if ((read || reached.contains(s.inner())) && live.add(s)) {
          roots.add(s.next());
          more = true;
        }
      }
    }
    Set<Node> used = reached;
    loop.states.removeIf(s -> !live.contains(s));
    loop.slices.removeIf(p -> !used.contains(p.inner()));
    loop.constants.removeIf(p -> !used.contains(p.inner()));
  }

  /** Moves views and numbers from outside to the inside, and makes equal inputs one. */
  private static void sink(OpenLoop loop) {
    sinkSlices(loop);
    Map<Node, Node> by = new HashMap<>();
    List<Port> kept = new ArrayList<>();
    Map<Node, Node> inside = new HashMap<>();
    for (Port p : loop.constants) {
      Node base = p.outer();
      while (IndexMap.isView(base.op()) && Products.strides(p.outer(), base.input(0)) != null) {
        base = base.input(0);
      }
      Node at = base;
      Node in =
          Slots.isSource(base)
              ? base
              : inside.computeIfAbsent(
                  base,
                  b -> {
                    Node stand = b == p.outer() ? p.inner() : b.placeholder();
                    kept.add(new Port(stand, at));
                    return stand;
                  });
      if (in != p.inner()) {
        by.put(p.inner(), Copies.of(List.of(p.outer()), Map.of(base, in)).get(0));
      }
    }
    loop.constants.clear();
    loop.constants.addAll(kept);
    loop.substitute(by);
  }

  /** A sequence of equal slices is a constant. */
  private static void sinkSlices(OpenLoop loop) {
    Map<Node, Node> by = new HashMap<>();
    List<Port> kept = new ArrayList<>();
    Map<Node, Node> inside = new HashMap<>();
    for (Port p : loop.slices) {
      Node all = p.outer();
      Node other = inside.putIfAbsent(all, p.inner());
      if (other != null) {
        by.put(p.inner(), other);
      } else if (all.op() instanceof Op.Broadcast(Axes axes) && !axes.contains(0)) {
        Shape row = all.shape().remove(0);
        Op op = new Op.Broadcast(axes.plus(-1));
        Node constant = new Node(op, all.inputs(), row, all.dtype());
        loop.constants.add(new Port(p.inner(), constant));
      } else {
        kept.add(p);
      }
    }
    loop.slices.clear();
    loop.slices.addAll(kept);
    loop.substitute(by);
  }

  /** A state that no round changes is a constant. */
  private static void fix(OpenLoop loop) {
    for (State s : List.copyOf(loop.states)) {
      if (s.next() == s.inner()) {
        loop.states.remove(s);
        loop.constants.add(new Port(s.inner(), s.initial()));
        loop.know(s.result(), s.initial());
        if (loop.isScan()) {
          loop.know(loop.history(s), loop.repeated(s.initial()));
        }
      }
    }
  }

  /** Results of a scan that are other results, or known outside, are not put out. */
  private static void elide(OpenLoop loop) {
    Map<Node, Integer> first = new HashMap<>();
    Map<Node, Node> fixed = new HashMap<>();
    loop.constants.forEach(p -> fixed.put(p.inner(), p.outer()));
    for (Output o : List.copyOf(loop.outputs)) {
      Integer same = first.putIfAbsent(o.inner(), o.result());
      if (same != null) {
        loop.alias(o.result(), same);
      }
      Node value = Slots.isSource(o.inner()) ? o.inner() : fixed.get(o.inner());
      if (value != null) {
        loop.know(o.result(), loop.repeated(value));
      }
      for (Port p : loop.slices) {
        if (p.inner() == o.inner()) {
          loop.know(o.result(), p.outer());
        }
      }
      for (State s : loop.states) {
        if (s.inner() == o.inner()) {
          loop.alias(o.result(), loop.history(s));
        }
      }
    }
    loop.outputs.removeIf(o -> loop.isSettled(o.result()));
  }

  /** Computes outside what is the same in every round, and more than a view or a number. */
  private static void hoist(OpenLoop loop) {
    Set<Node> varying = new HashSet<>();
    Set<Node> given = new HashSet<>();
    loop.states.forEach(s -> varying.add(s.inner()));
    loop.slices.forEach(p -> varying.add(p.inner()));
    loop.constants.forEach(p -> given.add(p.inner()));
    List<Node> nodes = Program.reachable(loop.roots(), Set.of());
    Set<Node> derived = new HashSet<>(given);
    Set<Node> wanted = new HashSet<>(loop.roots());
    for (Node n : nodes) {
      if (n.inputs().stream().anyMatch(varying::contains)) {
        varying.add(n);
      } else if (n.inputs().stream().anyMatch(derived::contains) || Clusters.isKernel(n.op())) {
        derived.add(n);
      }
      if (varying.contains(n) || IndexMap.isView(n.op())) {
        wanted.addAll(n.inputs());
      }
    }
    Map<Node, Node> outside = new HashMap<>();
    loop.constants.forEach(p -> outside.put(p.inner(), p.outer()));
    List<Node> hoisted =
        nodes.stream()
            .filter(n ->
                wanted.contains(n)
                    && derived.contains(n)
                    && !varying.contains(n)
                    && !given.contains(n)
                    && !IndexMap.isView(n.op())
                    && !(n.op() instanceof Op.Nested)
                    && (loop.isScan() || isTotal(n, given)))
            .toList();
    List<Node> values = Copies.of(hoisted, outside);
    Map<Node, Node> by = new HashMap<>();
    for (int i = 0; i < values.size(); i++) {
      Node inner = values.get(i).placeholder();
      by.put(hoisted.get(i), inner);
      loop.constants.add(new Port(inner, values.get(i)));
    }
    loop.substitute(by);
  }

  /**
   * Whether a node can be computed without an error, whatever its inputs: a loop with a condition
   * may have no round in which it would be.
   */
  private static boolean isTotal(Node node, Set<Node> given) {
    return Program.reachable(List.of(node), given).stream()
        .noneMatch(n -> Program.isPartial(n) || n.op() instanceof Op.Nested);
  }
}
