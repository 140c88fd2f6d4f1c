package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Derivatives of a recurrence, which are recurrences again.
 *
 * <p>The tangent of a scan is a scan of the linearised body, whose state is the tangent of the
 * state. It reads the states that the steps began with, a result of the scan itself, and computes
 * from them again what else it needs: memory grows with the state, not with the body. The transpose
 * of a linear scan runs from the other end; its state is the cotangent of the state, and what has
 * come together so far for each constant.
 */
final class ScanRule implements NestedRule<Op.Scan> {

  /** The inputs of a scan, group by group, by position. */
  private record Groups(List<Integer> states, List<Integer> slices, List<Integer> constants) {
    static Groups of(Op.Scan op, int inputs) {
      List<Integer> all = new ArrayList<>();
      for (int i = 0; i < inputs; i++) {
        all.add(i);
      }
      int sliced = op.states() + op.slices();
      return new Groups(
          all.subList(0, op.states()),
          all.subList(op.states(), sliced),
          all.subList(sliced, inputs));
    }
  }

  @Override
  public @Nullable Node[] jvp(Op.Scan op, Node y, @Nullable Node[] tangents) {
    Groups groups = Groups.of(op, tangents.length);
    List<Node> parameters = op.body().inputs();
    Map<Node, Node> seeds = new HashMap<>();
    for (int i = 0; i < tangents.length; i++) {
      if (tangents[i] != null) {
        seeds.put(parameters.get(i), parameters.get(i).placeholder());
      }
    }
    // A state has a tangent if it ever gets one from another that has.
    List<@Nullable Node> pushed = Jvp.push(op.body().outputs(), seeds);
    while (addStates(op, pushed, seeds)) {
      pushed = Jvp.push(op.body().outputs(), seeds);
    }
    List<Binding> states = new ArrayList<>();
    List<Binding> slices = new ArrayList<>();
    List<Binding> constants = new ArrayList<>();
    List<Node> next = new ArrayList<>();
    for (int i : groups.states) {
      Node p = parameters.get(i);
      slices.add(new Binding(p, Programs.result(y, op.history(i))));
      Node seed = seeds.get(p);
      if (seed != null) {
        Node t = tangents[i];
        states.add(new Binding(seed, t == null ? Sources.fullLike(0, y.input(i)) : t));
        Node dx = pushed.get(i);
        next.add(dx == null ? Sources.fullLike(0, p) : dx);
      }
    }
    addWithTangents(groups.slices, y, parameters, tangents, seeds, slices);
    addWithTangents(groups.constants, y, parameters, tangents, seeds, constants);
    List<Node> outs = new ArrayList<>();
    for (Node dy : pushed.subList(op.states(), pushed.size())) {
      if (dy != null) {
        outs.add(dy);
      }
    }
    constants.addAll(
        Bodies.captured(Bodies.concat(next, outs), Bodies.concat(parameters, seeds.values())));
    Node scan =
        Programs.scan(
            new Operands(states, slices, constants), next, outs, op.length(), op.reverse());
    return tangentsOfResults(op, scan, parameters, seeds, pushed);
  }

  private static boolean addStates(Op.Scan op, List<@Nullable Node> pushed, Map<Node, Node> seeds) {
    boolean more = false;
    for (int i = 0; i < op.states(); i++) {
      Node p = op.body().inputs().get(i);
      if (pushed.get(i) != null && !seeds.containsKey(p)) {
        seeds.put(p, p.placeholder());
        more = true;
      }
    }
    return more;
  }

  private static void addWithTangents(
      List<Integer> group,
      Node y,
      List<Node> parameters,
      @Nullable Node[] tangents,
      Map<Node, Node> seeds,
      List<Binding> to) {
    for (int i : group) {
      Node p = parameters.get(i);
      to.add(new Binding(p, y.input(i)));
      Node t = tangents[i];
      Node seed = seeds.get(p);
      if (t != null && seed != null) {
        to.add(new Binding(seed, t));
      }
    }
  }

