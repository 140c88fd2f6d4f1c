package org.hesse.backend.cpu;

import java.util.EnumMap;
import java.util.Objects;
import org.hesse.DType;
import org.hesse.backend.Slot;

/** The arrays of one run: the caller's inputs and outputs and an arena. */
record Memory(Object[] inputs, Object[] outputs, EnumMap<DType, Object> arena) {
  Object array(Slot slot) {
    return switch (slot.space()) {
      case INPUT -> inputs[slot.index()];
      case OUTPUT -> outputs[slot.index()];
      case ARENA -> Objects.requireNonNull(arena.get(slot.dtype()), "the plan has no such arena");
    };
  }
}
