package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Which outputs can be written right over inputs that are given away: those written when the input
 * has been read for the last time, or by a map that reads of it, element for element, what it
 * writes over. As in JAX, the result then needs no memory of its own.
 *
 * <p>An input that gives its memory away becomes the output's slot in every step, so whatever asks
 * whether two slots overlap, as backends do when they run steps together, sees that they do.
 */
final class Overwrites {
  private final List<Step> steps;

  private Overwrites(List<Step> steps) {
    this.steps = steps;
  }

  /**
   * The same computation with outputs over inputs. Each input is paired with the first output of
   * its dtype and size that can be there and has no other one's place.
   *
   * @param given whether an input may be written over; those without a flag may not
   */
  static Schedule of(Schedule s, boolean[] given) {
    Overwrites in = new Overwrites(s.steps());
    int[] over = new int[s.outputs().size()];
    Arrays.fill(over, -1);
    for (int i = 0; i < given.length; i++) {
      int heir = given[i] ? in.heir(s.inputs().get(i), s.outputs(), over) : -1;
      if (heir >= 0) {
        over[heir] = i;
      }
    }
    List<Step> left = in.without(s.inputs(), s.outputs(), over);
    UnaryOperator<View> moved = view -> moved(view, over);
    List<Step> steps = left.stream().map(step -> Steps.moved(step, moved)).toList();
    return new Schedule(s.inputs(), s.outputs(), s.arena(), steps, over);
  }

  private int heir(Slot input, List<Slot> outputs, int[] over) {
    for (int r = 0; r < over.length; r++) {
      Slot out = outputs.get(r);
      boolean fits = out.dtype() == input.dtype() && out.size() == input.size() && out.size() > 0;
      if (over[r] < 0 && fits && canTake(out, input)) {
        return r;
      }
    }
    return -1;
  }

  private boolean canTake(Slot out, Slot input) {
    boolean written = false;
    for (Step step : steps) {
      boolean reads = Steps.reads(step).stream().anyMatch(input::overlaps);
      boolean writes =
          Steps.writes(step).stream().anyMatch(out::overlaps) && !onlyCopies(step, input, out);
      boolean aligned = step instanceof Step.Map map && isAligned(map, input, out);
      if (reads && (written || writes && !aligned)) {
        return false;
      }
      written |= writes;
    }
    return true;
  }

  /** Whether what a step writes to an output is, element for element, an input. */
  private static boolean onlyCopies(Step step, Slot input, Slot out) {
    return step instanceof Step.Map map
        && map.stores().stream()
            .allMatch(s -> !s.view().slot().overlaps(out) || isCopy(map, s, input, out));
  }

  private static boolean isCopy(Step.Map map, Step.Store store, Slot input, Slot out) {
    return store.view().slot().equals(out)
        && map.code().get(store.value()) instanceof Instruction.Load(View from)
        && from.slot().equals(input)
        && isWhole(map, from)
        && isWhole(map, store.view());
  }

  /** Whether a view is the whole slot in the order of a map's domain. */
  private static boolean isWhole(Step.Map map, View view) {
    long elements = 1;
    for (int d : map.domain()) {
      elements *= d;
    }
    return elements == view.slot().size() && view.offset() == 0 && view.isDense(map.domain());
  }

  /** Whether a map may write an output where an input is, see {@link Step.Map}. */
  private static boolean isAligned(Step.Map map, Slot input, Slot out) {
    for (int v = 0; v < map.code().size(); v++) {
      if (map.code().get(v) instanceof Instruction.Load(View from) && from.slot().overlaps(input)) {
        int value = v;
        if (!isWhole(map, from) || map.stores().stream().anyMatch(s -> s.value() == value)) {
          return false;
        }
      }
    }
    return map.stores().stream()
        .allMatch(s -> !s.view().slot().overlaps(out) || isWhole(map, s.view()));
  }

  /** The steps without the copies of an input to where it is already. */
  private List<Step> without(List<Slot> inputs, List<Slot> outputs, int[] over) {
    List<Step> left = new ArrayList<>();
    for (Step step : steps) {
      if (!(step instanceof Step.Map map)) {
        left.add(step);
        continue;
      }
      List<Step.Store> stores = new ArrayList<>(map.stores());
      for (int r = 0; r < over.length; r++) {
        if (over[r] >= 0) {
          Slot input = inputs.get(over[r]);
          Slot out = outputs.get(r);
          stores.removeIf(s -> isCopy(map, s, input, out));
        }
      }
      if (stores.size() == map.stores().size()) {
        left.add(map);
      } else if (!stores.isEmpty()) {
        left.add(Siblings.withStores(map, stores));
      }
    }
    return left;
  }

  private static View moved(View view, int[] over) {
    Slot from = view.slot();
    for (int r = 0; r < over.length; r++) {
      if (from.space() == Slot.Space.INPUT && over[r] == from.index()) {
        Slot to = new Slot(Slot.Space.OUTPUT, r, from.dtype(), from.offset(), from.size());
        return new View(to, view.offset(), view.strides());
      }
    }
    return view;
  }
}
