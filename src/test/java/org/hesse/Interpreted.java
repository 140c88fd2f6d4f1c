package org.hesse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.testing.ReferenceInterpreter;

/** Values of functions by the reference interpreter, which knows neither planner nor backend. */
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

  private static Object array(Tensor t) {
    return switch (t.dtype()) {
      case F32 -> t.toFloatArray();
      case F64 -> t.toDoubleArray();
      case I32 -> t.toIntArray();
      case BOOL -> t.toBooleanArray();
    };
  }
}
