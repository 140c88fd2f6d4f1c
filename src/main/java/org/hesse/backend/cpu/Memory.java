package org.hesse.backend.cpu;

import java.util.EnumMap;
import java.util.Objects;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.jspecify.annotations.Nullable;

/** The arrays of one run: the caller's inputs and outputs and an arena. */
final class Memory {
  private final Object[] inputs;
  private final Object[] outputs;

  // The arena, which every step looks at several times in each run.
  private final @Nullable Object f32;
  private final @Nullable Object f64;
  private final @Nullable Object i32;
  private final @Nullable Object bool;

  Memory(Object[] inputs, Object[] outputs, EnumMap<DType, Object> arena) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.f32 = arena.get(DType.F32);
    this.f64 = arena.get(DType.F64);
    this.i32 = arena.get(DType.I32);
    this.bool = arena.get(DType.BOOL);
  }

  /** The caller's inputs. */
  Object[] inputs() {
    return inputs;
  }

  /** The array that a slot is part of. */
  Object array(Slot slot) {
    return switch (slot.space()) {
      case INPUT -> inputs[slot.index()];
      case OUTPUT -> outputs[slot.index()];
      case ARENA -> Objects.requireNonNull(arena(slot.dtype()), "the plan has no such arena");
    };
  }

  private @Nullable Object arena(DType dtype) {
    return switch (dtype) {
      case F32 -> f32;
      case F64 -> f64;
      case I32 -> i32;
      case BOOL -> bool;
    };
  }
}
