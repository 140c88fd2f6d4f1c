package org.hesse;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.hesse.diff.Batching;
import org.hesse.diff.Jvp;
import org.hesse.diff.Linearization;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Transforms of functions over trees of tensors (see {@link Tree}). They nest in each other in any
 * order and to any depth, and in {@link #compile}.
 *
 * <pre>{@code
 * record Line(Tensor slope, Tensor offset) {}
 * Function<Line, Tensor> loss = m -> x.mul(m.slope()).add(m.offset()).sub(y).square().mean();
 * Line gradient = grad(loss).apply(model);
 * Line curvature = hvp(loss, model, direction);
 * }</pre>
 */
public final class Autodiff {
  private Autodiff() {}

  /** A function's value and its gradient, which has the structure of the argument. */
  public record ValueAndGradient<A>(Tensor value, A gradient) {}

  /** A function's value and the image of a tangent under its Jacobian. */
  public record ValueAndTangent<B>(B value, B tangent) {}

  /**
   * A function's value, and its Jacobian's transpose as a function of a cotangent, which has the
   * structure of the value.
   */
  public record ValueAndPullback<A, B>(B value, Function<B, A> pullback) {}

  /**
   * The gradient of a scalar function, by reverse mode.
   *
   * @param f a function with a scalar real result
   * @return a function whose result has the structure of its argument
   * @throws IllegalArgumentException when applied, if f's result is no real scalar or the argument
   *     has a leaf that is not real
   */
  public static <A> UnaryOperator<A> grad(Function<A, Tensor> f) {
    return x -> {
      Tree<A> tree = Tree.of(x);
      return tree.rebuild(run("grad", () -> gradient(f, tree, x).subList(1, tree.size() + 1)));
    };
  }

  /** Like {@link #grad}, with the function's value, which costs nothing more. */
  public static <A> Function<A, ValueAndGradient<A>> valueAndGrad(Function<A, Tensor> f) {
    return x -> {
      Tree<A> tree = Tree.of(x);
      List<Tensor> result = run("valueAndGrad", () -> gradient(f, tree, x));
      return new ValueAndGradient<>(
          result.get(0), tree.rebuild(result.subList(1, tree.size() + 1)));
    };
  }

  /** The value, then the gradient's leaves. */
  private static <A> List<Node> gradient(Function<A, Tensor> f, Tree<A> tree, A x) {
    List<Node> inputs = freshCopies(tree.leaves(x));
    requireReal(tree, inputs);
    Node loss = f.apply(tree.rebuild(inputs.stream().map(Tensor::traced).toList())).node();
    if (loss.shape().rank() != 0 || !loss.dtype().isReal()) {
      throw new IllegalArgumentException(
          "f: result is "
              + loss.dtype()
              + loss.shape()
              + "; a gradient needs a real scalar (reduce it with sum or mean, or use vjp)");
    }
    Linearization linear = Linearization.of(List.of(loss), inputs);
    List<Node> results = new ArrayList<>(List.of(loss));
    results.addAll(orZeros(linear.pull(List.of(Sources.fullLike(1, loss))), inputs));
    return results;
  }

  /**
   * The value of f at x and its derivative along v, J v, by forward mode.
   *
   * @param v has the structure, shapes and dtypes of x; leaves that are not real are ignored
   */
  public static <A, B> ValueAndTangent<B> jvp(Function<A, B> f, A x, A v) {
    Tree<A> tree = Tree.of(x);
    List<Tensor> tangents = tree.leaves(v);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Tensor> result =
        run(
            "jvp",
            () -> {
              List<Node> inputs = freshCopies(tree.leaves(x));
              List<Node> values = call(f, tree, inputs, out);
              List<Node> nodes = new ArrayList<>(values);
              nodes.addAll(orZeros(Jvp.push(values, seeds(tree, inputs, tangents)), values));
              return nodes;
            });
    Tree<B> tree2 = out.get();
    int n = tree2.size();
    return new ValueAndTangent<>(
        tree2.rebuild(result.subList(0, n)), tree2.rebuild(result.subList(n, 2 * n)));
  }

  private static Map<Node, Node> seeds(Tree<?> tree, List<Node> inputs, List<Tensor> tangents) {
    Map<Node, Node> seeds = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      Node in = inputs.get(i);
      requireLike("v", tree.paths().get(i), tangents.get(i), in);
      if (in.dtype().isReal()) {
        seeds.put(in, tangents.get(i).node());
      }
    }
    return seeds;
  }

  /**
   * The value of f at x, and the function u ↦ Jᵀu, by reverse mode. Outside other transforms the
   * value and all that the pullback needs are computed once, here.
   *
   * @throws IllegalArgumentException if x has a leaf that is not real
   */
  public static <A, B> ValueAndPullback<A, B> vjp(Function<A, B> f, A x) {
    Tree<A> tree = Tree.of(x);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    AtomicReference<Linearization> linear = new AtomicReference<>();
    AtomicReference<List<Node>> residuals = new AtomicReference<>(List.of());
    List<Tensor> result =
        run(
            "vjp",
            () -> {
              List<Node> inputs = freshCopies(tree.leaves(x));
              requireReal(tree, inputs);
              List<Node> values = call(f, tree, inputs, out);
              linear.set(Linearization.of(values, inputs));
              residuals.set(linear.get().residuals());
              List<Node> nodes = new ArrayList<>(values);
              nodes.addAll(residuals.get());
              return nodes;
            });
    int n = out.get().size();
    Map<Node, Node> computed = new HashMap<>();
    for (int i = 0; i < residuals.get().size(); i++) {
      computed.put(residuals.get().get(i), result.get(n + i).node());
    }
    Linearization applied = linear.get().substitute(computed);
    B value = out.get().rebuild(result.subList(0, n));
    return new ValueAndPullback<>(value, u -> pullback(applied, tree, out.get(), value, u));
  }

  private static <A, B> A pullback(
      Linearization linear, Tree<A> tree, Tree<B> out, B value, B cotangent) {
    List<Tensor> values = out.leaves(value);
    List<Tensor> cotangents = out.leaves(cotangent);
    for (int i = 0; i < values.size(); i++) {
      requireLike("cotangent", out.paths().get(i), cotangents.get(i), values.get(i).node());
    }
    return tree.rebuild(
        run(
            "vjp",
            () -> {
              List<@Nullable Node> u = new ArrayList<>();
              cotangents.forEach(t -> u.add(t.node()));
              return orZeros(linear.pull(u), linear.tangents());
            }));
  }

  /**
   * The product of the Hessian of a scalar function with a vector, H v, by forward mode over
   * reverse mode.
   *
   * @param v has the structure, shapes and dtypes of x
   */
  public static <A> A hvp(Function<A, Tensor> f, A x, A v) {
    Tree<A> tree = Tree.of(x);
    return tree.rebuild(run("hvp", () -> nodes(tree.leaves(jvp(grad(f), x, v).tangent()))));
  }

  /**
   * Maps a function of one example over a batch: every leaf of the argument and of the result has
   * one more axis, in front. What the function captures from outside is the same for all examples.
   *
   * @throws IllegalArgumentException when applied, if the leading extents differ
   */
  public static <A, B> Function<A, B> vmap(Function<A, B> f) {
    return x -> {
      Tree<A> tree = Tree.of(x);
      List<Tensor> leaves = tree.leaves(x);
      int size = batchSize(tree, leaves);
      AtomicReference<Tree<B>> out = new AtomicReference<>();
      List<Tensor> result =
          run(
              "vmap",
              () -> {
                Map<Node, Node> batched = new HashMap<>();
                List<Node> inputs = new ArrayList<>();
                for (Tensor t : leaves) {
                  Shape one = t.shape().remove(0);
                  Node p = new Node(new Op.Placeholder(), List.of(), one, t.dtype());
                  inputs.add(p);
                  batched.put(p, t.node());
                }
                return Batching.batch(call(f, tree, inputs, out), batched, size);
              });
      return out.get().rebuild(result);
    };
  }

  private static int batchSize(Tree<?> tree, List<Tensor> leaves) {
    int size = -1;
    for (int i = 0; i < leaves.size(); i++) {
      Shape s = leaves.get(i).shape();
      if (s.rank() == 0 || size >= 0 && s.dim(0) != size) {
        throw new IllegalArgumentException(
            "vmap: leaf '"
                + tree.paths().get(i)
                + "' has shape "
                + s
                + "; expected "
                + (size < 0 ? "a leading batch axis" : "a leading extent of " + size));
      }
      size = s.dim(0);
    }
    if (size < 0) {
      throw new IllegalArgumentException("vmap: the argument has no tensor to map over");
    }
    return size;
  }

  /**
   * A function that is traced once for each structure of its argument (leaf shapes and dtypes,
   * static parts) and from then on replayed as one plan. Tensors that it captures are read at the
   * first call; numbers that change from call to call must be tensors in the argument.
   */
  public static <A, B> Function<A, B> compile(Function<A, B> f) {
    return new Compiled<>(f);
  }

  /** {@link #compile(Function)} for two arguments. */
  public static <A, B, C> BiFunction<A, B, C> compile(BiFunction<A, B, C> f) {
    Compiled<Pair<A, B>, C> compiled = new Compiled<>(p -> f.apply(p.first(), p.second()));
    return (a, b) -> compiled.apply(new Pair<>(a, b));
  }

  private record Pair<A, B>(A first, B second) {}

  /**
   * Compares the derivatives of a scalar function with central differences, leaf by leaf along
   * random directions.
   *
   * @param order highest order checked, 1 or more; order 2 checks the Hessian
   * @throws IllegalArgumentException if f's result is no real scalar or x has a leaf that is not
   *     real
   */
  public static <A> GradientReport checkGradients(Function<A, Tensor> f, A x, int order) {
    return GradientCheck.run(f, x, order, RngKey.of(0));
  }

  // ---- shared parts

  /** Traces a body; its nodes run at once, or stay nodes where a trace is already under way. */
  private static List<Tensor> run(String transform, Supplier<List<Node>> body) {
    List<Node> nodes = Trace.run(transform, body);
    return Trace.current() == null
        ? Hesse.evaluate(nodes)
        : nodes.stream().map(Tensor::traced).toList();
  }

  /** The nodes of f's result; its structure goes to {@code out}. */
  static <A, B> List<Node> call(
      Function<A, B> f, Tree<A> tree, List<Node> inputs, AtomicReference<Tree<B>> out) {
    B y = f.apply(tree.rebuild(inputs.stream().map(Tensor::traced).toList()));
    out.set(Tree.of(y));
    return nodes(out.get().leaves(y));
  }

  private static List<Node> nodes(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::node).toList();
  }

  /** Nodes of their own, so that this transform sees only uses through the function's argument. */
  private static List<Node> freshCopies(List<Tensor> leaves) {
    return leaves.stream().map(t -> Elementwise.copy(t.node())).toList();
  }

  private static List<Node> orZeros(List<@Nullable Node> nodes, List<Node> like) {
    List<Node> result = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      Node n = nodes.get(i);
      result.add(n == null ? Sources.fullLike(0, like.get(i)) : n);
    }
    return result;
  }

  private static void requireReal(Tree<?> tree, List<Node> leaves) {
    for (int i = 0; i < leaves.size(); i++) {
      if (!leaves.get(i).dtype().isReal()) {
        throw new IllegalArgumentException(
            "x: leaf '"
                + tree.paths().get(i)
                + "' is "
                + leaves.get(i).dtype()
                + "; only F32 and F64 have derivatives (capture it instead of passing it)");
      }
    }
  }

  private static void requireLike(String name, String path, Tensor given, Node expected) {
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
}
