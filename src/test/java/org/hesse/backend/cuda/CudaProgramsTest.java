package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.function.LongFunction;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.plan.Plan;
import org.hesse.testing.RandomNested;
import org.hesse.testing.RandomPrograms;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random programs on a device against the CPU: results and errors, when they are run for the first
 * time and when they are replayed. -Dhesse.fuzz=N draws more of them.
 */
@Tag("kernels")
class CudaProgramsTest {
  private static final int COUNT = Integer.getInteger("hesse.fuzz", 14);
  private static final int RUNS = 4;

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  @Test
  void plansComputeWhatTheyDoOnTheCpu() {
    compare(RandomPrograms::draw);
  }

  @Test
  void loopsComputeWhatTheyDoOnTheCpu() {
    compare(RandomNested::draw);
  }

  private static void compare(LongFunction<RandomPrograms.Case> draw) {
    for (int seed = 0; seed < COUNT; seed++) {
      RandomPrograms.Case drawn = draw.apply(seed);
      Result expected = run(CpuBackend.instance(), drawn, 1);
      Result actual = run(CudaBackend.of(0), drawn, RUNS);
      String what = "seed " + seed + "\n" + drawn.program().print();
      assertEquals(expected.error, actual.error, what);
      for (int i = 0; i < expected.values.length; i++) {
        close(expected.values[i], actual.values[i], what);
      }
    }
  }

  private record Result(Object[] values, String error) {}

  /** The same run some times into the same memory. */
  private static Result run(Backend backend, RandomPrograms.Case drawn, int times) {
    Plan plan = Plan.compile(backend, drawn.program());
    Buffer[] in = TwoBackends.upload(backend, drawn.inputs());
    try {
      Buffer[] out = plan.run(in);
      for (int i = 1; i < times; i++) {
        Buffer[] room = out;
        out = plan.run(in, room, "");
      }
      return new Result(TwoBackends.arrays(out), "");
    } catch (ArithmeticException | IndexOutOfBoundsException e) {
      return new Result(new Object[0], String.valueOf(e.getMessage()));
    }
  }

  private static void close(Object expected, Object actual, String what) {
    int n = Array.getLength(expected);
    assertEquals(n, Array.getLength(actual), what);
    boolean f32 = expected instanceof float[];
    for (int i = 0; i < n; i++) {
      Object a = Array.get(expected, i);
      Object b = Array.get(actual, i);
      if (!f32 && !(expected instanceof double[])) {
        assertEquals(a, b, what);
        continue;
      }
      double x = ((Number) a).doubleValue();
      double y = ((Number) b).doubleValue();
      // Some programs have long chains of operations that enlarge errors.
      double error = Math.abs(x - y) / Math.max(1, Math.max(Math.abs(x), Math.abs(y)));
      boolean same = a.equals(b) || x == y || error <= (f32 ? 3e-5 : 1e-9);
      assertTrue(same, () -> y + " instead of " + x + " in " + what);
    }
  }
}
