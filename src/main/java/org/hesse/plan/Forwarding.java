package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Lets a step write where its result would only be copied to, as the parts of a concatenation are.
 * That is done for a temporary which one step writes and nothing but the copy reads, unless what it
 * is copied to is written by something else in between, such as the zeros around it.
 */
final class Forwarding {
  private final List<Step> steps;
  private final Map<Slot, Integer> writer = new HashMap<>();
  private final Map<Slot, Integer> writers = new HashMap<>();
  private final Map<Slot, Integer> readers = new HashMap<>();

  /** For each temporary that is not needed any more where its elements are instead. */
  private final Map<Slot, View> moved = new HashMap<>();

  private final Set<Slot> targets = new HashSet<>();

  private Forwarding(List<Step> steps) {
    this.steps = steps;
    for (int i = 0; i < steps.size(); i++) {
      for (Slot s : Steps.writes(steps.get(i))) {
        writer.put(s, i);
        writers.merge(s, 1, Integer::sum);
      }
      Steps.reads(steps.get(i)).forEach(s -> readers.merge(s, 1, Integer::sum));
    }
  }

  /** The same computation with fewer copies. */
  static List<Step> forward(List<Step> steps) {
    return new Forwarding(steps).rebuilt();
  }

  private List<Step> rebuilt() {
    List<Step> left = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      if (step instanceof Step.Map map) {
        List<Step.Store> stores = new ArrayList<>();
        for (Step.Store s : map.stores()) {
          if (!forwards(i, map, s)) {
            stores.add(s);
          }
        }
        if (stores.isEmpty()) {
          continue;
        }
        step = stores.size() == map.stores().size() ? map : Siblings.withStores(map, stores);
      }
      left.add(step);
    }
    return moved.isEmpty() ? steps : left.stream().map(s -> Steps.moved(s, this::view)).toList();
  }

  private View view(View view) {
    View to = moved.get(view.slot());
    return to == null ? view : new View(to.slot(), to.offset() + view.offset(), view.strides());
  }

  private boolean forwards(int copy, Step.Map map, Step.Store store) {
    if (!(map.code().get(store.value()) instanceof Instruction.Load(View from))
        || from.slot().space() != Slot.Space.ARENA
        || from.offset() != 0
        || elements(map.domain()) != from.slot().size()
        || !from.isDense(map.domain())
        || !store.view().isDense(map.domain())
        || readers.getOrDefault(from.slot(), 0) != 1
        || writers.getOrDefault(from.slot(), 0) != 1
        || isStoredTwice(map, store.value())
        || isComputedWith(map, store.value())
        || moved.containsKey(store.view().slot())
        || targets.contains(from.slot())) {
      return false;
    }
    int origin = writer.getOrDefault(from.slot(), copy);
    if (origin >= copy || !writesAnywhere(steps.get(origin))) {
      return false;
    }
    // The step itself may have been merged with one that fills the slot.
    for (int i = origin; i < copy; i++) {
      if (Steps.writes(steps.get(i)).contains(store.view().slot()) && covers(i, store.view())) {
        return false;
      }
    }
    moved.put(from.slot(), store.view());
    targets.add(store.view().slot());
    return true;
  }

  /** Whether a step may write more of a slot than a part of its own. */
  private boolean covers(int step, View part) {
    return !(steps.get(step) instanceof Step.Map map)
        || elements(map.domain()) == part.slot().size();
  }

  private static boolean writesAnywhere(Step step) {
    return step instanceof Step.Map
        || step instanceof Step.Reduce
        || step instanceof Step.Dot
        || step instanceof Step.Composite;
  }

  private static boolean isStoredTwice(Step.Map map, int value) {
    return map.stores().stream().filter(s -> s.value() == value).count() > 1;
  }

  private static boolean isComputedWith(Step.Map map, int value) {
    return map.code().stream()
        .anyMatch(i -> i instanceof Instruction.Apply a && a.arguments().contains(value));
  }

  private static long elements(int[] domain) {
    long n = 1;
    for (int d : domain) {
      n *= d;
    }
    return n;
  }
}
