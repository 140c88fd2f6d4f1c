package org.hesse.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.backend.Slot;
import org.hesse.backend.View;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of {@link Op.Barrier}: no step, but an order. Its value has a slot of its own while
 * steps are merged and ordered, so that whoever reads it waits for what it waits for; in the end
 * the slot is that of its first input, and nothing is copied.
 */
final class Barriers {
  static final List<Rule> RULES =
      List.of(
          new Rule("barrier that waits for nothing", Op.Barrier.class, Barriers::ofNothing),
          new Rule("barrier before view", Op.Barrier.class, Barriers::beforeView));

  /** Where the value really is, densely, and the slots that must have been written. */
  private record Gate(View value, Set<Slot> awaited) {}

  private final Map<Slot, Gate> gates = new HashMap<>();

  /** Inputs of the program and constants are there from the beginning. */
  private static boolean isThere(Node n) {
    Node base = n;
    while (IndexMap.isView(base.op())) {
      base = base.input(0);
    }
    return isGiven(base) || Slots.isSource(base);
  }

  private static boolean isGiven(Node n) {
    return n.op() instanceof Op.Parameter || n.op() instanceof Op.Leaf;
  }

  private static @Nullable Node ofNothing(Node n, Rewriter to) {
    Node x = n.input(0);
    List<Node> awaited =
        n.inputs().subList(1, n.inputs().size()).stream()
            .filter(in -> !isThere(in))
            .distinct()
            .toList();
    if (awaited.isEmpty() || Slots.isSource(x) || ConstantRules.uniform(x) != null) {
      return x;
    }
    if (awaited.size() + 1 == n.inputs().size()) {
      return null;
    }
    List<Node> inputs = new ArrayList<>(awaited);
    inputs.add(0, x);
    return to.rebuild(n, List.copyOf(inputs));
  }

  /** What a view shows waits instead, unless that means to keep more than is needed. */
  private static @Nullable Node beforeView(Node n, Rewriter to) {
    Node view = n.input(0);
    if (!IndexMap.isView(view.op())) {
      return null;
    }
    Node x = view.input(0);
    if (x.shape().size() > n.shape().size() && !isGiven(x)) {
      return null;
    }
    List<Node> inputs = Rewriter.replaced(n.inputs(), 0, x);
    return to.rebuild(view, List.of(to.make(n.op(), inputs, x.shape(), x.dtype())));
  }

  /** Records a barrier, which is given a slot. */
  void add(Node barrier, Slot slot, View value, Slots slots) {
    gates.put(slot, new Gate(value, awaited(barrier, slots)));
  }

  /** The memory that the other inputs are in, or are computed from by those who read them. */
  private static Set<Slot> awaited(Node barrier, Slots slots) {
    Set<Slot> found = new HashSet<>();
    ArrayDeque<Node> open = new ArrayDeque<>();
    Set<Node> seen = new HashSet<>();
    barrier.inputs().stream().skip(1).filter(seen::add).forEach(open::add);
    while (!open.isEmpty()) {
      Node n = open.remove();
      Slot slot = slots.find(n);
      if (slot != null) {
        found.add(slot);
      } else {
        n.inputs().stream().filter(seen::add).forEach(open::add);
      }
    }
    return found;
  }

  /** Whether a slot only stands for memory elsewhere. */
  boolean isGate(Slot slot) {
    return gates.containsKey(slot);
  }

  /** The memory that a slot's value is in. */
  View resolved(View view) {
    View v = view;
    for (Gate g = gates.get(v.slot()); g != null; g = gates.get(v.slot())) {
      v = new View(g.value.slot(), g.value.offset() + v.offset(), v.strides());
    }
    return v;
  }

  /** Slots that must have been written before a slot can be read: itself, or what it waits for. */
  Set<Slot> needs(Slot slot) {
    if (!isGate(slot)) {
      return Set.of(slot);
    }
    Set<Slot> all = new HashSet<>();
    ArrayDeque<Slot> open = new ArrayDeque<>(List.of(slot));
    while (!open.isEmpty()) {
      Slot s = open.remove();
      Gate gate = gates.get(s);
      if (gate == null) {
        all.add(s);
      } else {
        open.add(gate.value.slot());
        open.addAll(gate.awaited);
      }
    }
    return all;
  }
}
