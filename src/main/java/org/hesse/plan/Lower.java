package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.Shape;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.ReduceKind;

/**
 * Turns a program into the steps that compute it. {@link Products} makes operands readable in
 * place, {@link Clusters} decides what gets memory, {@link Expander} writes the fused register
 * programs, {@link Siblings} merges steps and {@link Memory} lays out the arena.
 */
public final class Lower {
  private final Program program;
  private final Set<Node> inputs;
  private final Map<Node, Integer> homes;
  private final Slots slots;
  private final Barriers barriers = new Barriers();

  /** For each nested node its results that something reads, by number. */
  private final Map<Node, Map<Integer, Node>> results = new HashMap<>();

  private Lower(Program program) {
    this.program = program;
    this.inputs = new HashSet<>(program.inputs());
    this.homes = Slots.homes(program);
    Set<Node> roots = Clusters.roots(program, homes.keySet());
    this.slots = new Slots(program, roots, homes);
    for (Node n : program.nodes()) {
      if (n.op() instanceof Op.Result(int index)) {
        results.computeIfAbsent(n.input(0), k -> new HashMap<>()).put(index, n);
      }
    }
  }

  /** The steps that compute a program. It need not be simplified, though it better is. */
  public static Schedule lower(Program program) {
    Lower lower = new Lower(Products.arrange(arranged(Inline.inline(program))));
    List<Step> unrolled = lower.steps().stream().map(Unrolled::unrolled).toList();
    List<Step> steps = new ArrayList<>();
    for (Step step : Siblings.merge(unrolled, lower.barriers)) {
      steps.add(Steps.moved(step, lower.barriers::resolved));
    }
    return Memory.schedule(program, Forwarding.forward(steps));
  }

  /** An equivalent program that suits steps better. */
  private static Program arranged(Program program) {
    return Contractions.arrange(Simplify.simplify(program, Unrolled.RULES));
  }

  /** From the outputs to the inputs, so that what a step needs is known before its turn comes. */
  private List<Step> steps() {
    List<Step> reversed = new ArrayList<>();
    for (int i = 0; i < program.outputs().size(); i++) {
      Node out = program.outputs().get(i);
      if (!homes.containsValue(i) && out.shape().size() != 0) {
        reversed.add(copy(out, Slots.slot(Slot.Space.OUTPUT, i, out)));
      }
    }
    List<Node> nodes = program.nodes();
    for (int i = nodes.size() - 1; i >= 0; i--) {
      Node n = nodes.get(i);
      if (slots.isWanted(n) && n.shape().size() != 0) {
        reversed.addAll(emit(n, slots.demand(n)).reversed());
      } else if (indexesNothing(n)) {
        reversed.add(checkIndices(n));
      } else if (n.op() instanceof Op.Nested op) {
        reversed.addAll(nested(n, op).reversed());
      }
    }
    return reversed.reversed();
  }

  /** The steps that compute one node, in order. */
  private List<Step> emit(Node n, Slot slot) {
    return switch (n.op()) {
      case Op.Reduce reduce -> List.of(reduce(n, reduce, slot));
      case Op.Dot dot -> List.of(dot(n, dot, slot));
      case Op.ArgMax(int axis) -> List.of(argMax(n, axis, slot));
      case Op.Cumsum c -> List.of(Scans.step(c, n.shape(), operand(n.input(0)), slot));
      case Op.Fold fold -> List.of(fold(n, fold, slot));
      case Op.Gather g -> List.of(gather(n, g, slot));
      case Op.ScatterAdd s -> List.of(scatterAdd(n, s, slot));
      case Op.RandomBits r -> List.of(randomBits(n, slot));
      case Op.Check c -> check(n, c, slot);
      case Op.Factor f -> List.of(Factors.step(n, f.kind(), this::operand, slot));
      case Op.Composite c -> List.of(Composites.step(n, c.kind(), this::operand, slot));
      case Op.Pad pad -> pad(n, pad, slot);
      case Op.Concat(int axis) -> concat(n, axis, slot);
      case Op.Copy c -> List.of(copy(n.input(0), slot));
      case Op.CustomJvp c -> List.of(copy(n.input(c.input()), slot));
      case Op.Barrier b -> {
        barriers.add(n, slot, operand(n.input(0)), slots);
        yield List.of();
      }
      case Op.Result r -> List.of();
      default -> List.of(store(Expander.expand(slots, n, true), slot));
    };
  }

  /** The steps that compute those results of a node that something reads. */
  private List<Step> nested(Node n, Op.Nested op) {
    Map<Integer, Slot> wanted = new HashMap<>();
    results
        .getOrDefault(n, Map.of())
        .forEach((i, r) -> {
          if (slots.isWanted(r) && r.shape().size() != 0) {
            wanted.put(i, slots.demand(r));
          }
        });
    return wanted.isEmpty()
        ? List.of()
        : new LoopSteps(n, op, wanted, slots, this::copy, this::operand).steps();
  }

  private Step.Map copy(Node from, Slot slot) {
    return store(Expander.expand(slots, from, false), slot);
  }

  /** Stores an expansion densely. */
  private static Step.Map store(Expander.Expansion e, Slot slot) {
    return map(e, e.domain().identity(), e.domain().shape(), slot);
  }

  /** Stores an expansion at the given places of a node with this shape. */
  private static Step.Map map(Expander.Expansion e, IndexMap at, Shape shape, Slot slot) {
    IndexMap.Linear l = at.linear(shape);
    View view = new View(slot, l.offset(), l.strides());
    return Domains.collapse(
        new Step.Map(
            e.domain().extents(),
            e.code().instructions(),
            List.of(new Step.Store(e.value(), view))));
  }

