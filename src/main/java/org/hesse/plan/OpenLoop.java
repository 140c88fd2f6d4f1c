package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntFunction;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * A loop taken apart to be rewritten: what it reads and makes, as nodes inside, over stand-ins for
 * its inputs, and as nodes outside. Results are known by their numbers in the original; rewriting
 * may add more of them.
 */
final class OpenLoop {
  /** What goes from round to round; {@code result} is the number of the final state. */
  record State(Node inner, Node initial, Node next, int result) {}

  /** An input inside, and the same outside: a whole sequence where it is sliced. */
  record Port(Node inner, Node outer) {}

  /** A value of each round, stacked in the result with this number. */
  record Output(Node inner, int result) {}

  final Op.Nested op;
  final List<State> states = new ArrayList<>();
  final List<Port> slices = new ArrayList<>();
  final List<Port> constants = new ArrayList<>();
  final List<Output> outputs = new ArrayList<>();

  /** The condition of a loop that has one. */
  @Nullable Node test;

  /** Numbers of results that something reads. */
  final Set<Integer> read;

  /** Results that are known without the loop. */
  private final Map<Integer, Node> known = new HashMap<>();

  /** Results that are others. */
  private final Map<Integer, Integer> aliases = new HashMap<>();

  /** What is added to a result, given what others are. */
  private final Map<Integer, List<Term>> terms = new HashMap<>();

  private int results;

  /** A value outside, of the loop's results by number. */
  @FunctionalInterface
  interface Term {
    Node of(IntFunction<Node> results);
  }

  OpenLoop(Op.Nested op, List<Node> inputs, Set<Integer> read) {
    this.op = op;
    this.read = new HashSet<>(read);
    this.results = op.results();
    Program body = op.programs().getLast();
    int sliced = op.states() + (op instanceof Op.Scan scan ? scan.slices() : 0);
    for (int i = 0; i < inputs.size(); i++) {
      Node inner = body.inputs().get(i);
      if (i < op.states()) {
        states.add(new State(inner, inputs.get(i), body.outputs().get(i), i));
      } else {
        (i < sliced ? slices : constants).add(new Port(inner, inputs.get(i)));
      }
    }
    for (int i = op.states(); i < body.outputs().size(); i++) {
      outputs.add(new Output(body.outputs().get(i), i));
    }
    if (op instanceof Op.While loop) {
      Map<Node, Node> same = new HashMap<>();
      for (int i = 0; i < inputs.size(); i++) {
        same.put(loop.condition().inputs().get(i), body.inputs().get(i));
      }
      test = Copies.of(loop.condition().outputs(), same).get(0);
    }
  }

  boolean isScan() {
    return op instanceof Op.Scan;
  }

  /** How many rounds a scan has. */
  int length() {
    return ((Op.Scan) op).length();
  }

  /** The number of the result with a state at the beginning of each round. */
  int history(State state) {
    return ((Op.Scan) op).history(state.result);
  }

  boolean isHistoryRead(State state) {
    return isScan() && read.contains(history(state));
  }

  /** Everything that a round computes. */
  List<Node> roots() {
    List<Node> roots = new ArrayList<>();
    states.forEach(s -> roots.add(s.next));
    outputs.forEach(o -> roots.add(o.inner));
    if (test != null) {
      roots.add(test);
    }
    return roots;
  }

  /** Replaces nodes inside. */
  void substitute(Map<Node, Node> by) {
    if (by.isEmpty()) {
      return;
    }
    List<Node> roots = Copies.of(roots(), by);
    int k = 0;
    for (int i = 0; i < states.size(); i++) {
      State s = states.get(i);
      states.set(i, new State(s.inner, s.initial, roots.get(k++), s.result));
    }
    for (int i = 0; i < outputs.size(); i++) {
      outputs.set(i, new Output(roots.get(k++), outputs.get(i).result));
    }
    test = test == null ? null : roots.get(k);
  }

  void know(int result, Node value) {
    known.put(result, value);
  }

