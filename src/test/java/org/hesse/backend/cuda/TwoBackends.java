package org.hesse.backend.cuda;

import java.lang.reflect.Array;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** Builds schedules by hand, with arrays for them, and runs them on any backend. */
final class TwoBackends {
  private TwoBackends() {}

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

  /** Of a normal distribution, whole numbers in −9 … 9, or one in eight true. */
  static Object numbers(Random random, DType dtype, int size) {
    Object array = zeros(dtype, size);
    for (int i = 0; i < size; i++) {
      switch (dtype) {
        case F32, F64 -> set(array, i, random.nextGaussian());
        case I32 -> set(array, i, random.nextInt(-9, 10));
        case BOOL -> Array.setBoolean(array, i, random.nextInt(8) == 0);
      }
    }
    return array;
  }

  /** Reals in −1 … 1. */
  static Object uniform(Random random, DType dtype, int size) {
    Object array = zeros(dtype, size);
    for (int i = 0; i < size; i++) {
      set(array, i, random.nextDouble(-1, 1));
    }
    return array;
  }

  static double get(Object array, long i) {
    return ((Number) Array.get(array, (int) i)).doubleValue();
  }

  /** The element of a view at an index. */
  static double get(Object array, View view, int... index) {
    long at = view.offset();
    for (int a = 0; a < index.length; a++) {
      at += index[a] * view.strides()[a];
    }
    return get(array, at);
  }

  static void set(Object array, long i, double value) {
    switch (array) {
      case float[] x -> x[(int) i] = (float) value;
      case double[] x -> x[(int) i] = value;
      default -> ((int[]) array)[(int) i] = (int) value;
    }
  }

  static Slot input(int index, DType dtype, long size) {
    return new Slot(Slot.Space.INPUT, index, dtype, 0, size);
  }

  static Slot input(int index, Object array) {
    return input(index, dtype(array), Array.getLength(array));
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

  /** The only output of a step, which was 0 before, after so many runs. */
  static Object run(Backend backend, Step step, Slot output, int times, Object... arrays) {
    List<Slot> inputs =
        IntStream.range(0, arrays.length).mapToObj(i -> input(i, arrays[i])).toList();
    Executable executable = backend.prepare(schedule(inputs, List.of(output), step));
    Buffer[] in = upload(backend, arrays);
    Buffer[] out = upload(backend, zeros(output.dtype(), (int) output.size()));
    for (int i = 0; i < times; i++) {
      executable.run(in, out);
    }
    return out[0].toArray();
  }
}
