package org.hesse.backend.cuda;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** Plans of one step, run on any backend. */
final class StepRuns {
  private StepRuns() {}

  static Slot input(int index, Object array) {
    return new Slot(Slot.Space.INPUT, index, dtype(array), 0, Array.getLength(array));
  }

  static Slot output(DType dtype, int size) {
    return new Slot(Slot.Space.OUTPUT, 0, dtype, 0, size);
  }

  static DType dtype(Object array) {
    return switch (array) {
      case float[] x -> DType.F32;
      case double[] x -> DType.F64;
      case int[] x -> DType.I32;
      default -> DType.BOOL;
    };
  }

  static Object zeros(DType dtype, int size) {
    return switch (dtype) {
      case F32 -> new float[size];
      case F64 -> new double[size];
      case I32 -> new int[size];
      case BOOL -> new boolean[size];
    };
  }

  /** Uniform in −1 … 1, or whole numbers in −9 … 9. */
  static Object numbers(Random random, DType dtype, int size) {
    Object array = zeros(dtype, size);
    for (int i = 0; i < size; i++) {
      set(array, i, dtype == DType.I32 ? random.nextInt(-9, 10) : random.nextDouble(-1, 1));
    }
    return array;
  }

  static double get(Object array, long i) {
    return ((Number) Array.get(array, (int) i)).doubleValue();
  }

  static void set(Object array, long i, double value) {
    switch (array) {
      case float[] x -> x[(int) i] = (float) value;
      case double[] x -> x[(int) i] = value;
      default -> ((int[]) array)[(int) i] = (int) value;
    }
  }

  /** The element of a view at an index. */
  static double get(Object array, View view, int... index) {
    long at = view.offset();
    for (int a = 0; a < index.length; a++) {
      at += index[a] * view.strides()[a];
    }
    return get(array, at);
  }

  /** The output, which was 0 before, after so many runs. */
  static Object run(Backend backend, Step step, Slot output, int times, Object... inputs) {
    List<Slot> slots = new ArrayList<>();
    Buffer[] in = new Buffer[inputs.length];
    for (int i = 0; i < in.length; i++) {
      in[i] = backend.upload(inputs[i]);
      slots.add(input(i, inputs[i]));
    }
    Buffer[] out = {backend.upload(zeros(output.dtype(), (int) output.size()))};
    Schedule schedule =
        new Schedule(slots, List.of(output), new EnumMap<>(DType.class), List.of(step));
    Executable executable = backend.prepare(schedule);
    for (int i = 0; i < times; i++) {
      executable.run(in, out);
    }
    return out[0].toArray();
  }
}
