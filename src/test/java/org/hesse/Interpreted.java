package org.hesse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.testing.ReferenceInterpreter;

/**
 * Values of functions by the reference interpreter, which knows neither planner nor backend, and by
 * both of these: at once and compiled.
 */
final class Interpreted {
  private Interpreted() {}

  /** All numbers of f(x), leaf by leaf. */
  static <A, B> double[] of(Function<A, B> f, A x) {
    Program program = Autodiff.program(f, x);
    List<Tensor> leaves = Tree.leavesOf(x);
    List<Object> inputs = new ArrayList<>();
    for (Node in : program.inputs()) {
      inputs.add(
          in.op() instanceof Op.Leaf leaf
              ? ((Buffer) leaf.value()).toArray()
              : array(leaves.get(inputs.size())));
    }
    return Arrays.stream(ReferenceInterpreter.run(program, inputs.toArray()))
        .flatMapToDouble(out -> Arrays.stream(ReferenceInterpreter.toDoubles(out)))
        .toArray();
  }

  /** All numbers of f(x), which interpreter, immediate and compiled runs must agree on. */
  static <A, B> double[] everywhere(Function<A, B> f, A x) {
    double[] expected = of(f, x);
    double scale = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(1));
    assertArrayEquals(expected, numbers(f.apply(x)), 1e-13 * scale, "immediate");
    assertArrayEquals(expected, numbers(Autodiff.compile(f).apply(x)), 1e-13 * scale, "compiled");
    return expected;
  }

  private static double[] numbers(Object value) {
    return Tree.leavesOf(value).stream()
        .flatMapToDouble(t -> Arrays.stream(t.cast(DType.F64).toDoubleArray()))
        .toArray();
  }

  private static Object array(Tensor t) {
    return switch (t.dtype()) {
      case F32 -> t.toFloatArray();
      case F64 -> t.toDoubleArray();
      case I32 -> t.toIntArray();
      case BOOL -> t.toBooleanArray();
    };
  }
}
