package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Op;

/** Builds schedules of a single step, and runs them. */
final class Plans {
  private Plans() {}

  static Slot input(int index, DType dtype, long size) {
    return new Slot(Slot.Space.INPUT, index, dtype, 0, size);
  }

  static Slot output(DType dtype, long size) {
    return new Slot(Slot.Space.OUTPUT, 0, dtype, 0, size);
  }

  static View dense(Slot slot, int... domain) {
    long[] strides = new long[domain.length];
    long s = 1;
    for (int a = domain.length - 1; a >= 0; a--) {
      strides[a] = s;
      s *= domain[a];
    }
    return new View(slot, 0, strides);
  }

  /** Runs one step over the given arrays into a fresh output. */
  static Object run(Step step, DType dtype, int size, Object... inputs) {
    List<Slot> slots = new ArrayList<>();
    Buffer[] buffers = new Buffer[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      buffers[i] = CpuBackend.instance().upload(inputs[i]);
      slots.add(input(i, buffers[i].dtype(), buffers[i].size()));
    }
    Schedule schedule =
        new Schedule(
            slots, List.of(output(dtype, size)), new EnumMap<>(DType.class), List.of(step));
    Buffer out = CpuBackend.instance().allocate(dtype, size);
    CpuBackend.instance().prepare(schedule).run(buffers, new Buffer[] {out});
    return out.toArray();
  }

  /** Applies one elementwise primitive to whole arrays. */
  static Object apply(Op op, DType result, int n, Object... inputs) {
    List<Instruction> code = new ArrayList<>();
    List<Integer> arguments = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      DType dtype = Arrays.dtype(inputs[i]);
      code.add(new Instruction.Load(dense(input(i, dtype, n), n)));
      arguments.add(i);
    }
    code.add(new Instruction.Apply(op, result, arguments));
    Step.Store store = new Step.Store(code.size() - 1, dense(output(result, n), n));
    return run(new Step.Map(new int[] {n}, code, List.of(store)), result, n, inputs);
  }
}
