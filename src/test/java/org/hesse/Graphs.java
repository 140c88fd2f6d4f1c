package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.backend.Buffer;
import org.hesse.backend.Step;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.plan.Plan;
import org.hesse.testing.Arr;
import org.hesse.testing.ReferenceInterpreter;

/** Gives tests the graphs behind tensors. */
public final class Graphs {
  private Graphs() {}

  /** A primitive that no method of {@link Tensor} has, applied to tensors. */
  public static Tensor apply(Function<List<Node>, Node> primitive, List<Tensor> operands) {
    return Tensor.finish(primitive.apply(operands.stream().map(Tensor::node).toList()));
  }

  /** The program that {@link Autodiff#compile} would plan for an argument of this structure. */
  public static <A, B> Program program(Function<A, B> f, A x) {
    Tree<A> tree = Tree.of(x);
    List<Node> parameters = parameters(tree.leaves(x));
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Node> outputs = Trace.run("compile", () -> Transform.call(f, tree, parameters, out));
    return Program.capture(parameters, outputs);
  }

  private static List<Node> parameters(List<Tensor> leaves) {
    List<Node> parameters = new ArrayList<>();
    for (Tensor t : leaves) {
      Op op = new Op.Parameter(parameters.size());
      parameters.add(new Node(op, List.of(), t.shape(), t.dtype()));
    }
    return parameters;
  }

  /** The leaves of f(x), computed node by node without a planner or a backend. */
  public static <A, B> List<Arr> interpret(Function<A, B> f, A x) {
    Program program = program(f, x);
    List<Node> inputs = program.inputs();
    List<Tensor> leaves = Tree.leavesOf(x);
    Object[] arrays = new Object[inputs.size()];
    for (int i = 0; i < arrays.length; i++) {
      Node in = i < leaves.size() ? leaves.get(i).node() : inputs.get(i);
      arrays[i] = ((Buffer) ((Op.Leaf) in.op()).value()).toArray();
    }
    Object[] results = ReferenceInterpreter.run(program, arrays);
    List<Arr> values = new ArrayList<>();
    for (int i = 0; i < results.length; i++) {
      Node out = program.outputs().get(i);
      DType dtype = out.dtype().isReal() ? DType.F64 : out.dtype();
      values.add(new Arr(dtype, out.shape().dims(), ReferenceInterpreter.toDoubles(results[i])));
    }
    return values;
  }

  /** The steps of the plan that {@link Autodiff#compile} would make. */
  public static <A, B> List<Step> steps(Function<A, B> f, A x) {
    return Plan.compile(Hesse.backend(), program(f, x).detach()).schedule().steps();
  }
}
