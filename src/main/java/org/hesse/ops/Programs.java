package org.hesse.ops;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.KrylovMethod;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/** Emits primitives that run programs. Their derivatives and batching are in {@code diff}. */
public final class Programs {
  private Programs() {}

  /** A value as a program sees it, and the same value where the program is called. */
  public record Binding(Node inner, Node outer) {
    /** A value that keeps its identity inside: a constant of a loop. */
    public static Binding same(Node n) {
      return new Binding(n, n);
    }
  }

  /** What a loop reads: its state, what it slices, and what stays the same. */
  public record Operands(List<Binding> states, List<Binding> slices, List<Binding> constants) {}

  /**
   * A scan, see {@link Op.Scan}. Slices and constants that the body does not read are left out;
   * leaves that it reads become constants.
   *
   * @param operands what the body reads: the states at the beginning of a step first
   * @param newStates inside, the state at its end
   * @param outputs inside, what else it puts out
   * @return the nested node; see {@link #result} and {@link Op.Scan#history}
   */
  public static Node scan(
      Operands operands, List<Node> newStates, List<Node> outputs, int length, boolean reverse) {
    List<Node> results = concat(newStates, outputs);
    Set<Node> read = read(results);
    List<Binding> slices = operands.slices.stream().filter(b -> read.contains(b.inner)).toList();
    List<Binding> constants =
        operands.constants.stream().filter(b -> read.contains(b.inner)).toList();
    Captured body = capture(concat(operands.states, concat(slices, constants)), results);
    Op.Scan op = new Op.Scan(body.program, operands.states.size(), slices.size(), length, reverse);
    return emit(op, body.inputs);
  }

  /**
   * A loop, see {@link Op.While}. Leaves that it reads become constants.
   *
   * @param operands has no slices
   * @param condition inside, a scalar of BOOL
   * @param newStates inside, the state after a round
   */
  public static Node whileLoop(Operands operands, Node condition, List<Node> newStates) {
    Set<Node> read = read(concat(newStates, List.of(condition)));
    List<Binding> constants =
        operands.constants.stream().filter(b -> read.contains(b.inner)).toList();
    // Both programs get the leaves of both.
    Captured both =
        capture(concat(operands.states, constants), concat(newStates, List.of(condition)));
    List<Node> inner = both.program.inputs();
    List<Node> outs = both.program.outputs();
    Program body = Program.capture(inner, outs.subList(0, newStates.size())).withParameters();
    Program test = Program.capture(inner, outs.subList(newStates.size(), outs.size()));
    return emit(new Op.While(test.withParameters(), body), both.inputs);
  }

  /**
   * A call, see {@link Op.Call}. Inputs that the body does not read are left out.
   *
   * @param late inputs that are not read before the others are known
   */
  public static Node call(List<Binding> late, List<Binding> inputs, List<Node> results) {
    Set<Node> read = read(results);
    List<Binding> first = late.stream().filter(b -> read.contains(b.inner)).toList();
    List<Binding> rest = inputs.stream().filter(b -> read.contains(b.inner)).toList();
    Captured body = capture(concat(first, rest), results);
    return emit(new Op.Call(body.program, first.size()), body.inputs);
  }

  /**
   * A solution, see {@link Op.Solve}. Leaves that the product reads become constants.
   *
   * @param v inside, the vector that is multiplied
   * @param product inside, A v
   * @param solve from the product as a program and the constants outside to x
   */
  public static Node solve(
      KrylovMethod method, Node v, Node product, List<Binding> constants, Node b, Solver solve) {
    Set<Node> read = read(List.of(product));
    List<Binding> all = new ArrayList<>(List.of(new Binding(v, b)));
    constants.stream().filter(c -> read.contains(c.inner)).forEach(all::add);
    Captured captured = capture(all, List.of(product));
    List<Node> fixed = captured.inputs.subList(1, captured.inputs.size());
    List<Node> inputs = new ArrayList<>(List.of(b));
    inputs.add(solve.solve(captured.program, b, fixed));
    inputs.addAll(fixed);
    return result(emit(new Op.Solve(captured.program, method), inputs), 0);
  }

  /** Computes the solution of a linear system. */
  @FunctionalInterface
  public interface Solver {
    /**
     * The solution's node.
     *
     * @param product maps (v, constants) to A v
     */
    Node solve(Program product, Node b, List<Node> constants);
  }

  private record Captured(Program program, List<Node> inputs) {}

  private static Captured capture(List<Binding> bindings, List<Node> outputs) {
    Program program = Program.capture(bindings.stream().map(Binding::inner).toList(), outputs);
    List<Node> inputs = new ArrayList<>(bindings.stream().map(Binding::outer).toList());
    inputs.addAll(program.inputs().subList(bindings.size(), program.inputs().size()));
    return new Captured(program.withParameters(), inputs);
  }

  private static Set<Node> read(List<Node> outputs) {
    return new HashSet<>(Program.reachable(outputs, Set.of()));
  }

