package org.hesse.plan;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * Which nodes of a program have memory, and where. Until {@link Memory} lays the arena out, each
 * temporary is a slot of its own: in the arena at offset 0, told apart by its index from 1 on.
 */
final class Slots {
  private final Map<Node, Slot> slots = new HashMap<>();
  private final Set<Node> inputs;
  private final Set<Node> roots;
  private int temporaries;

  Slots(Program program, Set<Node> roots, Map<Node, Integer> homes) {
    this.inputs = new HashSet<>(program.inputs());
    this.roots = roots;
    for (int i = 0; i < program.inputs().size(); i++) {
      Node n = program.inputs().get(i);
      slots.putIfAbsent(n, slot(Slot.Space.INPUT, i, n));
    }
    homes.forEach((n, i) -> slots.put(n, slot(Slot.Space.OUTPUT, i, n)));
  }

  static Slot slot(Slot.Space space, int index, Node n) {
    return new Slot(space, index, n.dtype(), 0, n.shape().size());
  }

  /**
   * The node in whose memory each output's elements are computed, with the output's number. That
   * may be what the output is a mere reshape of. Inputs, and what has another output's memory
   * already, are not among them: these outputs are copied. Nor are barriers, which have none.
   */
  static Map<Node, Integer> homes(Program program) {
    Set<Node> inputs = new HashSet<>(program.inputs());
    Set<Node> outputs = new HashSet<>(program.outputs());
    Map<Node, Integer> homes = new HashMap<>();
    List<Node> outs = program.outputs();
    for (int i = 0; i < outs.size(); i++) {
      Node home = outs.get(i);
      while (home.op() instanceof Op.Reshape
          && !inputs.contains(home)
          && !outputs.contains(home.input(0))) {
        home = home.input(0);
      }
      boolean computed = !inputs.contains(home) && !IndexMap.isView(home.op()) && !isSource(home);
      Node owner = computed ? home : outs.get(i);
      if (!inputs.contains(owner) && !(owner.op() instanceof Op.Barrier)) {
        homes.putIfAbsent(owner, i);
      }
    }
    return homes;
  }

  static boolean isSource(Node n) {
    return n.op() instanceof Op.Constant || n.op() instanceof Op.Iota;
  }

  boolean isInput(Node n) {
    return inputs.contains(n);
  }

  /** Where a node's elements lie, densely in row-major order; null if it has no memory. */
  @Nullable Slot find(Node n) {
    Slot slot = slots.get(n);
    return slot == null && roots.contains(n) ? demand(n) : slot;
  }

  /** Whether anything computed so far needs the node's memory. */
  boolean isWanted(Node n) {
    return slots.containsKey(n) && !inputs.contains(n);
  }

  /** Gives a node memory. Its step must still be to come, that is, to be put before this one. */
  Slot demand(Node n) {
    return slots.computeIfAbsent(n, k -> temporary(n.dtype(), n.shape().size()));
  }

  /** Memory that is no node's. */
  Slot temporary(DType dtype, long size) {
    return new Slot(Slot.Space.ARENA, ++temporaries, dtype, 0, size);
  }
}
