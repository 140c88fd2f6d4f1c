package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ir.Verifier;
import org.hesse.ops.Rules;
import org.hesse.testing.RandomPrograms;
import org.hesse.testing.ReferenceBackend;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.Test;

/** Random programs, compiled, against the interpreter. -Dhesse.fuzz=N draws more of them. */
class FuzzTest {
  private static final int COUNT = Integer.getInteger("hesse.fuzz", 6000);

  private final Backend reference = new ReferenceBackend();

  @Test
  void plansComputeWhatProgramsMean() {
    for (int seed = 0; seed < COUNT; seed++) {
      check(seed, true);
    }
  }

  /** Without the functions and dtypes of which the CPU's last bits may be different. */
  @Test
  void theCpuComputesWhatTheReferenceDoes() {
    int compared = 0;
    for (int seed = 0; seed < COUNT; seed++) {
      RandomPrograms.Case drawn = RandomPrograms.draw(seed);
      if (drawn.program().nodes().stream().allMatch(FuzzTest::isExact)) {
        Program simple = Simplify.simplify(drawn.program());
        Schedule schedule = Lower.lower(simple);
        Buffer[] expected = run(reference, schedule, drawn.inputs());
        Buffer[] actual = run(CpuBackend.instance(), schedule, drawn.inputs());
        for (int i = 0; i < actual.length; i++) {
          try {
            compare(expected[i].toArray(), actual[i].toArray(), simple.outputs().get(i));
          } catch (AssertionError e) {
            throw new AssertionError("seed " + seed + "\n" + simple.print(), e);
          }
        }
        compared++;
      }
    }
    assertTrue(compared > COUNT / 10, compared + " programs compared");
  }

  private static boolean isExact(Node n) {
    return switch (n.op()) {
      case Op.Unary(UnaryKind kind) ->
          switch (kind) {
            case NEG, ABS, SIGN, FLOOR, NOT, SQRT -> true;
            default -> false;
          };
      case Op.Binary(BinaryKind kind) -> kind != BinaryKind.POW;
      // In F32 the reference sums in double, and a later F64 node would show the difference.
      case Op.Reduce r -> n.dtype() != DType.F32;
      case Op.Dot d -> n.dtype() != DType.F32;
      default -> true;
    };
  }

  private static Buffer[] run(Backend backend, Schedule schedule, Object[] data) {
    Buffer[] inputs = Arrays.stream(data).map(backend::upload).toArray(Buffer[]::new);
    Buffer[] outputs =
        schedule.outputs().stream()
            .map(s ->
                backend instanceof CpuBackend ? used(s) : backend.allocate(s.dtype(), s.size()))
            .toArray(Buffer[]::new);
    backend.prepare(schedule).run(inputs, outputs);
    return outputs;
  }

  /** Memory that has held something else, as that of a donated tensor. */
  private static Buffer used(Slot s) {
    int n = (int) s.size();
    Object array =
        switch (s.dtype()) {
          case F32 -> new float[n];
          case F64 -> new double[n];
          case I32 -> new int[n];
          case BOOL -> new boolean[n];
        };
    switch (array) {
      case float[] a -> Arrays.fill(a, Float.NaN);
      case double[] a -> Arrays.fill(a, Double.NaN);
      case int[] a -> Arrays.fill(a, 0x5eadbeef);
      case boolean[] a -> Arrays.fill(a, true);
      default -> throw new IllegalStateException();
    }
    return CpuBackend.instance().upload(array);
  }

  @Test
  void loweringAloneComputesWhatProgramsMean() {
    for (int seed = 0; seed < COUNT; seed++) {
      check(seed, false);
    }
  }

  private void check(long seed, boolean simplify) {
    RandomPrograms.Case drawn = RandomPrograms.draw(seed);
    Program program = drawn.program();
    try {
      Program simple = simplify ? Simplify.simplify(program) : program;
      Verifier.verify(simple, n -> Rules.emit(n, n.inputs()));
      assertEquals(program.inputs(), simple.inputs());
      Buffer[] outputs = run(reference, Lower.lower(simple), drawn.inputs());
      Object[] expected = ReferenceInterpreter.run(simple, drawn.inputs());
      Object[] original = ReferenceInterpreter.run(program, true, drawn.inputs());
      Object[] simplified = ReferenceInterpreter.run(simple, true, drawn.inputs());
      for (int i = 0; i < outputs.length; i++) {
        compare(expected[i], outputs[i].toArray(), simple.outputs().get(i));
        compare(original[i], simplified[i], program.outputs().get(i));
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("seed " + seed + "\n" + program.print(), e);
    }
  }

  private static void compare(Object expected, Object actual, Node node) {
    double[] e = ReferenceInterpreter.toDoubles(expected);
    double[] a = ReferenceInterpreter.toDoubles(actual);
    assertEquals(e.length, a.length);
    double tolerance = node.dtype() == DType.F32 ? 1e-3 : 1e-9;
    for (int i = 0; i < e.length; i++) {
      boolean same =
          e[i] == a[i]
              || (Double.isNaN(e[i]) && Double.isNaN(a[i]))
              || Math.abs(e[i] - a[i]) <= tolerance * Math.max(1, Math.abs(e[i]));
      assertTrue(same, "element " + i + " of " + node + ": " + a[i] + ", not " + e[i]);
    }
  }
}
