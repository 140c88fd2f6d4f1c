package org.hesse.backend.cpu;

import java.lang.ref.SoftReference;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;

/** A schedule's steps, prepared, and the arenas that no run is using. */
final class CpuExecutable implements Executable {
  private final List<Slot> inputs;
  private final List<Slot> outputs;
  private final long[] arenaSizes = new long[DType.values().length];
  private final Prepared[] steps;
  private final ConcurrentLinkedDeque<SoftReference<Object[]>> arenas =
      new ConcurrentLinkedDeque<>();

  CpuExecutable(Schedule schedule) {
    this.inputs = schedule.inputs();
    this.outputs = schedule.outputs();
    schedule.arena().forEach((dtype, size) -> arenaSizes[dtype.ordinal()] = size);
    this.steps = schedule.steps().stream().map(CpuExecutable::prepare).toArray(Prepared[]::new);
  }

  private static Prepared prepare(Step step) {
    return switch (step) {
      case Step.Map map -> new MapStep(map);
      case Step.Reduce reduce -> new ReduceStep(reduce);
      case Step.Dot dot -> DotStep.prepare(dot);
      case Step.ArgMax argMax -> new ArgMaxStep(argMax);
      case Step.RandomBits random -> new RandomStep(random);
    };
  }

  @Override
  public void run(Buffer[] in, Buffer[] out) {
    Object[] arena = takeArena();
    Memory memory = new Memory(arrays("input", inputs, in), arrays("output", outputs, out), arena);
    for (Prepared step : steps) {
      step.run(memory);
    }
    arenas.addFirst(new SoftReference<>(arena));
  }

  private static Object[] arrays(String what, List<Slot> slots, Buffer[] buffers) {
    if (buffers.length != slots.size()) {
      throw new IllegalArgumentException(
          what + "s: " + buffers.length + " buffers given, the schedule has " + slots.size());
    }
    Object[] arrays = new Object[buffers.length];
    for (int i = 0; i < buffers.length; i++) {
      Slot slot = slots.get(i);
      if (!(buffers[i] instanceof CpuBuffer b)) {
        throw new IllegalArgumentException(
            what + " " + i + ": on " + buffers[i].device() + ", but this plan runs on cpu");
      }
      if (b.dtype() != slot.dtype() || b.size() < slot.size()) {
        throw new IllegalArgumentException(
            what + " " + i + ": " + b.size() + " elements of " + b.dtype() + " given, expected "
                + slot.size() + " of " + slot.dtype());
      }
      arrays[i] = b.array();
    }
    return arrays;
  }

  private Object[] takeArena() {
    while (true) {
      SoftReference<Object[]> free = arenas.pollFirst();
      if (free == null) {
        break;
      }
      Object[] arena = free.get();
      if (arena != null) {
        return arena;
      }
    }
    Object[] arena = new Object[arenaSizes.length];
    for (DType dtype : DType.values()) {
      arena[dtype.ordinal()] = Arrays.allocate(dtype, arenaSizes[dtype.ordinal()]);
    }
    return arena;
  }
}
