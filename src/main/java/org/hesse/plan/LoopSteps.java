package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/**
 * Lowers a loop. Its body is lowered to a schedule of its own, whose slots are then replaced by
 * slots of the program around it: states are where the final state is wanted, constants are read
 * where they are, slices and results of a round are temporaries, and so is the body's arena, one
 * for each dtype.
 */
final class LoopSteps {
  private final Node node;
  private final Op.Nested op;
  private final Map<Integer, Slot> wanted;
  private final Slots slots;
  private final BiFunction<Node, Slot, Step.Map> copy;
  private final Function<Node, View> operand;
  private final List<View> inputs = new ArrayList<>();
  private final EnumMap<DType, Slot> arena = new EnumMap<>(DType.class);
  private final List<Step> steps = new ArrayList<>();
  private final List<Step.Move> before = new ArrayList<>();
  private final List<Step.Move> after = new ArrayList<>();

  /**
   * @param wanted where the results that something reads go, by number
   * @param copy a step that computes a node's elements into a slot
   * @param operand where a node that is read in place is
   */
  LoopSteps(
      Node node,
      Op.Nested op,
      Map<Integer, Slot> wanted,
      Slots slots,
      BiFunction<Node, Slot, Step.Map> copy,
      Function<Node, View> operand) {
    this.node = node;
    this.op = op;
    this.wanted = wanted;
    this.slots = slots;
    this.copy = copy;
    this.operand = operand;
  }

  /** The steps in order: the state at first, then the loop. */
  List<Step> steps() {
    for (int i = 0; i < op.states(); i++) {
      Node initial = node.input(i);
      Slot wantedHere = wanted.get(i);
      Slot state = wantedHere != null ? wantedHere : temporary(initial);
      if (initial.shape().size() != 0) {
        steps.add(copy.apply(initial, state));
      }
      inputs.add(new View(state, 0, new long[0]));
    }
    switch (op) {
      case Op.Scan scan -> scan(scan);
      case Op.While loop -> whileLoop(loop);
      case Op.Call call -> throw notInlined();
      case Op.Solve solve -> throw notInlined();
    }
    return steps;
  }

  private IllegalStateException notInlined() {
    return new IllegalStateException(node + " has not been inlined");
  }

  private Slot temporary(Node like) {
    return slots.temporary(like.dtype(), like.shape().size());
  }

  private void scan(Op.Scan scan) {
    if (scan.length() == 0) {
      return;
    }
    for (int i = 0; i < scan.states(); i++) {
      stack(before, inputs.get(i).slot(), scan.history(i));
    }
    int sliced = scan.states() + scan.slices();
    for (int i = scan.states(); i < sliced; i++) {
      slice(node.input(i), temporary(scan.body().inputs().get(i)));
    }
    addConstants(sliced);
    List<Node> outputs = scan.body().outputs();
    List<Node> distinct =
        IntStream.range(0, outputs.size())
            .filter(i -> i < scan.states() || wanted.containsKey(i))
            .mapToObj(outputs::get)
            .distinct()
            .toList();
    List<Slot> to = distinct.stream().map(this::temporary).toList();
    List<Step> body = lowered(Program.capture(scan.body().inputs(), distinct), to);
    for (int i = scan.states(); i < outputs.size(); i++) {
      if (wanted.containsKey(i)) {
        stack(after, to.get(distinct.indexOf(outputs.get(i))), i);
      }
    }
    addLoop(new Step.Count(scan.length(), scan.reverse()), scan.body(), body, distinct, to);
  }

  private void whileLoop(Op.While loop) {
    addConstants(loop.states());
    Slot flag = temporary(loop.condition().outputs().get(0));
    List<Step> test = lowered(loop.condition(), List.of(flag));
    List<Node> distinct = loop.body().outputs().stream().distinct().toList();
    List<Slot> to = distinct.stream().map(this::temporary).toList();
    List<Step> body = lowered(Program.capture(loop.body().inputs(), distinct), to);
    View value = new View(flag, 0, new long[0]);
    addLoop(new Step.Test(test, value), loop.body(), body, distinct, to);
  }

