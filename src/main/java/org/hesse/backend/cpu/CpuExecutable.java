package org.hesse.backend.cpu;

import java.lang.ref.SoftReference;
import java.util.EnumMap;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicReference;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Buffer;
import org.hesse.backend.Buffers;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.jspecify.annotations.Nullable;

/** A schedule's steps, prepared, and the arenas that no run is using. */
final class CpuExecutable implements Executable {
  /** Elements behind an arena that may be read, as the last lanes of a vector that do not count. */
  private static final int SLACK = 64;

  private final List<Slot> inputs;
  private final List<Slot> outputs;
  private final EnumMap<DType, Long> arenaSizes;
  private final Sequence steps;

  /** An arena that no run uses; the garbage collector may have it. Others are in the queue. */
  private final AtomicReference<@Nullable SoftReference<EnumMap<DType, Object>>> idle =
      new AtomicReference<>();

  private final ConcurrentLinkedDeque<SoftReference<EnumMap<DType, Object>>> arenas =
      new ConcurrentLinkedDeque<>();

  CpuExecutable(Schedule schedule) {
    this.inputs = schedule.inputs();
    this.outputs = schedule.outputs();
    this.arenaSizes = new EnumMap<>(schedule.arena());
    this.steps = new Sequence(schedule.steps());
  }

  @Override
  public void run(Buffer[] in, Buffer[] out) {
    Buffers.check("input", inputs, in, Device.CPU, b -> b instanceof CpuBuffer);
    Buffers.check("output", outputs, out, Device.CPU, b -> b instanceof CpuBuffer);
    int held = 0;
    try {
      Object[] from = new Object[in.length];
      for (; held < from.length; held++) {
        from[held] = ((CpuBuffer) in[held]).hold();
      }
      run(from, arrays(out));
    } finally {
      for (int i = 0; i < held; i++) {
        ((CpuBuffer) in[i]).release();
      }
    }
  }

  private static Object[] arrays(Buffer[] buffers) {
    Object[] arrays = new Object[buffers.length];
    for (int i = 0; i < arrays.length; i++) {
      arrays[i] = ((CpuBuffer) buffers[i]).array();
    }
    return arrays;
  }

  private void run(Object[] in, Object[] out) {
    SoftReference<EnumMap<DType, Object>> taken = takeArena();
    EnumMap<DType, Object> arena = taken == null ? null : taken.get();
    if (taken == null || arena == null) {
      arena = allocateArena();
      taken = new SoftReference<>(arena);
    }
    Memory memory = new Memory(in, out, arena);
    steps.run(memory);
    if (!idle.compareAndSet(null, taken)) {
      arenas.addFirst(taken);
    }
  }

  private @Nullable SoftReference<EnumMap<DType, Object>> takeArena() {
    SoftReference<EnumMap<DType, Object>> first = idle.getAndSet(null);
    return first != null ? first : arenas.pollFirst();
  }

  private EnumMap<DType, Object> allocateArena() {
    EnumMap<DType, Object> arena = new EnumMap<>(DType.class);
    arenaSizes.forEach((dtype, size) -> arena.put(dtype, Arrays.allocate(dtype, size + SLACK)));
    return arena;
  }
}
