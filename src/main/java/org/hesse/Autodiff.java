package org.hesse;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.diff.Jvp;
import org.hesse.diff.Linearization;
import org.hesse.ir.Node;
import org.hesse.ir.Program;
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
   * A function's value, and its Jacobian as a function of a tangent, which has the structure of the
   * argument.
   */
  public record ValueAndPushforward<A, B>(B value, Function<A, B> pushforward) {}

  /** The derivative that {@link #customJvp} gives to a function. */
  @FunctionalInterface
  public interface TangentRule<A, B> {
    /**
     * The tangent of the result. Must be linear in {@code dx}.
     *
     * @param x the argument
     * @param y the function's result there; its derivative is this rule again
     * @param dx tangent of x, of its structure, shapes and dtypes
     * @return structure, shapes and dtypes of y; tensors that are not real are ignored
     */
    B apply(A x, B y, A dx);
  }

  /**
   * The gradient of a scalar function, by reverse mode.
   *
   * @param f a function with a scalar real result
   * @return a function whose result has the structure of its argument
   * @throws IllegalArgumentException when applied, if f's result is no real scalar or the argument
   *     has a leaf that is not real
   */
  public static <A> UnaryOperator<A> grad(Function<A, Tensor> f) {
    Misuse.given("grad", "f", f, "a function");
    return x -> {
      Tree<A> tree = Tree.of("x", x);
      return tree.rebuild(gradient("grad", f, tree, x, 1));
    };
  }

  /** Like {@link #grad}, with the function's value, which costs nothing more. */
  public static <A> Function<A, ValueAndGradient<A>> valueAndGrad(Function<A, Tensor> f) {
    Misuse.given("valueAndGrad", "f", f, "a function");
    return x -> {
      Tree<A> tree = Tree.of("x", x);
      List<Tensor> result = gradient("valueAndGrad", f, tree, x, 0);
      return new ValueAndGradient<>(
          result.get(0), tree.rebuild(result.subList(1, tree.size() + 1)));
    };
  }

  /** The value, then the gradient's leaves; the first of these is number {@code from}. */
  private static <A> List<Tensor> gradient(
      String transform, Function<A, Tensor> f, Tree<A> tree, A x, int from) {
    List<Tensor> leaves = tree.leaves(x);
    return Transform.run(
        transform,
        leaves,
        () -> {
          List<Node> inputs = Transform.freshCopies(leaves);
          Transform.requireReal("x", tree, inputs);
          A copy = tree.rebuild(inputs.stream().map(Tensor::traced).toList());
          Node loss = Transform.scalar(transform, f, copy).node();
          Linearization linear = Linearization.of(List.of(loss), inputs);
          var pulled = linear.pull(List.of(Sources.fullLike(1, loss)));
          List<Node> results = new ArrayList<>(Transform.orZeros(pulled, inputs));
          results.addFirst(loss);
          return results.subList(from, results.size());
        });
  }

  /**
   * The value of f at x and its derivative along v, J v, by forward mode.
   *
   * @param v has the structure, shapes and dtypes of x; leaves that are not real are ignored
   */
  public static <A, B> ValueAndTangent<B> jvp(Function<A, B> f, A x, A v) {
    Tree<A> tree = Tree.of("x", x);
    List<Tensor> tangents = tree.leaves("v", v);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Tensor> result =
        Transform.run(
            "jvp",
            tree.leaves(x),
            () -> {
              List<Node> inputs = Transform.freshCopies(tree.leaves(x));
              List<Node> values = Transform.call(f, tree, inputs, out);
              List<Node> nodes = new ArrayList<>(values);
              nodes.addAll(
                  Transform.orZeros(Jvp.push(values, seeds(tree, inputs, tangents)), values));
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
      Transform.requireLike("v", tree.paths().get(i), tangents.get(i), in);
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
    Tree<A> tree = Tree.of("x", x);
    Linear<B> linear = linear("vjp", f, tree, tree.leaves(x), true);
    return new ValueAndPullback<>(
        linear.value, u -> pullback(linear.function, tree, linear.out, linear.value, u));
  }

  /** A function's value and derivative, whose residuals are computed. */
  private record Linear<B>(Tree<B> out, B value, Linearization function) {}

  /** Differentiates with respect to the real leaves; all must be so for reverse mode. */
  private static <A, B> Linear<B> linear(
      String transform, Function<A, B> f, Tree<A> tree, List<Tensor> leaves, boolean reverse) {
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    AtomicReference<Linearization> linear = new AtomicReference<>();
    AtomicReference<List<Node>> residuals = new AtomicReference<>(List.of());
    List<Tensor> result =
        Transform.run(
            transform,
            leaves,
            () -> {
              List<Node> inputs = Transform.freshCopies(leaves);
              if (reverse) {
                Transform.requireReal("x", tree, inputs);
              }
              List<Node> values = Transform.call(f, tree, inputs, out);
              List<Node> real = inputs.stream().filter(n -> n.dtype().isReal()).toList();
              linear.set(Linearization.of(values, real));
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
    B value = out.get().rebuild(result.subList(0, n));
    return new Linear<>(out.get(), value, linear.get().substitute(computed));
  }

  private static <A, B> A pullback(
      Linearization linear, Tree<A> tree, Tree<B> out, B value, B cotangent) {
    List<Tensor> values = out.leaves(value);
    List<Tensor> cotangents = out.leaves("cotangent", cotangent);
    for (int i = 0; i < values.size(); i++) {
      Transform.requireLike(
          "cotangent", out.paths().get(i), cotangents.get(i), values.get(i).node());
    }
    return tree.rebuild(
        Transform.run(
            "vjp",
            cotangents,
            () -> {
              List<@Nullable Node> u = new ArrayList<>();
              cotangents.forEach(t -> u.add(t.node()));
              return Transform.orZeros(linear.pull(u), linear.tangents());
            }));
  }

  /**
   * The value of f at x, and the function v ↦ J v, by forward mode. Outside other transforms the
   * value and all that the pushforward needs are computed once, here; prefer it to {@link #jvp} for
   * several tangents at one point.
   *
   * <p>The tangent has the structure, shapes and dtypes of x; its leaves that are not real are
   * ignored.
   */
  public static <A, B> ValueAndPushforward<A, B> linearize(Function<A, B> f, A x) {
    Tree<A> tree = Tree.of("x", x);
    List<Tensor> leaves = tree.leaves(x);
    Linear<B> linear = linear("linearize", f, tree, leaves, false);
    return new ValueAndPushforward<>(
        linear.value, v -> pushforward(linear, tree, leaves, tree.leaves("v", v)));
  }

  private static <A, B> B pushforward(
      Linear<B> linear, Tree<A> tree, List<Tensor> leaves, List<Tensor> tangents) {
    for (int i = 0; i < leaves.size(); i++) {
      Transform.requireLike("v", tree.paths().get(i), tangents.get(i), leaves.get(i).node());
    }
    return linear.out.rebuild(
        Transform.run(
            "linearize",
            tangents,
            () -> {
              List<Node> v =
                  Transform.nodes(tangents).stream().filter(n -> n.dtype().isReal()).toList();
              return Transform.orZeros(
                  linear.function.push(v), Transform.nodes(linear.out.leaves(linear.value)));
            }));
  }

  /**
   * The Jacobian of a function of one tensor by forward mode, one tangent for each number in x.
   * Prefer {@link #jacobian} unless you know better.
   *
   * @param f from a tensor to a tensor
   * @return [out…, in…], of the result's dtype
   * @throws IllegalArgumentException if x or the result is not real
   */
  public static Tensor jacfwd(Function<Tensor, Tensor> f, Tensor x) {
    return Jacobians.of("jacfwd", Jacobians.Mode.FORWARD, f, x).block("", "");
  }

  /** {@link #jacfwd(Function, Tensor)} between trees. */
  public static <A, B> Jacobian<A, B> jacfwd(Function<A, B> f, A x) {
    return Jacobians.of("jacfwd", Jacobians.Mode.FORWARD, f, x);
  }

  /**
   * The Jacobian of a function of one tensor by reverse mode, one cotangent for each number in the
   * result. Prefer {@link #jacobian} unless you know better.
   *
   * @param f from a tensor to a tensor
   * @return [out…, in…], of the result's dtype
   * @throws IllegalArgumentException if x or the result is not real
   */
  public static Tensor jacrev(Function<Tensor, Tensor> f, Tensor x) {
    return Jacobians.of("jacrev", Jacobians.Mode.REVERSE, f, x).block("", "");
  }

  /** {@link #jacrev(Function, Tensor)} between trees. */
  public static <A, B> Jacobian<A, B> jacrev(Function<A, B> f, A x) {
    return Jacobians.of("jacrev", Jacobians.Mode.REVERSE, f, x);
  }

  /**
   * The Jacobian of a function of one tensor, by forward mode if x has no more numbers than the
   * result, else by reverse mode. The function itself is computed once.
   *
   * <pre>{@code
   * Tensor j = jacobian((Tensor x) -> x.softmax(0), x);  // diag(p) − ppᵀ
   * }</pre>
   *
   * @param f from a tensor to a tensor
   * @return [out…, in…], of the result's dtype
   * @throws IllegalArgumentException if x or the result is not real
   */
  public static Tensor jacobian(Function<Tensor, Tensor> f, Tensor x) {
    return Jacobians.of("jacobian", Jacobians.Mode.CHEAPER, f, x).block("", "");
  }

  /** {@link #jacobian(Function, Tensor)} between trees: a block for each pair of tensors. */
  public static <A, B> Jacobian<A, B> jacobian(Function<A, B> f, A x) {
    return Jacobians.of("jacobian", Jacobians.Mode.CHEAPER, f, x);
  }

  /**
   * The Hessian of a scalar function of one tensor, by forward mode over reverse mode. For products
   * with vectors alone see {@link #hvp}.
   *
   * @param f from a tensor to a real scalar
   * @return [in…, in…]
   * @throws IllegalArgumentException if x is not real or f's result is no real scalar
   */
  public static Tensor hessian(Function<Tensor, Tensor> f, Tensor x) {
    return Jacobians.hessian(f, x).block("", "");
  }

  /** {@link #hessian(Function, Tensor)} of a function of a tree: the Jacobian of its gradient. */
  public static <A> Jacobian<A, A> hessian(Function<A, Tensor> f, A x) {
    return Jacobians.hessian(f, x);
  }

  /** Which modes make a product with a Hessian; all give the same up to rounding. */
  public enum HvpMode {
    /** The tangent of the gradient: the cheapest as a rule. */
    FORWARD_OVER_REVERSE,
    /** The gradient of the inner product of gradient and vector. */
    REVERSE_OVER_REVERSE,
    /**
     * The gradient of the derivative along the vector; for functions with a custom tangent rule.
     */
    REVERSE_OVER_FORWARD
  }

  /**
   * The product of the Hessian of a scalar function with a vector, H v, by forward mode over
   * reverse mode.
   *
   * @param v has the structure, shapes and dtypes of x
   */
  public static <A> A hvp(Function<A, Tensor> f, A x, A v) {
    return hvp(f, x, v, HvpMode.FORWARD_OVER_REVERSE);
  }

  /** {@link #hvp(Function, Object, Object)} by the modes asked for. */
  public static <A> A hvp(Function<A, Tensor> f, A x, A v, HvpMode mode) {
    Tree<A> tree = Tree.of("x", x);
    UnaryOperator<A> product =
        switch (mode) {
          case FORWARD_OVER_REVERSE -> z -> jvp(grad(f), z, v).tangent();
          case REVERSE_OVER_REVERSE -> grad(z -> Transform.dot(tree, grad(f).apply(z), v));
          case REVERSE_OVER_FORWARD -> grad(z -> jvp(f, z, v).tangent());
        };
    return tree.rebuild(
        Transform.run("hvp", tree.leaves(x), () -> Transform.nodes(tree.leaves(product.apply(x)))));
  }

  /**
   * Maps a function of one example over a batch: every leaf of the argument and of the result has
   * one more axis, in front. What the function captures from outside is the same for all examples.
   *
   * @throws IllegalArgumentException when applied, if the leading extents differ
   */
  public static <A, B> Function<A, B> vmap(Function<A, B> f) {
    return vmap(f, VmapAxes.of(0), VmapAxes.of(0));
  }

  /** {@link #vmap(Function, VmapAxes, VmapAxes)} with the results' batch axes in front. */
  public static <A, B> Function<A, B> vmap(Function<A, B> f, VmapAxes in) {
    return vmap(f, in, VmapAxes.of(0));
  }

  /**
   * Maps a function of one example over a batch whose axis may be anywhere, or missing.
   *
   * <pre>{@code
   * vmap((Tensor x) -> x.softmax(0), VmapAxes.of(1), VmapAxes.of(1));    // along columns
   * vmap((Mlp m, Tensor x) -> m.apply(x), VmapAxes.unmapped(), VmapAxes.of(0));
   * vmap(f, VmapAxes.unmapped().with("hidden.bias", 0));
   * }</pre>
   *
   * @param in the batch axis of each leaf of the argument; at least one has one
   * @param out the batch axis of each leaf of the result, counted in the result that has it; only
   *     what does not depend on the batch can be unmapped
   * @throws IllegalArgumentException when applied, if a leaf has no such axis, extents differ, a
   *     name is no leaf's, or an unmapped result depends on the batch
   */
  public static <A, B> Function<A, B> vmap(Function<A, B> f, VmapAxes in, VmapAxes out) {
    Misuse.given("vmap", "f", f, "a function");
    return x -> Vmap.apply(f, in, out, x);
  }

  /** {@link #vmap(Function)} for two arguments. */
  public static <A, B, C> BiFunction<A, B, C> vmap(BiFunction<A, B, C> f) {
    return vmap(f, VmapAxes.of(0), VmapAxes.of(0));
  }

  /** {@link #vmap(Function, VmapAxes)} for two arguments. */
  public static <A, B, C> BiFunction<A, B, C> vmap(
      BiFunction<A, B, C> f, VmapAxes first, VmapAxes second) {
    return vmap(f, first, second, VmapAxes.of(0));
  }

  /**
   * {@link #vmap(Function, VmapAxes, VmapAxes)} for two arguments, which messages call {@code
   * first} and {@code second}.
   */
  public static <A, B, C> BiFunction<A, B, C> vmap(
      BiFunction<A, B, C> f, VmapAxes first, VmapAxes second, VmapAxes out) {
    Function<Pair<A, B>, C> mapped =
        vmap(Pair.function("vmap", f), VmapAxes.both(first, second), out);
    return (a, b) -> mapped.apply(new Pair<>(a, b));
  }

  /**
   * A function with a derivative of its own: forward mode calls the rule, reverse mode transposes
   * what the rule builds, and higher orders differentiate the rule itself, in which {@code y} has
   * this rule as its derivative.
   *
   * <pre>{@code
   * var softplus = customJvp((Tensor x) -> x.exp().log1p(), (x, y, dx) -> x.sigmoid().mul(dx));
   * }</pre>
   *
   * <p>The function may capture tensors that are mapped but none that is differentiated, and the
   * rule none of either: pass those as part of the argument.
   *
   * @param f computes the value; its own operations are not differentiated
   * @param rule computes the tangent from the argument, the value and the argument's tangent
   * @throws IllegalArgumentException when differentiated, if the rule's result is not like the
   *     value
   * @throws IllegalStateException when differentiated, if f captures a tensor that is
   *     differentiated, or by reverse mode if the rule is not linear in the tangent
   */
  public static <A, B> Function<A, B> customJvp(Function<A, B> f, TangentRule<A, B> rule) {
    Misuse.given("customJvp", "f", f, "a function");
    Misuse.given("customJvp", "rule", rule, "a rule for the tangent");
    return x -> CustomJvp.apply(f, rule, x);
  }

  /**
   * The same function, of whose values in between reverse mode keeps none: it computes them again
   * from the argument when it needs them, so that memory grows with the number of checkpointed
   * functions instead of their operations, at the price of one more evaluation. See Griewank and
   * Walther, Algorithm 799: revolve (2000); Chen et al., Training deep nets with sublinear memory
   * cost (2016).
   *
   * <pre>{@code
   * Tensor h = x;
   * for (Block b : model.blocks()) {
   *   h = checkpoint((Tensor t) -> b.apply(t)).apply(h);
   * }
   * }</pre>
   *
   * <p>It has derivatives of every order by every mode, and may capture what is differentiated.
   */
  public static <A, B> Function<A, B> checkpoint(Function<A, B> f) {
    Misuse.given("checkpoint", "f", f, "a function");
    return x -> Checkpoint.apply(f, x);
  }

  /**
   * The solution x of F(x, p) = 0 as a function of p, with the derivative of the implicit function
   * theorem, dx = −(∂F/∂x)⁻¹ (∂F/∂p) dp, whatever way the solver has found it. Derivatives of every
   * order, by every mode, under {@code vmap} and in {@code compile}.
   *
   * <pre>{@code
   * Function<Tensor, Tensor> ridge = rootDerivative(
   *     lambda -> solution,                                         // found before, for this lambda
   *     (w, lambda) -> gram.matmul(w).sub(moment).add(w.mul(lambda)));
   * grad((Tensor l) -> validationLoss(ridge.apply(l))).apply(lambda);
   * }</pre>
   *
   * <p>Both functions may capture constants only; everything that is differentiated or mapped
   * belongs in p. In a trace the solver is traced too, so it has a fixed number of steps; a solver
   * that reads values runs beforehand, and its result is captured (or passed in p where the
   * function is compiled).
   *
   * <p>The derivative solves with ∂F/∂x as a dense matrix ({@link LinearSolver#dense}), for up to
   * 4,096 unknowns; the other form takes another way to solve.
   *
   * @param solver from p to x
   * @param residual F, with the structure, shapes and dtypes of x, all real and of one dtype; zero
   *     at the solution
   */
  public static <P, X> Function<P, X> rootDerivative(
      Function<P, X> solver, BiFunction<X, P, X> residual) {
    return rootDerivative(solver, residual, LinearSolver.dense());
  }

  /** {@link #rootDerivative(Function, BiFunction)} that solves with ∂F/∂x as it is told. */
  public static <P, X> Function<P, X> rootDerivative(
      Function<P, X> solver, BiFunction<X, P, X> residual, LinearSolver linear) {
    return Implicit.root(solver, residual, linear);
  }

  /**
   * The minimiser in x of a scalar function of (x, p) as a function of p: {@link #rootDerivative}
   * of the gradient in x, which must be zero at the solution.
   *
   * @param solver from p to x
   * @param objective smooth, with a regular Hessian in x at the solution
   */
  public static <P, X> Function<P, X> argminDerivative(
      Function<P, X> solver, BiFunction<X, P, Tensor> objective) {
    return argminDerivative(solver, objective, LinearSolver.dense());
  }

  /**
   * {@link #argminDerivative(Function, BiFunction)} that solves with the Hessian as it is told, for
   * instance by conjugate gradients, which need no matrix.
   */
  public static <P, X> Function<P, X> argminDerivative(
      Function<P, X> solver, BiFunction<X, P, Tensor> objective, LinearSolver linear) {
    return Implicit.minimum(solver, objective, linear);
  }

  /**
   * A function that is traced once for each structure of its argument (leaf shapes and dtypes,
   * static parts) and from then on replayed as one plan. Tensors that it captures are read at the
   * first call; numbers that change from call to call must be tensors in the argument.
   */
  public static <A, B> Function<A, B> compile(Function<A, B> f) {
    return compile(f, Donate.none());
  }

  /**
   * {@link #compile(Function)} of a function whose caller gives some of the argument away, so that
   * its memory serves for later results; see {@link Donate}. Inside another trace the function
   * becomes part of that, and nothing is given away.
   *
   * @throws IllegalArgumentException when applied, if a donated name is no tensor's, or the
   *     function captures a tensor that is donated
   * @throws IllegalStateException when applied, if a tensor was donated before
   */
  public static <A, B> Function<A, B> compile(Function<A, B> f, Donate donate) {
    return new Compiled<>(f, donate);
  }

  /** {@link #compile(Function)} for two arguments. */
  public static <A, B, C> BiFunction<A, B, C> compile(BiFunction<A, B, C> f) {
    return compile(f, Donate.none());
  }

  /**
   * {@link #compile(Function, Donate)} for two arguments.
   *
   * <pre>{@code
   * var step = compile((TrainState<Mlp> s, Dataset b) -> update(s, b), Donate.first());
   * }</pre>
   */
  public static <A, B, C> BiFunction<A, B, C> compile(BiFunction<A, B, C> f, Donate donate) {
    Compiled<Pair<A, B>, C> compiled = new Compiled<>(Pair.function("compile", f), donate);
    return (a, b) -> compiled.apply(new Pair<>(a, b));
  }

  /**
   * The graph that {@link #compile} would plan for an argument of this structure, to print or draw.
   *
   * <pre>{@code
   * System.out.println(program(grad(loss), model).print());
   * Files.writeString(Path.of("loss.dot"), program(loss, model).dot());  // dot -Tsvg loss.dot
   * }</pre>
   *
   * @return a program whose first inputs are the leaves of x, then the tensors that f captures
   */
  public static <A, B> Program program(Function<A, B> f, A x) {
    Tree<A> tree = Tree.of("x", x);
    Device device = Transform.device(tree.leaves(x));
    List<Node> parameters = Transform.parameters(tree.leaves(x));
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    return Program.capture(
        parameters, Trace.run("program", device, () -> Transform.call(f, tree, parameters, out)));
  }

  /**
   * Compares the derivatives of a scalar function with central differences, leaf by leaf along
   * random directions.
   *
   * @param order highest order checked, 1 or more; order 2 checks the Hessian
   * @throws IllegalArgumentException if f's result is no real scalar, or a leaf of x not real
   */
  public static <A> GradientReport checkGradients(Function<A, Tensor> f, A x, int order) {
    return checkGradients(f, x, GradientOptions.order(order));
  }

  /**
   * Compares the derivatives of a scalar function with central differences, leaf by leaf. A point
   * on a kink is moved away from it and the report says so.
   *
   * <pre>{@code
   * GradientReport r = checkGradients(loss, model, GradientOptions.order(2).everyCoordinate());
   * assertTrue(r.passed(), r.toString());
   * }</pre>
   *
   * @throws IllegalArgumentException if f's result is no real scalar, or a leaf of x not real
   */
  public static <A> GradientReport checkGradients(
      Function<A, Tensor> f, A x, GradientOptions options) {
    return GradientCheck.run(f, x, options);
  }
}