  /**
   * A new state is computed where the old one is if nothing wants the old one by then; else it is
   * moved there. These moves come last, for outputs may be read from where the state is.
   */
  private void addLoop(
      Step.Rounds rounds, Program program, List<Step> body, List<Node> distinct, List<Slot> to) {
    List<Node> next = program.outputs().subList(0, op.states());
    Map<Slot, Slot> inPlace = new HashMap<>();
    for (int i = 0; i < op.states(); i++) {
      Node made = next.get(i);
      Slot from = to.get(distinct.indexOf(made));
      Slot state = inputs.get(i).slot();
      if (from.size() == 0) {
        continue;
      }
      boolean once = next.stream().filter(n -> n == made).count() == 1;
      if (once && isLastWanted(body, state, from)) {
        inPlace.put(from, state);
      } else {
        after.add(move(from.size(), at(from, 0, 0), at(state, 0, 0)));
      }
    }
    UnaryOperator<View> there =
        v -> new View(inPlace.getOrDefault(v.slot(), v.slot()), v.offset(), v.strides());
    steps.add(
        Steps.moved(new Step.Loop(rounds, List.copyOf(before), body, List.copyOf(after)), there));
  }

  /** Whether nothing reads the old state once the new one is written, element by element. */
  private static boolean isLastWanted(List<Step> body, Slot state, Slot made) {
    int writer = -1;
    for (int i = 0; i < body.size(); i++) {
      boolean writes = Steps.writes(body.get(i)).contains(made);
      if (writes && writer >= 0 || writer >= 0 && Steps.reads(body.get(i)).contains(state)) {
        return false;
      }
      writer = writes ? i : writer;
    }
    if (writer < 0 || body.get(writer) instanceof Step.Loop) {
      return false;
    }
    Step step = body.get(writer);
    return !Steps.reads(step).contains(state)
        || step instanceof Step.Map map && sameElements(map, state, made);
  }

  /**
   * Whether a map reads of one slot only the element that it writes of another, to compute with it:
   * what it merely copies may be overwritten before it is copied.
   */
  private static boolean sameElements(Step.Map map, Slot read, Slot written) {
    for (Step.Store s : map.stores()) {
      View to = s.view();
      boolean there = to.slot().equals(written);
      if (map.code().get(s.value()) instanceof Instruction.Load(View v) && v.slot().equals(read)
          || there && !to.isDense(map.domain())) {
        return false;
      }
      for (Instruction i : map.code()) {
        if (there
            && i instanceof Instruction.Load(View v)
            && v.slot().equals(read)
            && !(v.offset() == to.offset() && Arrays.equals(v.strides(), to.strides()))) {
          return false;
        }
      }
    }
    return true;
  }

  private static View at(Slot slot, long offset, long stride) {
    return new View(slot, offset, new long[] {stride});
  }

  private static Step.Move move(long count, View from, View to) {
    return new Step.Move(count, from, to);
  }

  /** What a round makes goes to its place in a result, if anything reads that. */
  private void stack(List<Step.Move> moves, Slot from, int result) {
    Slot to = wanted.get(result);
    if (to != null) {
      moves.add(move(from.size(), at(from, 0, 0), at(to, 0, from.size())));
    }
  }

  private void slice(Node sequence, Slot row) {
    inputs.add(at(row, 0, 0));
    if (row.size() != 0) {
      View all = operand.apply(sequence);
      before.add(move(row.size(), at(all.slot(), all.offset(), row.size()), at(row, 0, 0)));
    }
  }

  private void addConstants(int first) {
    for (Node constant : node.inputs().subList(first, node.inputs().size())) {
      boolean empty = constant.shape().size() == 0;
      inputs.add(empty ? at(temporary(constant), 0, 0) : operand.apply(constant));
    }
  }

  /** The steps of a program that a round runs, over slots of the program around it. */
  private List<Step> lowered(Program program, List<Slot> outputs) {
    Schedule schedule = Lower.lower(program);
    schedule
        .arena()
        .forEach((dtype, size) -> arena.computeIfAbsent(dtype, d -> slots.temporary(d, size)));
    UnaryOperator<View> outside =
        view -> {
          Slot slot = view.slot();
          return switch (slot.space()) {
            case INPUT -> {
              View in = inputs.get(slot.index());
              yield new View(in.slot(), in.offset() + view.offset(), view.strides());
            }
            case OUTPUT -> new View(outputs.get(slot.index()), view.offset(), view.strides());
            case ARENA -> new View(part(slot), view.offset(), view.strides());
          };
        };
    return schedule.steps().stream().map(s -> Steps.moved(s, outside)).toList();
  }

  private Slot part(Slot slot) {
    Slot all = Objects.requireNonNull(arena.get(slot.dtype()), "the body has no such arena");
    return new Slot(Slot.Space.ARENA, all.index(), slot.dtype(), slot.offset(), slot.size());
  }
}
