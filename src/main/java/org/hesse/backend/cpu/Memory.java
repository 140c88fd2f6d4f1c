package org.hesse.backend.cpu;

import org.hesse.backend.Slot;

/** The arrays of one run: the caller's inputs and outputs and an arena. */
record Memory(Object[] inputs, Object[] outputs, Object[] arena) {
  Object array(Slot slot) {
    return switch (slot.space()) {
      case INPUT -> inputs[slot.index()];
      case OUTPUT -> outputs[slot.index()];
      case ARENA -> arena[slot.dtype().ordinal()];
    };
  }
}
