package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.backend.Step;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.plan.Plan;

/** Gives tests the graphs behind tensors. */
public final class Graphs {
  private Graphs() {}

  /** A primitive that no method of {@link Tensor} has, applied to tensors. */
  public static Tensor apply(Function<List<Node>, Node> primitive, List<Tensor> operands) {
    return Tensor.finish(primitive.apply(operands.stream().map(Tensor::node).toList()));
  }

  /** A program and the structure of the function's result. */
  public record Traced<B>(Program program, Tree<B> out) {}

  /** What {@link Autodiff#compile} would plan for an argument of this structure. */
  public static <A, B> Traced<B> trace(Function<A, B> f, A x) {
    Tree<A> tree = Tree.of(x);
    List<Node> parameters = parameters(tree.leaves(x));
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Node> outputs = Trace.run("compile", () -> Transform.call(f, tree, parameters, out));
    return new Traced<>(Program.capture(parameters, outputs), out.get());
  }

  /** The program of {@link #trace}. */
  public static <A, B> Program program(Function<A, B> f, A x) {
    return trace(f, x).program();
  }

  private static List<Node> parameters(List<Tensor> leaves) {
    List<Node> parameters = new ArrayList<>();
    for (Tensor t : leaves) {
      Op op = new Op.Parameter(parameters.size());
      parameters.add(new Node(op, List.of(), t.shape(), t.dtype()));
    }
    return parameters;
  }

  /** The steps of the plan that {@link Autodiff#compile} would make. */
  public static <A, B> List<Step> steps(Function<A, B> f, A x) {
    return Plan.compile(Hesse.backend(), program(f, x).detach()).schedule().steps();
  }
}
