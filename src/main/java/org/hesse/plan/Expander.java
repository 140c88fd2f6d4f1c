package org.hesse.plan;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Turns a node into a register program over a domain: what has memory is loaded, constants and
 * indices are generated, elementwise producers are computed in place and views only change the
 * index. Without recursion, since a cluster may be deep.
 */
final class Expander {
  /** So many elementwise nodes are expanded into one program; the others get memory. */
  static final int LIMIT = 96;

  /** A domain gets no more axes than this by splitting. */
  private static final int MAX_AXES = 12;

  /** The outcome: a program and the number of its value of interest. */
  record Expansion(Domain domain, Code code, int value) {}

  private record Key(Node node, IndexMap map) {}

  private final Slots slots;
  private final Domain domain;
  private final Node top;
  private final boolean computeTop;
  private final Code code = new Code();
  private final Map<Key, Integer> values = new HashMap<>();
  private final ArrayDeque<Key> open = new ArrayDeque<>();
  private int expanded;
  private IndexMap.@Nullable Split wanted;

  private Expander(Slots slots, Domain domain, Node top, boolean computeTop) {
    this.slots = slots;
    this.domain = domain;
    this.top = top;
    this.computeTop = computeTop;
  }

  /**
   * Expands a node over its own shape.
   *
   * @param compute whether to compute the node although it has memory, as its own step must
   */
  static Expansion expand(Slots slots, Node node, boolean compute) {
    Domain domain = Domain.of(node.shape());
    while (true) {
      Expander e = new Expander(slots, domain, node, compute);
      int value = e.run();
      if (e.wanted == null) {
        return new Expansion(domain, e.code, value);
      }
      domain = domain.split(e.wanted);
    }
  }

  private int run() {
    Key start = new Key(top, domain.identity());
    open.push(start);
    while (!open.isEmpty() && wanted == null) {
      Key key = open.peek();
      if (!values.containsKey(key)) {
        Integer value = visit(key);
        if (value == null) {
          continue;
        }
        values.put(key, value);
      }
      open.pop();
    }
    Integer value = values.get(start);
    return value == null ? -1 : value;
  }

  /** The value of a node, or null after putting what it needs on the stack. */
  private @Nullable Integer visit(Key key) {
    Node n = key.node;
    Slot slot = computeTop && n == top ? null : slots.find(n);
    if (slot != null) {
      return load(slot, key.map.linear(n.shape()));
    }
    if (IndexMap.isView(n.op())) {
      return view(key);
    }
    if (ConstantRules.isElementwise(n.op())) {
      return compute(key);
    }
    return switch (n.op()) {
      case Op.Constant(double value) -> code.constant(n.dtype(), value);
      case Op.Iota(int axis) -> index(key.map.along(axis));
      default -> loadNew(key);
    };
  }

  private int load(Slot slot, IndexMap.Linear at) {
    return code.load(new View(slot, at.offset(), at.strides()));
  }

  /** Loads a node that gets memory only now. */
  private int loadNew(Key key) {
    return load(slots.demand(key.node), key.map.linear(key.node.shape()));
  }

  private int index(IndexMap.Linear at) {
    int index = code.add(new Instruction.Index(at.strides()));
    if (at.offset() == 0) {
      return index;
    }
    int offset = code.constant(DType.I32, (double) at.offset());
    return code.apply(new Op.Binary(BinaryKind.ADD), DType.I32, List.of(index, offset));
  }

  private @Nullable Integer compute(Key key) {
    Node n = key.node;
    if (expanded >= LIMIT && n != top) {
      return loadNew(key);
    }
    boolean ready = true;
    for (Node in : n.inputs()) {
      Key k = new Key(in, key.map);
      if (!values.containsKey(k)) {
        open.push(k);
        ready = false;
      }
    }
    if (!ready) {
      return null;
    }
    expanded++;
    List<Integer> arguments = n.inputs().stream().map(in -> value(new Key(in, key.map))).toList();
    return code.apply(n.op(), n.dtype(), arguments);
  }

  private Integer value(Key key) {
    Integer v = values.get(key);
    if (v == null) {
      throw new IllegalStateException(key.node + " is not computed yet");
    }
    return v;
  }

  private @Nullable Integer view(Key key) {
    Node in = key.node.input(0);
    if (key.node.op() instanceof Op.Reshape) {
      Slot slot = slots.find(in);
      if (slot != null) {
        return load(slot, key.map.linear(key.node.shape()));
      }
    }
    IndexMap inner = key.map.through(key.node);
    if (inner == null) {
      if (domain.extents().length < MAX_AXES) {
        wanted = key.map.wantedSplit(key.node);
      }
      // Row-major memory can be read under any shape, so this always succeeds.
      return wanted != null ? null : load(slots.demand(in), key.map.linear(key.node.shape()));
    }
    Key k = new Key(in, inner);
    Integer value = values.get(k);
    if (value == null) {
      open.push(k);
    }
    return value;
  }
}
