package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.backend.cpu.CpuBackend;
import org.jspecify.annotations.Nullable;

/** Builds operands for a step, as scattered over memory as views may be, and runs it. */
final class OneStep {
  private final Random random;
  private final List<Object> arrays = new ArrayList<>();
  private final List<Slot> slots = new ArrayList<>();
  private @Nullable Slot out;

  OneStep(Random random) {
    this.random = random;
  }

  /** An operand of random numbers whose first axes are anywhere in memory, the last ones dense. */
  View input(DType dtype, int[] domain, int dense) {
    Layout l = layout(domain, dense, true);
    return input(TwoBackends.numbers(random, dtype, l.size), l);
  }

  /** An operand of indices below an extent. */
  View indices(int extent, int[] domain) {
    Layout l = layout(domain, 0, true);
    return input(random.ints(l.size, 0, extent).toArray(), l);
  }

  /** An operand that is all of an array in order. */
  View dense(Object array, int... domain) {
    return input(array, new Layout(0, denseStrides(domain), Array.getLength(array)));
  }

  /** The array that an operand is in. */
  Object array(View view) {
    return arrays.get(view.slot().index());
  }

  private View input(Object array, Layout l) {
    Slot slot = TwoBackends.input(arrays.size(), array);
    arrays.add(array);
    slots.add(slot);
    return new View(slot, l.offset, l.strides);
  }

  /** The result, all of whose slot the step writes, with its axes in any order. */
  View output(DType dtype, int[] domain) {
    return output(dtype, layout(domain, 0, false));
  }

  View denseOutput(DType dtype, int... domain) {
    return output(dtype, new Layout(0, denseStrides(domain), size(domain)));
  }

  private View output(DType dtype, Layout l) {
    Slot slot = TwoBackends.output(0, dtype, l.size);
    out = slot;
    return new View(slot, l.offset, l.strides);
  }

  private record Layout(long offset, long[] strides, int size) {}

  /** Where elements lie: with gaps, repeated and backwards, unless all places are to be taken. */
  private Layout layout(int[] domain, int dense, boolean loose) {
    List<Integer> order = new ArrayList<>();
    for (int a = 0; a < domain.length - dense; a++) {
      order.add(random.nextInt(order.size() + 1), a);
    }
    for (int a = domain.length - dense; a < domain.length; a++) {
      order.add(a);
    }
    long[] strides = new long[domain.length];
    long stride = 1;
    long offset = loose ? random.nextInt(3) : 0;
    long last = offset;
    for (int i = order.size() - 1; i >= 0; i--) {
      int a = order.get(i);
      boolean free = a < domain.length - dense;
      if (free && loose && random.nextInt(6) == 0) {
        continue;
      }
      strides[a] = stride * (free && loose && random.nextInt(4) == 0 ? 2 : 1);
      stride = strides[a] * domain[a];
      long most = strides[a] * (domain[a] - 1);
      last += most;
      if (free && random.nextInt(4) == 0) {
        offset += most;
        strides[a] = -strides[a];
      }
    }
    return new Layout(offset, strides, Math.toIntExact(last + 1));
  }

  static long[] denseStrides(int... domain) {
    long[] strides = new long[domain.length];
    long s = 1;
    for (int a = domain.length - 1; a >= 0; a--) {
      strides[a] = s;
      s *= domain[a];
    }
    return strides;
  }

  static int size(int... domain) {
    int n = 1;
    for (int d : domain) {
      n *= d;
    }
    return n;
  }

  Object cpu(Step step) {
    return run(CpuBackend.instance(), step);
  }

  Object cuda(Step step) {
    return run(CudaBackend.of(0), step);
  }

  private Object run(Backend backend, Step step) {
    Slot to = java.util.Objects.requireNonNull(out);
    Schedule schedule = TwoBackends.schedule(slots, List.of(to), step);
    return TwoBackends.run(backend, schedule, arrays.toArray())[0];
  }

  /** Runs a step on both, and compares: what is real to the tolerance of its dtype. */
  void check(Step step, String what) {
    close(cpu(step), cuda(step), what);
  }

  /** Numbers of one dtype that agree, 10⁻⁵ or 10⁻¹² of themselves or of 1 apart at most. */
  static void close(Object expected, Object actual, String what) {
    int n = Array.getLength(expected);
    assertEquals(n, Array.getLength(actual), what);
    boolean real = expected instanceof float[] || expected instanceof double[];
    double tolerance = expected instanceof float[] ? 1e-5 : 1e-12;
    for (int i = 0; i < n; i++) {
      if (!real) {
        assertEquals(Array.get(expected, i), Array.get(actual, i), what + " at " + i);
        continue;
      }
      double x = Array.getDouble(expected, i);
      double y = Array.getDouble(actual, i);
      boolean same = x == y || Double.isNaN(x) && Double.isNaN(y);
      assertTrue(
          same || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x)),
          what + " at " + i + ": " + y + " instead of " + x);
    }
  }
}
