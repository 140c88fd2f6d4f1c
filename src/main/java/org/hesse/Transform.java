package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** What transforms have in common: tracing, and checks of what goes in and what comes out. */
final class Transform {
  /** How many tensors of an unexpected result a message names. */
  private static final int DESCRIBED = 6;

  private Transform() {}

  /** Traces a body; its nodes run at once, or stay nodes where a trace is already under way. */
  static List<Tensor> run(String transform, List<Tensor> arguments, Supplier<List<Node>> body) {
    Device device = device(arguments);
    List<Node> nodes = Trace.run(transform, device, body);
    return Trace.current() == null
        ? Hesse.evaluate(leaves -> Backends.reading(transform, device, leaves), nodes)
        : nodes.stream().map(Tensor::traced).toList();
  }

  /** Where a function of these tensors runs: where the first of them is. */
  static Device device(List<Tensor> arguments) {
    return arguments.isEmpty() ? Hesse.device() : arguments.getFirst().device();
  }

  /** The nodes of f's result; its structure goes to {@code out}. */
  static <A, B> List<Node> call(
      Function<A, B> f, Tree<A> tree, List<Node> inputs, AtomicReference<Tree<B>> out) {
    Trace trace = Trace.current();
    Misuse.given(trace == null ? "call" : trace.transform(), "f", f, "a function");
    B y = f.apply(tree.rebuild(inputs.stream().map(Tensor::traced).toList()));
    out.set(Tree.of("the result of f", y));
    return nodes(out.get().leaves(y));
  }

  /**
   * The result of a function that is to be differentiated as a whole.
   *
   * @throws IllegalArgumentException if it is no real scalar
   */
  static <A> Tensor scalar(String transform, Function<A, Tensor> f, A x) {
    // Not as a Tensor, which a function of an unchecked type need not return.
    Object y = ((Function<A, ?>) Misuse.given(transform, "f", f, "a function")).apply(x);
    if (y instanceof Tensor t && t.rank() == 0 && t.dtype().isReal()) {
      return t;
    }
    throw new IllegalArgumentException(
        transform + ": the result of f is " + describe(y) + "; expected a real scalar" + remedy(y));
  }

  private static String describe(@Nullable Object y) {
    if (y == null) {
      return "null";
    } else if (y instanceof Tensor t) {
      return t.type();
    }
    String type = "a " + y.getClass().getSimpleName();
    List<Tensor> leaves = Tree.leavesOf(y);
    List<String> paths = Tree.of(y).paths();
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < Math.min(leaves.size(), DESCRIBED); i++) {
      parts.add("'" + paths.get(i) + "' " + leaves.get(i).type());
    }
    String more = leaves.size() > DESCRIBED ? ", …" : "";
    return parts.isEmpty() ? type : type + " of " + String.join(", ", parts) + more;
  }

  private static String remedy(@Nullable Object y) {
    if (y == null) {
      return " (return the loss)";
    } else if (y instanceof Tensor t) {
      return t.dtype().isReal()
          ? " (reduce it with sum or mean, or take the vjp or jacobian)"
          : " (only F32 and F64 have derivatives)";
    }
    return Tree.of(y).size() == 0
        ? " tensor; a Java number has no derivative"
        : " (return one of its tensors, or take the vjp or jacobian)";
  }

  /** The sum of the products of all numbers of two values of one structure. */
  static <A> Tensor dot(Tree<A> tree, A a, A b) {
    List<Tensor> right = tree.leaves(b);
    List<Tensor> left = tree.leaves(a);
    Tensor sum = left.get(0).mul(right.get(0)).sum();
    for (int i = 1; i < left.size(); i++) {
      sum = sum.add(left.get(i).mul(right.get(i)).sum());
    }
    return sum;
  }

  static List<Node> nodes(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::node).toList();
  }

  /** Nodes of their own, so that this transform sees only uses through the function's argument. */
  static List<Node> freshCopies(List<Tensor> leaves) {
    return leaves.stream().map(t -> Elementwise.copy(t.node())).toList();
  }

  static List<Node> orZeros(List<@Nullable Node> nodes, List<Node> like) {
    List<Node> result = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      Node n = nodes.get(i);
      result.add(n == null ? Sources.fullLike(0, like.get(i)) : n);
    }
    return result;
  }

  static void requireReal(String name, Tree<?> tree, List<Node> leaves) {
    for (int i = 0; i < leaves.size(); i++) {
      if (!leaves.get(i).dtype().isReal()) {
        throw new IllegalArgumentException(
            name
                + ": leaf '"
                + tree.paths().get(i)
                + "' is "
                + leaves.get(i).dtype()
                + "; only F32 and F64 have derivatives (capture it instead of passing it)");
      }
    }
  }

  static void requireLike(String name, String path, Tensor given, Node expected) {
    if (!given.shape().equals(expected.shape()) || given.dtype() != expected.dtype()) {
      throw new IllegalArgumentException(
          name
              + ": leaf '"
              + path
              + "' is "
              + given.dtype()
              + given.shape()
              + "; expected "
              + expected.dtype()
              + expected.shape());
    }
  }

  static List<Node> parameters(List<Tensor> leaves) {
    List<Node> parameters = new ArrayList<>();
    for (Tensor t : leaves) {
      Op op = new Op.Parameter(parameters.size());
      parameters.add(new Node(op, List.of(), t.shape(), t.dtype()));
    }
    return parameters;
  }
}
