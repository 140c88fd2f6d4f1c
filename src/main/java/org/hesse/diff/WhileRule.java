package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Loops of unknown length: forward mode carries the tangents along with the state. Reverse mode
 * would need all states in memory that nobody has counted beforehand.
 */
final class WhileRule implements NestedRule<Op.While> {

  @Override
  public @Nullable Node[] jvp(Op.While op, Node y, @Nullable Node[] tangents) {
    List<Node> parameters = op.body().inputs();
    int count = op.results();
    Map<Node, Node> seeds = new HashMap<>();
    for (int i = 0; i < tangents.length; i++) {
      if (tangents[i] != null) {
        seeds.put(parameters.get(i), parameters.get(i).placeholder());
      }
    }
    List<@Nullable Node> pushed = Jvp.push(op.body().outputs(), seeds);
    while (addStates(op, pushed, seeds)) {
      pushed = Jvp.push(op.body().outputs(), seeds);
    }
    List<Binding> states = new ArrayList<>();
    List<Node> next = new ArrayList<>(op.body().outputs());
    List<Binding> constants = new ArrayList<>();
    List<Binding> moving = new ArrayList<>();
    for (int i = 0; i < tangents.length; i++) {
      Node p = parameters.get(i);
      Node t = tangents[i];
      (i < count ? states : constants).add(new Binding(p, y.input(i)));
      Node seed = seeds.get(p);
      if (seed != null) {
        Binding tangent = new Binding(seed, t == null ? Sources.fullLike(0, y.input(i)) : t);
        (i < count ? moving : constants).add(tangent);
        if (i < count) {
          Node dx = pushed.get(i);
          next.add(dx == null ? Sources.fullLike(0, p) : dx);
        }
      }
    }
    states.addAll(moving);
    if (moving.isEmpty()) {
      return new @Nullable Node[count];
    }
    constants.addAll(Bodies.captured(next, Bodies.concat(parameters, seeds.values())));
    Operands operands = new Operands(states, List.of(), constants);
    Node loop = Programs.whileLoop(operands, condition(op), next);
    @Nullable Node[] results = new @Nullable Node[count];
    int place = count;
    for (int i = 0; i < count; i++) {
      results[i] = seeds.containsKey(parameters.get(i)) ? Programs.result(loop, place++) : null;
    }
    return results;
  }

  private static boolean addStates(
      Op.While op, List<@Nullable Node> pushed, Map<Node, Node> seeds) {
    boolean more = false;
    for (int i = 0; i < op.results(); i++) {
      Node p = op.body().inputs().get(i);
      if (pushed.get(i) != null && !seeds.containsKey(p)) {
        seeds.put(p, p.placeholder());
        more = true;
      }
    }
    return more;
  }

  /** The condition in terms of the body's inputs. */
  private static Node condition(Op.While op) {
    return Programs.inline(op.condition(), op.body().inputs()).get(0);
  }

  @Override
  public @Nullable Node[] transpose(
      Op.While op, Node y, @Nullable Node[] cotangents, boolean[] linear) {
    throw new UnsupportedOperationException(
        "whileLoop has no derivative by reverse mode, which would have to keep a number of states"
            + " that is not known beforehand; use forward mode (jvp, jacfwd), a scan with a fixed"
            + " number of steps, or rootDerivative where the loop solves an equation");
  }

  @Override
  public List<Node> batch(Op.While op, Node y, List<Node> inputs, boolean[] batched, int size) {
    List<Node> parameters = op.body().inputs();
    Map<Node, Node> map = new HashMap<>();
    for (int i = 0; i < batched.length; i++) {
      if (batched[i]) {
        map.put(parameters.get(i), ScanRule.batchOf(parameters.get(i), size));
      }
    }
    Node one = condition(op);
    @Nullable Node test = null;
    List<@Nullable Node> pushed = List.of();
    boolean more = true;
    while (more) {
      test = Batching.push(List.of(one), map, size).get(0);
      pushed = Batching.push(op.body().outputs(), map, size);
      more = false;
      for (int i = 0; i < op.results(); i++) {
        // Where examples end at different times, each state has a batch of its own.
        if ((test != null || pushed.get(i) != null) && !map.containsKey(parameters.get(i))) {
          map.put(parameters.get(i), ScanRule.batchOf(parameters.get(i), size));
          more = true;
        }
      }
    }
    if (test != null && op.body().isPartial() && size > 0) {
      pushed = Batching.push(op.body().outputs(), open(map, test), size);
    }
    return emit(op, inputs, map, test == null ? one : test, pushed, size);
  }

  private static List<Node> emit(
      Op.While op,
      List<Node> inputs,
      Map<Node, Node> map,
      Node test,
      List<@Nullable Node> pushed,
      int size) {
    List<Node> parameters = op.body().inputs();
    List<Binding> bindings = new ArrayList<>();
    List<Node> next = new ArrayList<>();
    boolean each = test.shape().rank() == 1;
    for (int i = 0; i < inputs.size(); i++) {
      Node p = parameters.get(i);
      Node inner = map.getOrDefault(p, p);
      Node outer = inputs.get(i);
      boolean spread = inner != p && outer.shape().equals(p.shape());
      bindings.add(new Binding(inner, spread ? Shapes.repeat(outer, size) : outer));
      if (i < op.results()) {
        Node out = pushed.get(i);
        Node single = op.body().outputs().get(i);
        Node all = out != null ? out : inner != p ? Shapes.repeat(single, size) : single;
        next.add(each ? where(test, all, inner) : all);
      }
    }
    Operands operands =
        new Operands(
            bindings.subList(0, op.results()),
            List.of(),
            bindings.subList(op.results(), bindings.size()));
    Node loop = Programs.whileLoop(operands, each ? any(test) : test, next);
    List<Node> results = new ArrayList<>();
    for (int i = 0; i < op.results(); i++) {
      Node r = Programs.result(loop, i);
      results.add(map.containsKey(parameters.get(i)) ? r : Shapes.repeat(r, size));
    }
    return results;
  }

  /**
   * The batches with those examples that have ended replaced by one that goes on. The body is not
   * for them: it may fail, or loop for ever.
   */
  private static Map<Node, Node> open(Map<Node, Node> batches, Node goesOn) {
    Node flags = Elementwise.cast(goesOn, DType.I32);
    Node first = Shapes.broadcast(Reductions.argMax(flags, 0), goesOn.shape(), Axes.of());
    Node rows = Elementwise.select(goesOn, Sources.iota(goesOn.shape(), 0), first);
    Map<Node, Node> replaced = new HashMap<>();
    batches.forEach((one, all) -> replaced.put(one, Indexing.gather(all, rows, 0, 0)));
    return replaced;
  }

  /** The new state of those examples that go on, the old one of the others. */
  private static Node where(Node goesOn, Node next, Node old) {
    return Elementwise.select(Shapes.broadcast(goesOn, next.shape(), Axes.of(0)), next, old);
  }

  private static Node any(Node flags) {
    Node numbers = Elementwise.cast(flags, DType.I32);
    return Elementwise.cast(Reductions.max(numbers, Axes.of(0)), DType.BOOL);
  }
}
