package org.hesse.testing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/**
 * A function traced once, and computed at as many points as wanted node by node, without a planner
 * or a backend.
 */
final class Interpreted<B> {
  private final Program program;
  private final Tree<B> out;
  private final int leaves;

  /** What is not computed: values captured, and those kept. */
  private final Map<Node, double[]> given;

  private Interpreted(Program program, Tree<B> out, int leaves, Map<Node, double[]> given) {
    this.program = program;
    this.out = out;
    this.leaves = leaves;
    this.given = given;
  }

  /** A function of trees; its argument's leaves and its result's are lists of arrays below. */
  static <A, B> Interpreted<B> of(Function<A, B> f, A x) {
    Graphs.Traced<B> traced = Graphs.trace(f, x);
    int leaves = Tree.leavesOf(x).size();
    Map<Node, double[]> captured = new HashMap<>();
    List<Node> inputs = traced.program().inputs();
    for (Node in : inputs.subList(leaves, inputs.size())) {
      Object data = ((Buffer) ((Op.Leaf) in.op()).value()).toArray();
      captured.put(in, ReferenceInterpreter.toDoubles(data));
    }
    return new Interpreted<>(traced.program(), traced.out(), leaves, captured);
  }

  /** The results at the leaves of x. */
  static <A, B> List<Arr> run(Function<A, B> f, A x) {
    return of(f, x).at(arrays(Tree.leavesOf(x)));
  }

  /** The result at x, of whatever structure it is. */
  static <A, B> B compute(Function<A, B> f, A x) {
    Interpreted<B> g = of(f, x);
    return g.out.rebuild(g.at(arrays(Tree.leavesOf(x))).stream().map(Arr::tensor).toList());
  }

  static List<Arr> arrays(List<Tensor> tensors) {
    return tensors.stream().map(Arr::of).toList();
  }

  /** The results at a point. */
  List<Arr> at(List<Arr> x) {
    Map<Node, double[]> values = values(x);
    List<Arr> results = new ArrayList<>();
    for (Node n : program.outputs()) {
      DType dtype = n.dtype().isReal() ? DType.F64 : n.dtype();
      results.add(new Arr(dtype, n.shape().dims(), values.get(n)));
    }
    return results;
  }

  private Map<Node, double[]> values(List<Arr> x) {
    Map<Node, double[]> known = new HashMap<>(given);
    for (int i = 0; i < leaves; i++) {
      known.put(program.inputs().get(i), x.get(i).values());
    }
    return ReferenceInterpreter.values(program, false, known);
  }

  /**
   * The same function, whose stopped gradients keep the values that they have at a point: its
   * difference quotients are the derivatives that are meant.
   */
  Interpreted<B> frozen(List<Arr> x) {
    Map<Node, double[]> values = values(x);
    Set<Node> bodies = customBodies();
    Map<Node, double[]> kept = new HashMap<>(given);
    for (Node n : program.nodes()) {
      if (n.op() instanceof Op.StopGradient && !bodies.contains(n)) {
        kept.put(n, values.get(n));
      }
    }
    return new Interpreted<>(program, out, leaves, kept);
  }

  /**
   * The stopped arguments with which functions that have rules of their own compute their value.
   */
  private Set<Node> customBodies() {
    Set<Node> bodies = new HashSet<>();
    for (Node n : program.nodes()) {
      if (n.op() instanceof Op.CustomJvp custom) {
        List<Node> arguments = n.inputs().subList(0, custom.arguments());
        ArrayDeque<Node> open =
            new ArrayDeque<>(n.inputs().subList(custom.arguments(), n.inputs().size()));
        Set<Node> seen = new HashSet<>();
        while (!open.isEmpty()) {
          Node m = open.pop();
          if (m.op() instanceof Op.StopGradient && arguments.contains(m.input(0))) {
            bodies.add(m);
          } else {
            m.inputs().stream().filter(seen::add).forEach(open::push);
          }
        }
      }
    }
    return bodies;
  }
}
