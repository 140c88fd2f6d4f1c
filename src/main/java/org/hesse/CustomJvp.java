package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.diff.BatchedRule;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.CustomTangents;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** A user's derivative, between the trees that it speaks of and the nodes of the graph. */
record CustomJvp<A, B>(Tree<A> in, Tree<B> out, Autodiff.TangentRule<A, B> rule)
    implements Op.TangentRule {
  /** The name of the traces that rules run in. */
  static final String RULE = "customJvp";

  static <A, B> B apply(Function<A, B> f, Autodiff.TangentRule<A, B> rule, A x) {
    if (Trace.current() == null) {
      return f.apply(x);
    }
    Tree<A> in = Tree.of("x", x);
    List<Node> arguments = in.leaves(x).stream().map(Tensor::node).toList();
    // The body is opaque to derivatives, except in what it captures, which is then noticed.
    List<Node> stopped = arguments.stream().map(Elementwise::stopGradient).toList();
    AtomicReference<Tree<B>> structure = new AtomicReference<>();
    List<Node> results = Transform.call(f, in, stopped, structure);
    Tree<B> out = structure.get();
    CustomJvp<A, B> custom = new CustomJvp<>(in, out, rule);
    return out.rebuild(tensors(CustomTangents.attach(custom, arguments, results)));
  }

  private static List<Tensor> tensors(List<Node> nodes) {
    return nodes.stream().map(Tensor::traced).toList();
  }

  @Override
  public List<Node> tangents(
      List<Node> arguments, List<Node> results, List<@Nullable Node> tangents) {
    List<Node> dx = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      Node t = tangents.get(i);
      dx.add(t == null ? Sources.fullLike(0, arguments.get(i)) : t);
    }
    return Trace.run(
        RULE,
        () -> {
          A x = in.rebuild(tensors(arguments));
          B y = out.rebuild(tensors(results));
          return checked(rule.apply(x, y, in.rebuild(tensors(dx))), results);
        });
  }

  private List<Node> checked(B dy, List<Node> results) {
    Tree<B> given = Tree.of("customJvp: the rule's tangent", dy);
    if (!given.equals(out)) {
      throw new IllegalArgumentException(
          "customJvp: the rule's tangent has the structure "
              + given
              + "; expected that of the function's result, "
              + out);
    }
    List<Tensor> leaves = out.leaves(dy);
    for (int i = 0; i < leaves.size(); i++) {
      if (results.get(i).dtype().isReal()) {
        Transform.requireLike(
            "customJvp: tangent from the rule", out.paths().get(i), leaves.get(i), results.get(i));
      }
    }
    return leaves.stream().map(Tensor::node).toList();
  }

  @Override
  public Op.TangentRule batched(boolean[] batched, int size) {
    return new BatchedRule(this, batched, size);
  }
}