  private static @Nullable Node[] tangentsOfResults(
      Op.Scan op,
      Node scan,
      List<Node> parameters,
      Map<Node, Node> seeds,
      List<@Nullable Node> pushed) {
    Op.Scan tangent = (Op.Scan) scan.op();
    @Nullable Node[] results = new @Nullable Node[op.results()];
    int state = 0;
    for (int i = 0; i < op.states(); i++) {
      if (seeds.containsKey(parameters.get(i))) {
        results[i] = Programs.result(scan, state);
        results[op.history(i)] = Programs.result(scan, tangent.history(state));
        state++;
      }
    }
    int next = state;
    for (int i = op.states(); i < pushed.size(); i++) {
      if (pushed.get(i) != null) {
        results[i] = Programs.result(scan, next++);
      }
    }
    return results;
  }

  @Override
  public @Nullable Node[] transpose(
      Op.Scan op, Node y, @Nullable Node[] cotangents, boolean[] linear) {
    return new Transposition(op, y, cotangents, linear).results();
  }

  /** The transposition of one scan. */
  private static final class Transposition {
    private final Op.Scan op;
    private final Node y;
    private final @Nullable Node[] cotangents;
    private final boolean[] linear;
    private final Groups groups;
    private final List<Node> parameters;
    private final List<Binding> states = new ArrayList<>();
    private final List<Binding> slices = new ArrayList<>();
    private final List<Binding> constants = new ArrayList<>();

    /**
     * What stands for the cotangents of states, by number. A state that nothing depends on has
     * none: 0 · ∞ of one that has overflown would be NaN.
     */
    private final Map<Integer, Node> seeds = new TreeMap<>();

    Transposition(Op.Scan op, Node y, @Nullable Node[] cotangents, boolean[] linear) {
      this.op = op;
      this.y = y;
      this.cotangents = cotangents;
      this.groups = Groups.of(op, linear.length);
      this.parameters = op.body().inputs();
      this.linear = withStates(linear);
    }

    /** A state is linear if it starts so or ever gets something linear. */
    private boolean[] withStates(boolean[] given) {
      boolean[] all = given.clone();
      boolean more = true;
      while (more) {
        more = false;
        Set<Node> dependent =
            new HashSet<>(Walk.dependents(op.body().outputs(), chosen(parameters, all)));
        for (int i : groups.states) {
          if (!all[i] && dependent.contains(op.body().outputs().get(i))) {
            all[i] = true;
            more = true;
          }
        }
      }
      return all;
    }

    private static List<Node> chosen(List<Node> nodes, boolean[] which) {
      List<Node> chosen = new ArrayList<>();
      for (int i = 0; i < nodes.size(); i++) {
        if (which[i]) {
          chosen.add(nodes.get(i));
        }
      }
      return chosen;
    }

    @Nullable Node[] results() {
      for (int i : groups.states) {
        if (linear[i] && (cotangents[i] != null || cotangents[op.history(i)] != null)) {
          addSeed(i);
        }
      }
      List<@Nullable Node> outs = new ArrayList<>();
      List<@Nullable Node> cts = new ArrayList<>();
      addOutputs(outs, cts);
      Map<Node, @Nullable Node> back = pulled(outs, cts);
      while (addSeeds(back)) {
        back = pulled(outs, cts);
      }
      addNonlinear();
      return emit(back);
    }

    private void addSeed(int state) {
      seeds.put(state, parameters.get(state).placeholder());
    }

    /** A state has a cotangent if it ever gets one from another that has. */
    private boolean addSeeds(Map<Node, @Nullable Node> back) {
      boolean more = false;
      for (int i : groups.states) {
        if (back.get(parameters.get(i)) != null && !seeds.containsKey(i)) {
          addSeed(i);
          more = true;
        }
      }
      return more;
    }

