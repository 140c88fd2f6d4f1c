package org.hesse.plan;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.hesse.DType;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Program;

/**
 * Lays out temporaries in the arena. A temporary lives from the first step that writes it to the
 * last one that reads it; those that live at the same time do not overlap, so no step writes where
 * it reads. The memory of a loop's body is one temporary for each dtype, laid out already, of which
 * its steps mention parts.
 */
final class Memory {
  /** Temporaries start at multiples of so many elements: of a cache line, or more. */
  static final int ALIGNMENT = 16;

  private final List<Step> steps;
  private final Map<Integer, Integer> lastUse = new HashMap<>();
  private final Map<Integer, Long> sizes = new HashMap<>();
  private final Map<Integer, Long> offsets = new HashMap<>();
  private final EnumMap<DType, Space> spaces = new EnumMap<>(DType.class);

  private Memory(List<Step> steps) {
    this.steps = steps;
  }

  /** A schedule of these steps, whose temporaries are told apart by their slots' index. */
  static Schedule schedule(Program program, List<Step> steps) {
    return new Memory(steps).schedule(program);
  }

  private Schedule schedule(Program program) {
    place();
    List<Step> moved = new ArrayList<>();
    for (Step step : steps) {
      moved.add(Steps.moved(step, this::place));
    }
    EnumMap<DType, Long> arena = new EnumMap<>(DType.class);
    spaces.forEach((dtype, space) -> arena.put(dtype, space.end));
    List<Slot> inputs = new ArrayList<>();
    for (int i = 0; i < program.inputs().size(); i++) {
      inputs.add(Slots.slot(Slot.Space.INPUT, i, program.inputs().get(i)));
    }
    List<Slot> outputs = new ArrayList<>();
    for (int i = 0; i < program.outputs().size(); i++) {
      outputs.add(Slots.slot(Slot.Space.OUTPUT, i, program.outputs().get(i)));
    }
    return new Schedule(inputs, outputs, arena, List.copyOf(moved));
  }

  private View place(View view) {
    Slot slot = view.slot();
    Long offset = slot.space() == Slot.Space.ARENA ? offsets.get(slot.index()) : null;
    if (offset == null) {
      return view;
    }
    Slot to = new Slot(Slot.Space.ARENA, 0, slot.dtype(), offset + slot.offset(), slot.size());
    return new View(to, view.offset(), view.strides());
  }

  private void place() {
    List<Set<Slot>> uses = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      Set<Slot> used = new LinkedHashSet<>(Steps.reads(steps.get(i)));
      used.addAll(Steps.writes(steps.get(i)));
      used.removeIf(s -> s.space() != Slot.Space.ARENA);
      for (Slot s : used) {
        lastUse.put(s.index(), i);
        sizes.merge(s.index(), s.offset() + s.size(), Math::max);
      }
      uses.add(used);
    }
    for (int i = 0; i < steps.size(); i++) {
      for (Slot s : uses.get(i)) {
        offsets.computeIfAbsent(s.index(), k -> space(s).take(size(k)));
      }
      for (Slot s : uses.get(i)) {
        Long offset = offsets.get(s.index());
        // Parts of one temporary are given back once.
        if (offset != null && lastUse.remove(s.index(), i)) {
          space(s).give(offset, size(s.index()));
        }
      }
    }
  }

  private long size(int index) {
    return sizes.getOrDefault(index, 0L);
  }

  private Space space(Slot s) {
    return spaces.computeIfAbsent(s.dtype(), d -> new Space());
  }

  /** One dtype's part of the arena: its size so far and the gaps in it. */
  private static final class Space {
    private final TreeMap<Long, Long> gaps = new TreeMap<>();
    private long end;

    private static long aligned(long size) {
      return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** The offset of a free stretch: the smallest gap that is large enough, else at the end. */
    long take(long elements) {
      long size = aligned(elements);
      long best = -1;
      long bestSize = Long.MAX_VALUE;
      for (Map.Entry<Long, Long> gap : gaps.entrySet()) {
        if (gap.getValue() >= size && gap.getValue() < bestSize) {
          best = gap.getKey();
          bestSize = gap.getValue();
        }
      }
      if (best >= 0) {
        gaps.remove(best);
        if (bestSize > size) {
          gaps.put(best + size, bestSize - size);
        }
        return best;
      }
      Map.Entry<Long, Long> last = gaps.lastEntry();
      if (last != null && last.getKey() + last.getValue() == end) {
        // A gap at the end that is too small grows.
        gaps.remove(last.getKey());
        end = last.getKey() + size;
        return last.getKey();
      }
      end += size;
      return end - size;
    }

    void give(long offset, long elements) {
      long from = offset;
      long size = aligned(elements);
      Map.Entry<Long, Long> left = gaps.lowerEntry(offset);
      if (left != null && left.getKey() + left.getValue() == offset) {
        from = left.getKey();
        size += left.getValue();
      }
      Long right = gaps.remove(offset + aligned(elements));
      if (right != null) {
        size += right;
      }
      gaps.put(from, size);
    }
  }
}
