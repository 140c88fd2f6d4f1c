package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.diff.Captures;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;

/**
 * Loops that stay loops: their body is traced once, whatever the number of rounds, and runs as part
 * of one plan. They nest in all transforms of {@link Autodiff} and in each other. A loop in Java
 * instead unrolls, which is right for a few rounds.
 *
 * <pre>{@code
 * record Cell(Tensor input, Tensor recurrent, Tensor bias) {}
 * Tensor last(Cell cell, Tensor start, Tensor sequence) {                   // [time, batch, in]
 *   return scan((Tensor h, Tensor x) -> x.matmul(cell.input()).add(h.matmul(cell.recurrent()))
 *       .add(cell.bias()).tanh(), start, sequence);
 * }
 * Cell gradient = grad((Cell c) -> last(c, start, sequence).square().mean()).apply(cell);
 * }</pre>
 *
 * <p>The state keeps its structure, shapes and dtypes from round to round. What a body captures
 * from outside is the same in every round; it is differentiated and mapped like an argument.
 */
public final class ControlFlow {
  private ControlFlow() {}

  /** What a round makes: the state for the next one, and an output of its own. */
  public record Round<S, Y>(S state, Y output) {}

  /** The state after the last round, and the outputs of all rounds, stacked along a first axis. */
  public record Scanned<S, Y>(S state, Y outputs) {}

  /**
   * The state after one round for each slice of a sequence: a fold.
   *
   * @param body from the state and a slice to the next state
   * @param initial the state at first
   * @param sequence tensors [time, …] with the same extent in front; slices lack that axis
   * @throws IllegalArgumentException if the extents differ, the sequence has no tensor, or the body
   *     changes the state's structure, a shape or a dtype
   */
  public static <S, X> S scan(BiFunction<S, X, S> body, S initial, X sequence) {
    return scanOutputs((S s, X x) -> new Round<>(body.apply(s, x), List.of()), initial, sequence)
        .state();
  }

  /**
   * Like {@link #scan}, where each round has an output too.
   *
   * <pre>{@code
   * var sums = scanOutputs((Tensor sum, Tensor x) -> new Round<>(sum.add(x), sum.add(x)), zero, xs);
   * sums.outputs();   // running sums [time, …]
   * }</pre>
   *
   * @return outputs have one more axis, [time, …], in front
   */
  public static <S, X, Y> Scanned<S, Y> scanOutputs(
      BiFunction<S, X, Round<S, Y>> body, S initial, X sequence) {
    return scan(body, initial, sequence, false);
  }

  /** {@link #scanOutputs} from the last slice to the first; output t belongs to slice t. */
  public static <S, X, Y> Scanned<S, Y> scanReverse(
      BiFunction<S, X, Round<S, Y>> body, S initial, X sequence) {
    return scan(body, initial, sequence, true);
  }

  private static <S, X, Y> Scanned<S, Y> scan(
      BiFunction<S, X, Round<S, Y>> body, S initial, X sequence, boolean reverse) {
    Tree<S> state = Tree.of(initial);
    Tree<X> slice = Tree.of(sequence);
    AtomicReference<Tree<Y>> output = new AtomicReference<>();
    List<Tensor> results =
        Transform.run(
            "scan",
            state.leaves(initial),
            () -> {
              List<Node> first = nodes(state.leaves(initial));
              List<Node> whole = nodes(slice.leaves(sequence));
              int length = length(slice, whole);
              List<Binding> states = first.stream().map(n -> inside(n, n.shape())).toList();
              List<Binding> slices =
                  whole.stream().map(n -> inside(n, n.shape().remove(0))).toList();
              Round<S, Y> round = body.apply(rebuilt(state, states), rebuilt(slice, slices));
              output.set(Tree.of(round.output()));
              List<Node> next = next("scan", state, round.state(), first);
              List<Node> outs = nodes(output.get().leaves(round.output()));
              Operands operands = operands(states, slices, next, outs);
              Node scan = Programs.scan(operands, next, outs, length, reverse);
              return Programs.results(scan).subList(0, next.size() + outs.size());
            });
    int n = state.size();
    return new Scanned<>(
        state.rebuild(results.subList(0, n)),
        output.get().rebuild(results.subList(n, results.size())));
  }

  /**
   * The state after a fixed number of rounds.
   *
   * @param count how many, 0 or more
   * @param body from the state and the number of the round, an I32 scalar from 0 on, to the next
   *     state
   * @throws IllegalArgumentException if the count is negative, or the body changes the state's
   *     structure, a shape or a dtype
   */
  public static <S> S forLoop(int count, BiFunction<S, Tensor, S> body, S initial) {
    if (count < 0) {
      throw new IllegalArgumentException("count: " + count + "; expected 0 or more rounds");
    }
    Device device = Transform.device(Tree.leavesOf(initial));
    return scan(body, initial, Hesse.on(device, () -> Tensor.arange(DType.I32, count)));
  }