    /** The cotangents of what is linear at the beginning of a round, given those at its end. */
    private Map<Node, @Nullable Node> pulled(
        List<@Nullable Node> outputs, List<@Nullable Node> cotangentsOfOutputs) {
      List<@Nullable Node> outs = new ArrayList<>(outputs);
      List<@Nullable Node> cts = new ArrayList<>(cotangentsOfOutputs);
      seeds.forEach((i, seed) -> {
        outs.add(op.body().outputs().get(i));
        cts.add(seed);
      });
      List<Node> wanted = chosen(parameters, linear);
      List<@Nullable Node> pulled = Transpose.pull(outs, cts, wanted);
      Map<Node, @Nullable Node> back = new HashMap<>();
      for (int i = 0; i < wanted.size(); i++) {
        back.put(wanted.get(i), pulled.get(i));
      }
      return back;
    }

    private void addOutputs(List<@Nullable Node> outs, List<@Nullable Node> cts) {
      for (int i = op.states(); i < op.body().outputs().size(); i++) {
        Node all = cotangents[i];
        if (all != null) {
          Node out = op.body().outputs().get(i);
          Node ct = out.placeholder();
          slices.add(new Binding(ct, all));
          outs.add(out);
          cts.add(ct);
        }
      }
    }

    /** What is not linear: states by their history, slices and constants as they are. */
    private void addNonlinear() {
      List<Binding> rest = new ArrayList<>();
      for (int i : groups.states) {
        if (!linear[i]) {
          rest.add(new Binding(parameters.get(i), y.input(i)));
        }
      }
      List<Binding> sliced = nonlinear(groups.slices);
      List<Binding> fixed = nonlinear(groups.constants);
      if (!rest.isEmpty()) {
        // Their own recurrence, without the linear ones, of which they do not know.
        List<Node> next = new ArrayList<>();
        for (int i : groups.states) {
          if (!linear[i]) {
            next.add(op.body().outputs().get(i));
          }
        }
        Node own =
            Programs.scan(
                new Operands(rest, sliced, fixed), next, List.of(), op.length(), op.reverse());
        for (int k = 0; k < rest.size(); k++) {
          Node history = Programs.result(own, ((Op.Scan) own.op()).history(k));
          slices.add(new Binding(rest.get(k).inner(), history));
        }
      }
      slices.addAll(sliced);
      constants.addAll(fixed);
    }

    private List<Binding> nonlinear(List<Integer> group) {
      List<Binding> bindings = new ArrayList<>();
      for (int i : group) {
        if (!linear[i]) {
          bindings.add(new Binding(parameters.get(i), y.input(i)));
        }
      }
      return bindings;
    }

    private @Nullable Node[] emit(Map<Node, @Nullable Node> back) {
      List<Node> next = new ArrayList<>();
      List<Node> outs = new ArrayList<>();
      @Nullable Node[] results = new @Nullable Node[linear.length];
      int[] place = new int[linear.length];
      for (int i : groups.states) {
        Node seed = seeds.get(i);
        if (seed != null) {
          Node b = back.get(parameters.get(i));
          Node ct = cotangents[i];
          states.add(new Binding(seed, ct == null ? Sources.fullLike(0, seed) : ct));
          Node total = cotangents[op.history(i)];
          if (total != null) {
            Node h = parameters.get(i).placeholder();
            slices.add(new Binding(h, total));
            b = b == null ? h : Elementwise.add(b, h);
          }
          place[i] = next.size();
          next.add(b == null ? Sources.fullLike(0, parameters.get(i)) : b);
        }
      }
      for (int i : groups.constants) {
        Node b = back.get(parameters.get(i));
        if (linear[i] && b != null) {
          Node sum = parameters.get(i).placeholder();
          states.add(new Binding(sum, Sources.fullLike(0, parameters.get(i))));
          place[i] = next.size();
          next.add(Elementwise.add(sum, b));
        }
      }
      for (int i : groups.slices) {
        Node b = back.get(parameters.get(i));
        if (linear[i] && b != null) {
          place[i] = next.size() + outs.size();
          outs.add(b);
        }
      }
      if (next.isEmpty() && outs.isEmpty()) {
        return results;
      }
      Node scan =
          Programs.scan(
              new Operands(states, slices, constants), next, outs, op.length(), !op.reverse());
      for (int i = 0; i < results.length; i++) {
        boolean there =
            seeds.containsKey(i) || i >= op.states() && back.get(parameters.get(i)) != null;
        results[i] = linear[i] && there ? Programs.result(scan, place[i]) : null;
      }
      return results;
    }
  }

