package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.jspecify.annotations.Nullable;

/**
 * Consecutive steps over the same rows: composites on rows, maps, and sums of columns. All of them
 * do some rows before any does the next ones, so that what one step has read or written is in the
 * cache for the others, and threads meet once. A step may read of what another one writes only the
 * row that it is at.
 */
final class RowGroup implements Prepared {
  /** What the rows that are done at a time may take up of the second cache. */
  private static final long BAND_BYTES = 1 << 18;

  /** With fewer rows at a time there is more to do between rows than along them. */
  private static final int MIN_ROWS = 16;

  /** Less than this stays in the cache from one step to the next anyway. */
  private static final long MIN_BYTES = 1 << 19;

  /**
   * A task is up to so many bands where columns are added up, which leaves a partial sum for each.
   */
  private static final int BANDS_PER_TASK = 8;

  /** So many tasks are enough for any number of threads. */
  private static final int MANY = 16;

  /**
   * What a step reads or writes of one row.
   *
   * @param low the first element of row 0, from the beginning of the array
   * @param high the last element
   * @param stride from row to row; 0 if all rows have the same elements
   */
  private record Access(Slot slot, long low, long high, long stride, boolean write) {
    static @Nullable Access of(int[] domain, View view, long rows, boolean write) {
      long[] row = Strided.of(domain, view).firstOf(rows);
      return row == null ? null : new Access(view.slot(), row[0], row[1], row[2], write);
    }

    /** Whether it matters not which of some rows is done first by this and then by the other. */
    boolean isApart(Access o) {
      if (!write && !o.write || !slot.overlaps(o.slot)) {
        return true;
      }
      long span = Math.max(high, o.high) - Math.min(low, o.low);
      return stride == o.stride && span < Math.abs(stride);
    }

    long bytes() {
      return stride == 0 ? 0 : (high - low + 1) * slot.dtype().bytes();
    }
  }

  private final List<Prepared> steps = new ArrayList<>();
  private final long[] perRow;
  private final long rows;
  private final int band;
  private final int bandsPerTask;

  private RowGroup(List<Step> group, long rows, int band) {
    this.rows = rows;
    this.band = band;
    this.perRow = new long[group.size()];
    boolean sums = false;
    for (int i = 0; i < group.size(); ) {
      Step s = group.get(i);
      RowStep two = i + 1 < group.size() ? RowStep.withMoments(s, group.get(i + 1)) : null;
      if (s instanceof Step.Map map) {
        perRow[steps.size()] = BlockProgram.size(map.domain()) / rows;
      }
      sums |= s instanceof Step.Reduce;
      steps.add(two != null ? two : Sequence.prepare(s));
      i += two != null ? 2 : 1;
    }
    long bands = (rows + band - 1) / band;
    this.bandsPerTask = sums ? (int) Math.clamp(bands / MANY, 1, BANDS_PER_TASK) : 1;
  }

  /** How many of the steps from number {@code first} on can be a group; 1 if there is none. */
  static int length(List<Step> steps, int first) {
    long rows = rows(steps.get(first));
    if (rows < 0 && steps.get(first) instanceof Step.Map && first + 1 < steps.size()) {
      rows = rows(steps.get(first + 1));
    }
    if (rows < 2 * MIN_ROWS) {
      return 1;
    }
    List<Access> known = new ArrayList<>();
    List<Slot> sums = new ArrayList<>();
    int end = first;
    while (end < steps.size() && joins(steps.get(end), rows, known, sums)) {
      end++;
    }
    boolean fits = rows * bytes(known) >= MIN_BYTES && MIN_ROWS * bytes(known) <= 4 * BAND_BYTES;
    return fits ? Math.max(1, end - first) : 1;
  }

  /** As many steps as {@link #length} says. */
  static RowGroup of(List<Step> group) {
    long rows = Math.max(rows(group.get(0)), rows(group.get(1)));
    List<Access> known = new ArrayList<>();
    List<Slot> sums = new ArrayList<>();
    for (Step s : group) {
      var _ = joins(s, rows, known, sums);
    }
    long fit = BAND_BYTES / Math.max(1, bytes(known));
    return new RowGroup(group, rows, (int) Math.clamp(fit, MIN_ROWS, rows));
  }