  private static <T> List<T> concat(List<T> a, List<T> b) {
    List<T> all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  /** One of the results of a nested primitive. */
  public static Node result(Node nested, int index) {
    if (!(nested.op() instanceof Op.Nested op)) {
      throw new IllegalStateException(nested + " has one result, which is itself");
    }
    return new Node(new Op.Result(index), List.of(nested), op.shape(index), op.dtype(index));
  }

  /** All results of a nested primitive. */
  public static List<Node> results(Node nested) {
    List<Node> all = new ArrayList<>();
    for (int i = 0; i < ((Op.Nested) nested.op()).results(); i++) {
      all.add(result(nested, i));
    }
    return all;
  }

  /** A composite over inputs of the types that its body has. */
  public static Node composite(Op.Composite op, List<Node> inputs) {
    requireTypes(op, "input", op.body().inputs(), inputs);
    Node out = op.body().outputs().get(0);
    return new Node(op, inputs, out.shape(), out.dtype());
  }

  /** The nodes of a program over other inputs. */
  public static List<Node> inline(Program program, List<Node> inputs) {
    Map<Node, Node> copies = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      copies.put(program.inputs().get(i), inputs.get(i));
    }
    for (Node n : program.nodes()) {
      if (!copies.containsKey(n)) {
        List<Node> in = n.inputs().stream().map(x -> copies.getOrDefault(x, x)).toList();
        copies.put(n, Rules.emit(n, in));
      }
    }
    return program.outputs().stream().map(n -> copies.getOrDefault(n, n)).toList();
  }

  private static Node emit(Op.Nested op, List<Node> inputs) {
    switch (op) {
      case Op.Scan scan -> checkScan(scan, inputs);
      case Op.While loop -> checkWhile(loop, inputs);
      case Op.Solve solve -> checkSolve(solve, inputs);
      case Op.Call(Program body, int late) -> requireTypes(op, "input", body.inputs(), inputs);
    }
    return new Node(op, inputs, Op.Nested.SHAPE, Op.Nested.DTYPE);
  }

  private static void checkScan(Op.Scan op, List<Node> in) {
    requireTypes(op, "new state", op.body().inputs().subList(0, op.states()), outputs(op));
    List<Node> expected = new ArrayList<>();
    for (int i = 0; i < op.body().inputs().size(); i++) {
      Node p = op.body().inputs().get(i);
      boolean sliced = i >= op.states() && i < op.states() + op.slices();
      Shape shape = sliced ? p.shape().insert(0, op.length()) : p.shape();
      expected.add(new Node(p.op(), List.of(), shape, p.dtype()));
    }
    requireTypes(op, "input", expected, in);
  }

  private static List<Node> outputs(Op.Scan op) {
    return op.body().outputs().subList(0, op.states());
  }

  private static void checkSolve(Op.Solve op, List<Node> in) {
    List<Node> parameters = op.product().inputs();
    List<Node> expected = new ArrayList<>(List.of(parameters.get(0)));
    expected.addAll(parameters);
    requireTypes(op, "input", expected, in);
    requireTypes(op, "product", parameters.subList(0, 1), op.product().outputs());
  }

  private static void checkWhile(Op.While op, List<Node> in) {
    List<Node> parameters = op.body().inputs();
    requireTypes(op, "new state", parameters.subList(0, op.results()), op.body().outputs());
    requireTypes(op, "input", parameters, in);
    Node test = op.condition().outputs().get(0);
    if (test.shape().rank() != 0 || test.dtype() != DType.BOOL) {
      throw new IllegalArgumentException(
          "while: the condition is " + Elementwise.type(test) + "; expected a scalar of BOOL");
    }
  }

  private static void requireTypes(Op op, String what, List<Node> expected, List<Node> given) {
    if (expected.size() != given.size()) {
      throw new IllegalArgumentException(
          op.mnemonic() + ": " + given.size() + " " + what + "s; expected " + expected.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      Node e = expected.get(i);
      Node g = given.get(i);
      if (!e.shape().equals(g.shape()) || e.dtype() != g.dtype()) {
        throw new IllegalArgumentException(
            op.mnemonic()
                + ": "
                + what
                + " "
                + i
                + " is "
                + Elementwise.type(g)
                + "; expected "
                + Elementwise.type(e));
      }
    }
  }

  static final Rule<Op.Nested> NESTED =
      new Walked<>() {
        @Override
        public Node emit(Op.Nested op, List<Node> in, Shape shape, DType dtype) {
          return Programs.emit(op, in);
        }
      };

  static final Rule<Op.Result> RESULT =
      new Walked<>() {
        @Override
        public Node emit(Op.Result op, List<Node> in, Shape shape, DType dtype) {
          return result(in.get(0), op.index());
        }
      };

  static final Rule<Op.Composite> COMPOSITE =
      new Walked<>() {
        @Override
        public Node emit(Op.Composite op, List<Node> in, Shape shape, DType dtype) {
          return composite(op, in);
        }
      };

  /**
   * Transforms treat composites and primitives with several results themselves, see {@code
   * org.hesse.diff}.
   */
  private interface Walked<O extends Op> extends Rule<O> {
    @Override
    default @Nullable Node jvp(O op, Node y, @Nullable Node[] tangents) {
      throw new IllegalStateException(y + " is differentiated by the walk itself");
    }

    @Override
    default Node batch(O op, Node y, List<Node> inputs, boolean[] batched, int size) {
      throw new IllegalStateException(y + " is batched by the walk itself");
    }
  }
}