  /**
   * Repeats a body while a condition holds. Derivatives by forward mode only; reverse mode would
   * need a number of states that nobody knows beforehand, and says so. Mapped over a batch, it goes
   * on until no example's condition holds; an example that has ended keeps its state, and nothing
   * in the body can fail for it.
   *
   * <pre>{@code
   * Tensor root = whileLoop((Tensor x) -> x.mul(x).sub(two).abs().greater(1e-12),
   *     x -> x.add(two.div(x)).mul(0.5), two);
   * }</pre>
   *
   * <p>A loop that does not end can be ended from another thread by {@link Thread#interrupt}. One
   * that changes nothing while its condition holds is an {@link ArithmeticException} when it runs.
   *
   * @param condition from the state to a scalar of BOOL
   * @param body from the state to the next state
   * @throws IllegalArgumentException if the condition is no scalar of BOOL, or the body changes the
   *     state's structure, a shape or a dtype
   */
  public static <S> S whileLoop(Function<S, Tensor> condition, UnaryOperator<S> body, S initial) {
    Tree<S> state = Tree.of(initial);
    List<Tensor> results =
        Transform.run(
            "whileLoop",
            state.leaves(initial),
            () -> {
              List<Node> first = nodes(state.leaves(initial));
              List<Binding> states = first.stream().map(n -> inside(n, n.shape())).toList();
              S inside = rebuilt(state, states);
              Node test = condition.apply(inside).node();
              if (test.shape().rank() != 0 || test.dtype() != DType.BOOL) {
                throw new IllegalArgumentException(
                    "condition: result is "
                        + Elementwise.type(test)
                        + "; expected a scalar of BOOL (compare, or reduce with all or any)");
              }
              List<Node> next = next("whileLoop", state, body.apply(inside), first);
              List<Node> made = new ArrayList<>(next);
              made.add(test);
              List<Node> inner = states.stream().map(Binding::inner).toList();
              // The body may have no round, and whatever can fail in it must not do so before.
              List<Binding> constants =
                  Captures.older(made, inner).stream().map(Binding::same).toList();
              Operands operands = new Operands(states, List.of(), constants);
              return Programs.results(Programs.whileLoop(operands, test, next));
            });
    return state.rebuild(results);
  }

  private static List<Node> nodes(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::node).toList();
  }

  private static Binding inside(Node outer, Shape shape) {
    Node inner = outer.placeholder(shape);
    return new Binding(inner, outer);
  }

  private static <T> T rebuilt(Tree<T> tree, List<Binding> bindings) {
    return tree.rebuild(bindings.stream().map(b -> Tensor.traced(b.inner())).toList());
  }

  private static Operands operands(
      List<Binding> states, List<Binding> slices, List<Node> next, List<Node> outs) {
    List<Node> inner = new ArrayList<>();
    states.forEach(b -> inner.add(b.inner()));
    slices.forEach(b -> inner.add(b.inner()));
    List<Node> results = new ArrayList<>(next);
    results.addAll(outs);
    List<Binding> constants = Captures.of(results, inner).stream().map(Binding::same).toList();
    return new Operands(states, slices, constants);
  }

  private static int length(Tree<?> tree, List<Node> sequence) {
    if (sequence.isEmpty()) {
      throw new IllegalArgumentException(
          "sequence: " + tree + " has no tensor to slice; use forLoop with a number of rounds");
    }
    for (int i = 0; i < sequence.size(); i++) {
      Node n = sequence.get(i);
      Node first = sequence.get(0);
      if (n.shape().rank() == 0 || n.shape().dim(0) != first.shape().dim(0)) {
        throw new IllegalArgumentException(
            "sequence: leaf '"
                + tree.paths().get(i)
                + "' is "
                + Elementwise.type(n)
                + "; expected a first axis to slice"
                + (i == 0
                    ? ""
                    : ", of extent " + first.shape().dim(0) + " as the leaves before it"));
      }
    }
    return sequence.get(0).shape().dim(0);
  }

  /** The new state's nodes, which must be like the old one's. */
  private static <S> List<Node> next(String loop, Tree<S> state, S next, List<Node> initial) {
    Tree<S> given = Tree.of(next);
    if (!given.equals(state)) {
      throw new IllegalArgumentException(
          loop + ": the body's state has the structure " + given + "; expected " + state);
    }
    List<Tensor> leaves = state.leaves(next);
    for (int i = 0; i < initial.size(); i++) {
      Transform.requireLike(
          loop + ": state from the body", state.paths().get(i), leaves.get(i), initial.get(i));
    }
    return nodes(leaves);
  }
}