  /** The rows of a step that says what these are; else −1. */
  private static long rows(Step step) {
    return switch (step) {
      case Step.Composite c
          when !(c.kind() instanceof CompositeKind.Attention)
              && !(c.kind() instanceof CompositeKind.AttentionCotangent) ->
          BlockProgram.size(c.batch());
      case Step.Reduce r when ReduceStep.overRows(r) -> r.domain()[0];
      default -> -1;
    };
  }

  /** Adds what a step reads and writes to what is known, if it may be done row by row with it. */
  private static boolean joins(Step step, long rows, List<Access> known, List<Slot> sums) {
    List<@Nullable Access> own = new ArrayList<>();
    Slot sum = null;
    switch (step) {
      case Step.Composite c when rows(step) == rows -> {
        for (Step.Items in : c.operands()) {
          own.add(access(c.batch(), in, rows, false));
        }
        own.add(access(c.batch(), c.out(), rows, true));
      }
      case Step.Map m when BlockProgram.size(m.domain()) % rows == 0 -> {
        loads(m.domain(), m.code(), rows, own);
        for (Step.Store s : m.stores()) {
          own.add(Access.of(m.domain(), s.view(), rows, true));
        }
      }
      case Step.Reduce r when rows(step) == rows -> {
        loads(r.domain(), r.code(), rows, own);
        sum = r.out().slot();
      }
      default -> {
        return false;
      }
    }
    for (Access a : own) {
      if (a == null
          || !known.stream().allMatch(a::isApart)
          || sums.stream().anyMatch(s -> s.overlaps(a.slot))) {
        return false;
      }
    }
    for (Access a : own) {
      if (a != null && !known.contains(a)) {
        known.add(a);
      }
    }
    if (sum != null) {
      sums.add(sum);
    }
    return true;
  }

  private static @Nullable Access access(int[] batch, Step.Items items, long rows, boolean write) {
    int[] domain = java.util.Arrays.copyOf(batch, batch.length + items.item().length);
    System.arraycopy(items.item(), 0, domain, batch.length, items.item().length);
    return Access.of(domain, items.view(), rows, write);
  }

  private static void loads(
      int[] domain, List<Instruction> code, long rows, List<@Nullable Access> to) {
    for (Instruction i : code) {
      if (i instanceof Instruction.Load load) {
        to.add(Access.of(domain, load.view(), rows, false));
      }
    }
  }

  /** What one row takes up, in all. */
  private static long bytes(List<Access> accesses) {
    List<Access> places = new ArrayList<>();
    for (Access a : accesses) {
      if (places.stream().noneMatch(p -> p.slot.equals(a.slot) && p.low == a.low)) {
        places.add(a);
      }
    }
    return places.stream().mapToLong(Access::bytes).sum();
  }

  @Override
  public void run(Memory memory) {
    int perTask = band * bandsPerTask;
    int tasks = Math.toIntExact((rows + perTask - 1) / perTask);
    double[][] partial = new double[steps.size()][];
    for (int i = 0; i < partial.length; i++) {
      int size = steps.get(i) instanceof ReduceStep r ? r.partialSize(tasks) : 0;
      partial[i] = (double[]) Frame.current().area(DType.F64, i, size);
    }
    Workers.run(
        tasks,
        task -> {
          long first = (long) task * perTask;
          long end = Math.min(rows, first + perTask);
          for (long from = first; from < end; from += band) {
            band(memory, from, Math.min(end, from + band), task, from == first, partial);
          }
        });
    for (int i = 0; i < partial.length; i++) {
      if (steps.get(i) instanceof ReduceStep r) {
        r.combine(memory, partial[i], tasks);
      }
    }
  }

  private void band(
      Memory memory, long from, long to, int task, boolean first, double[][] partial) {
    for (int i = 0; i < steps.size(); i++) {
      switch (steps.get(i)) {
        case RowStep s -> s.run(memory, from, to);
        case MapStep s -> s.run(memory, from * perRow[i], to * perRow[i]);
        case ReduceStep s -> s.addRows(memory, from, to, task, first, partial[i]);
        default -> throw new IllegalStateException("a group of rows with " + steps.get(i));
      }
    }
  }
}