  private static Step.Map fill(double value, Shape shape, Slot slot) {
    Code code = new Code();
    int number = code.constant(slot.dtype(), value);
    return store(new Expander.Expansion(Domain.of(shape), code, number), slot);
  }

  private List<Step> pad(Node n, Op.Pad pad, Slot slot) {
    List<Step> steps = new ArrayList<>();
    steps.add(fill(0, n.shape(), slot));
    Node in = n.input(0);
    if (in.shape().size() != 0) {
      Expander.Expansion e = Expander.expand(slots, in, false);
      int[] stride = pad.interior().plus(1).toArray();
      IndexMap at = e.domain().identity().affine(pad.low().toArray(), stride);
      steps.add(map(e, at, n.shape(), slot));
    }
    return steps;
  }

  private List<Step> concat(Node n, int axis, Slot slot) {
    List<Step> steps = new ArrayList<>();
    int[] start = new int[n.shape().rank()];
    int[] stride = Axes.of(start).plus(1).toArray();
    for (Node in : n.inputs()) {
      if (in.shape().size() != 0) {
        Expander.Expansion e = Expander.expand(slots, in, false);
        steps.add(map(e, e.domain().identity().affine(start, stride), n.shape(), slot));
      }
      start[axis] += in.shape().dim(axis);
    }
    return steps;
  }

  private Step reduce(Node n, Op.Reduce op, Slot slot) {
    Node in = n.input(0);
    if (in.shape().size() == 0) {
      double value = op.kind() == ReduceKind.SUM ? 0 : Scalars.lowest(n.dtype());
      return fill(value, n.shape(), slot);
    }
    return Reductions.step(op, Expander.expand(slots, in, false), slot);
  }

  private View operand(Node in) {
    Node base = Products.base(in, inputs, homes.keySet());
    IndexMap.Linear l = Products.strides(in, base);
    if (l == null) {
      throw new IllegalStateException(in + " is not a strided view of " + base);
    }
    return new View(slots.demand(base), l.offset(), l.strides());
  }

  private Step dot(Node n, Op.Dot op, Slot slot) {
    Node lhs = n.input(0);
    Node rhs = n.input(1);
    if (lhs.shape().size() == 0 || rhs.shape().size() == 0) {
      return fill(0, n.shape(), slot);
    }
    View left = operand(lhs);
    View right = operand(rhs);
    return Products.areMatrices(op, lhs.shape(), left, rhs.shape(), right)
        ? Reductions.dot(op, lhs.shape(), left, rhs.shape(), right, slot)
        : Contractions.step(op, lhs.shape(), left, rhs.shape(), right, slot);
  }

  private Step argMax(Node n, int axis, Slot slot) {
    Node in = n.input(0);
    return Reductions.argMax(in.shape(), axis, operand(in), slot);
  }

  private Step fold(Node n, Op.Fold op, Slot slot) {
    Node in = n.input(0);
    return in.shape().size() == 0
        ? fill(0, n.shape(), slot)
        : Scans.fold(op, in.shape(), operand(in), n.shape(), slot);
  }

  private Step gather(Node n, Op.Gather op, Slot slot) {
    View at = operand(n.input(1));
    return Indexing.gather(op, n.input(0).shape(), operand(n.input(0)), n.shape(), at, slot);
  }

  private Step scatterAdd(Node n, Op.ScatterAdd op, Slot slot) {
    Node updates = n.input(0);
    if (updates.shape().size() == 0) {
      return fill(0, n.shape(), slot);
    }
    View at = operand(n.input(1));
    return Indexing.scatterAdd(op, updates.shape(), operand(updates), n.shape(), at, slot);
  }

  /** Whether indices that there are pick or place elements that there are none of. */
  private boolean indexesNothing(Node n) {
    Node many = n.op() instanceof Op.ScatterAdd ? n.input(0) : n;
    return (n.op() instanceof Op.Gather || n.op() instanceof Op.ScatterAdd)
        && many.shape().size() == 0
        && n.input(1).shape().size() != 0;
  }

  /** Reads at indices without a use for what it reads, so that wrong ones are still an error. */
  private Step checkIndices(Node n) {
    int extent =
        n.op() instanceof Op.Gather(int batch, int axis)
            ? n.input(0).shape().dim(axis)
            : n.shape().dim(((Op.ScatterAdd) n.op()).axis());
    Node indices = n.input(1);
    View at = operand(indices);
    Node read = new Node(new Op.Copy(), List.of(indices), indices.shape(), indices.dtype());
    int[] domain = indices.shape().dims();
    View same = new View(at.slot(), at.offset(), new long[domain.length]);
    View out = new View(slots.demand(read), 0, Indexing.dense(indices.shape()));
    return new Step.Gather(domain, same, extent, 0, at, out);
  }

  private List<Step> check(Node n, Op.Check op, Slot slot) {
    Node flags = n.input(1);
    Step value = copy(n.input(0), slot);
    return flags.shape().size() == 0
        ? List.of(value)
        : List.of(new Step.Check(op.message(), flags.shape().size(), operand(flags)), value);
  }

  private Step randomBits(Node n, Slot slot) {
    Node key = n.input(0);
    int keys = Math.toIntExact(key.shape().size() / 2);
    View in = new View(operand(key).slot(), operand(key).offset(), new long[] {2, 1});
    long count = n.shape().size() / keys;
    return new Step.RandomBits(keys, count, in, new View(slot, 0, new long[] {count, 1}));
  }
}
