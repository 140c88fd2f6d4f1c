package org.hesse;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.program;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Schedule;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.Verifier;
import org.hesse.ops.Rules;
import org.hesse.plan.Lower;
import org.hesse.plan.Simplify;
import org.hesse.testing.RandomNested;
import org.hesse.testing.RandomPrograms;
import org.hesse.testing.ReferenceBackend;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.Test;

/**
 * Random programs with loops and calls, planned, against the interpreter, which knows nothing of
 * plans. -Dhesse.fuzz=N draws more of them.
 */
class NestedFuzzTest {
  private static final int COUNT = Integer.getInteger("hesse.fuzz", 3000);

  private final Backend reference = new ReferenceBackend();

  @Test
  void plansComputeWhatNestedProgramsMean() {
    int loops = 0;
    for (int seed = 0; seed < COUNT; seed++) {
      RandomPrograms.Case drawn = RandomNested.draw(seed);
      loops += drawn.program().nodes().stream().anyMatch(n -> n.op() instanceof Op.Nested) ? 1 : 0;
      check(seed, drawn.program(), drawn.inputs());
    }
    assertTrue(loops > COUNT / 4, loops + " programs with loops");
  }

  /** Gradients read histories, run backwards and add up what comes together for constants. */
  @Test
  void plansComputeGradientsOfNestedPrograms() {
    for (int seed = 0; seed < COUNT / 5; seed++) {
      long s = seed;
      List<Tensor> at =
          List.of(
              RngKey.of(seed).normal(DType.F64, 3),
              RngKey.of(seed + 1).normal(DType.F64, 3, 3),
              RngKey.of(seed + 2).normal(DType.F64, 2, 3));
      Program p =
          program(
              grad((List<Tensor> in) ->
                  Tensor.traced(RandomNested.scalar(s, in.stream().map(Tensor::node).toList()))),
              at);
      check(seed, p, at.stream().map(Tensor::toDoubleArray).toArray());
    }
  }

  private void check(long seed, Program program, Object[] data) {
    try {
      Object[] expected = ReferenceInterpreter.run(program, data);
      Program simple = Simplify.simplify(program);
      Verifier.verify(simple, n -> Rules.emit(n, n.inputs()));
      assertEquals(program.inputs(), simple.inputs());
      compare(expected, ReferenceInterpreter.run(simple, data));
      compare(expected, run(reference, Lower.lower(simple), data));
      compare(expected, run(reference, Lower.lower(program), data));
      compare(expected, run(CpuBackend.instance(), Lower.lower(simple), data));
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed + "\n" + program.print(), e);
    }
  }

  private static Object[] run(Backend backend, Schedule schedule, Object[] data) {
    Buffer[] inputs = Arrays.stream(data).map(backend::upload).toArray(Buffer[]::new);
    Buffer[] outputs =
        schedule.outputs().stream()
            .map(s -> backend.allocate(s.dtype(), s.size()))
            .toArray(Buffer[]::new);
    backend.prepare(schedule).run(inputs, outputs);
    return Arrays.stream(outputs).map(Buffer::toArray).toArray();
  }

  private static void compare(Object[] expected, Object[] actual) {
    for (int i = 0; i < expected.length; i++) {
      double[] e = ReferenceInterpreter.toDoubles(expected[i]);
      double[] a = ReferenceInterpreter.toDoubles(actual[i]);
      assertEquals(e.length, a.length);
      for (int k = 0; k < e.length; k++) {
        // Numbers in F32 may have become F64.
        double tolerance = 2e-5 * Math.max(1, Math.abs(e[k]));
        assertEquals(e[k], a[k], tolerance, "output " + i + ", element " + k);
      }
    }
  }
}