  @Override
  public List<Node> batch(Op.Scan op, Node y, List<Node> inputs, boolean[] batched, int size) {
    Groups groups = Groups.of(op, batched.length);
    List<Node> parameters = op.body().inputs();
    Map<Node, Node> map = new HashMap<>();
    List<Node> whole = new ArrayList<>(inputs);
    for (int i = 0; i < batched.length; i++) {
      if (batched[i]) {
        map.put(parameters.get(i), batchOf(parameters.get(i), size));
        if (groups.slices.contains(i)) {
          whole.set(i, Shapes.moveAxis(inputs.get(i), 0, 1));
        }
      }
    }
    List<@Nullable Node> pushed = Batching.push(op.body().outputs(), map, size);
    while (addBatchedStates(op, pushed, map, whole, size)) {
      pushed = Batching.push(op.body().outputs(), map, size);
    }
    List<Node> outs = new ArrayList<>();
    for (int i = 0; i < pushed.size(); i++) {
      Node b = pushed.get(i);
      Node one = op.body().outputs().get(i);
      boolean repeat = i < op.states() && map.containsKey(parameters.get(i));
      outs.add(b != null ? b : repeat ? Shapes.repeat(one, size) : one);
    }
    Node scan =
        Programs.scan(
            new Operands(
                bindings(groups.states, parameters, map, whole),
                bindings(groups.slices, parameters, map, whole),
                bindings(groups.constants, parameters, map, whole)),
            outs.subList(0, op.states()),
            outs.subList(op.states(), outs.size()),
            op.length(),
            op.reverse());
    return batchedResults(op, scan, size);
  }

  private static boolean addBatchedStates(
      Op.Scan op, List<@Nullable Node> pushed, Map<Node, Node> map, List<Node> whole, int size) {
    boolean more = false;
    for (int i = 0; i < op.states(); i++) {
      Node p = op.body().inputs().get(i);
      if (pushed.get(i) != null && !map.containsKey(p)) {
        map.put(p, batchOf(p, size));
        whole.set(i, Shapes.repeat(whole.get(i), size));
        more = true;
      }
    }
    return more;
  }

  /** Stands for a batch of a value inside a program. */
  static Node batchOf(Node p, int size) {
    return p.placeholder(p.shape().insert(0, size));
  }

  private static List<Binding> bindings(
      List<Integer> group, List<Node> parameters, Map<Node, Node> map, List<Node> whole) {
    List<Binding> bindings = new ArrayList<>();
    for (int i : group) {
      Node p = parameters.get(i);
      bindings.add(new Binding(map.getOrDefault(p, p), whole.get(i)));
    }
    return bindings;
  }

  /** With the batch axis in front, and on those too that are the same for the whole batch. */
  private static List<Node> batchedResults(Op.Scan op, Node scan, int size) {
    List<Node> results = new ArrayList<>();
    for (int i = 0; i < op.results(); i++) {
      Node r = Programs.result(scan, i);
      if (r.shape().equals(op.shape(i))) {
        results.add(Shapes.repeat(r, size));
      } else {
        results.add(i < op.states() ? r : Shapes.moveAxis(r, 1, 0));
      }
    }
    return results;
  }
}
