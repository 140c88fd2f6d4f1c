package org.hesse.backend.cuda;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** Builds schedules by hand and runs them on any backend. */
final class TwoBackends {
  private TwoBackends() {}

  static Slot input(int index, DType dtype, long size) {
    return new Slot(Slot.Space.INPUT, index, dtype, 0, size);
  }

  static Slot output(int index, DType dtype, long size) {
    return new Slot(Slot.Space.OUTPUT, index, dtype, 0, size);
  }

  static Slot arena(DType dtype, long offset, long size) {
    return new Slot(Slot.Space.ARENA, 0, dtype, offset, size);
  }

  static View dense(Slot slot, int... domain) {
    return new View(slot, 0, OneStep.denseStrides(domain));
  }

  static Schedule schedule(List<Slot> inputs, List<Slot> outputs, Step... steps) {
    return new Schedule(inputs, outputs, new EnumMap<>(DType.class), List.of(steps));
  }

  static Buffer[] upload(Backend backend, Object... arrays) {
    return Arrays.stream(arrays).map(backend::upload).toArray(Buffer[]::new);
  }

  static Buffer[] outputs(Backend backend, Schedule schedule) {
    return schedule.outputs().stream()
        .map(s -> backend.allocate(s.dtype(), s.size()))
        .toArray(Buffer[]::new);
  }

  static Object[] arrays(Buffer[] buffers) {
    return Arrays.stream(buffers).map(Buffer::toArray).toArray();
  }

  static Object[] run(Backend backend, Schedule schedule, Object... arrays) {
    Buffer[] out = outputs(backend, schedule);
    backend.prepare(schedule).run(upload(backend, arrays), out);
    return arrays(out);
  }
}