  /** Makes what is known without the loop depend on a condition. */
  void check(Node flags, String message) {
    known.replaceAll((i, value) -> {
      Op check = new Op.Check(message);
      return new Node(check, List.of(value, flags), value.shape(), value.dtype());
    });
  }

  void alias(int result, int of) {
    aliases.put(result, of);
    read.add(of);
  }

  /** Whether a result needs no output any more. */
  boolean isSettled(int result) {
    return known.containsKey(result) || aliases.containsKey(result);
  }

  /** The number of a result that stacks a value of each round. */
  int output(Node inner) {
    for (Output o : outputs) {
      if (o.inner == inner) {
        read.add(o.result);
        return o.result;
      }
    }
    outputs.add(new Output(inner, results));
    read.add(results);
    return results++;
  }

  void addTerm(int result, Term term) {
    terms.computeIfAbsent(result, k -> new ArrayList<>()).add(term);
  }

  /** The same in every round, as if it had been put out by each. */
  Node repeated(Node value) {
    Axes axes = Axes.range(1, value.shape().rank() + 1);
    return new Node(
        new Op.Broadcast(axes), List.of(value), value.shape().insert(0, length()), value.dtype());
  }

  /**
   * Builds the loop again; the values of its results by their number.
   *
   * @param simple see {@link Simplify#simplify(Program, Map)}
   */
  IntFunction<Node> close(Map<Program, Program> simple) {
    Map<Integer, Node> made = new HashMap<>();
    if (!states.isEmpty() || !outputs.isEmpty()) {
      emit(made, simple);
    }
    return new IntFunction<>() {
      @Override
      public Node apply(int result) {
        Integer other = aliases.get(result);
        if (other != null) {
          return apply(other);
        }
        Node value = known.containsKey(result) ? known.get(result) : made.get(result);
        Node sum = Objects.requireNonNull(value, () -> "result " + result + " is gone");
        for (Term term : terms.getOrDefault(result, List.of())) {
          Node t = term.of(this);
          sum = new Node(new Op.Binary(BinaryKind.ADD), List.of(sum, t), t.shape(), t.dtype());
        }
        terms.remove(result);
        known.put(result, sum);
        return sum;
      }
    };
  }

  private void emit(Map<Integer, Node> made, Map<Program, Program> simple) {
    List<Node> inner = new ArrayList<>();
    List<Node> outer = new ArrayList<>();
    states.forEach(s -> inner.add(s.inner));
    states.forEach(s -> outer.add(s.initial));
    for (List<Port> ports : List.of(slices, constants)) {
      ports.forEach(p -> inner.add(p.inner));
      ports.forEach(p -> outer.add(p.outer));
    }
    List<Node> outs = new ArrayList<>();
    states.forEach(s -> outs.add(s.next));
    outputs.forEach(o -> outs.add(o.inner));
    Program body = simplified(inner, outs, simple);
    Op.Nested closed =
        switch (op) {
          case Op.Scan s ->
              new Op.Scan(body, states.size(), slices.size(), s.length(), s.reverse());
          case Op.While w ->
              new Op.While(simplified(inner, List.of(Objects.requireNonNull(test)), simple), body);
          case Op.Call c -> throw new IllegalStateException("a call is no loop");
          case Op.Solve s -> throw new IllegalStateException("a solution is no loop");
        };
    Node loop = new Node(closed, outer, Op.Nested.SHAPE, Op.Nested.DTYPE);
    for (int i = 0; i < states.size(); i++) {
      made.put(states.get(i).result, result(loop, closed, i));
      if (closed instanceof Op.Scan scan) {
        made.put(history(states.get(i)), result(loop, closed, scan.history(i)));
      }
    }
    for (int i = 0; i < outputs.size(); i++) {
      made.put(outputs.get(i).result, result(loop, closed, states.size() + i));
    }
  }

  private static Program simplified(
      List<Node> inputs, List<Node> outputs, Map<Program, Program> known) {
    return Simplify.simplify(Program.capture(inputs, outputs).withParameters(), known);
  }

  private static Node result(Node loop, Op.Nested op, int index) {
    return new Node(new Op.Result(index), List.of(loop), op.shape(index), op.dtype(index));
  }
}
