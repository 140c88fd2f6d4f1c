package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.diff.Partial;
import org.hesse.ir.Node;

/**
 * A function of which all that does not depend on its argument has been computed, once. For a
 * product with a matrix that is given by derivatives, such as {@code v -> hvp(loss, x, v)}, that is
 * the whole pass over the model: what is left is linear in v.
 *
 * <pre>{@code
 * UnaryOperator<Tensor> h = v -> hvp(loss, x, v);
 * var product = Precomputed.of(h, x, 1L << 28).orElseThrow();
 * var fast = compile((Tensor v) -> product.apply(v));          // all further products
 * }</pre>
 *
 * @param <A> the argument
 * @param <B> the result
 */
public final class Precomputed<A, B> implements Function<A, B> {
  private final Tree<A> tree;
  private final List<Tensor> like;
  private final Tree<B> result;
  private final Partial partial;
  private final List<Tensor> known;

  private Precomputed(
      Tree<A> tree, List<Tensor> like, Tree<B> result, Partial partial, List<Tensor> known) {
    this.tree = tree;
    this.like = like;
    this.result = result;
    this.partial = partial;
    this.known = known;
  }

  /**
   * Traces a function and computes what its argument does not decide, unless that takes more memory
   * than allowed. Views of values are not computed ahead, nor are constants.
   *
   * @param f a function of tensors, as for {@link Autodiff#compile(Function)}
   * @param like an argument, of which only structure, shapes, dtypes and device count
   * @param mostBytes what may be held for as long as the result lives
   * @return empty if it is more; then nothing has been computed but the graph
   * @throws IllegalStateException inside of a transform, where nothing can be computed ahead
   */
  public static <A, B> Optional<Precomputed<A, B>> of(Function<A, B> f, A like, long mostBytes) {
    Trace outer = Trace.current();
    if (outer != null) {
      throw new IllegalStateException(
          "Precomputed.of: called inside of "
              + outer.transform()
              + ", where there are no values yet; call it outside, and apply its result inside");
    }
    Tree<A> tree = Tree.of("like", like);
    List<Tensor> leaves = tree.leaves(like);
    AtomicReference<Tree<B>> result = new AtomicReference<>();
    AtomicReference<Partial> split = new AtomicReference<>();
    Device device = Transform.device(leaves);
    Trace.run(
        "Precomputed.of",
        device,
        () -> {
          List<Node> inputs = leaves.stream().map(t -> t.node().placeholder()).toList();
          List<Node> outputs = Transform.call(f, tree, inputs, result);
          split.set(Partial.of(inputs, outputs));
          return outputs;
        });
    Partial partial = split.get();
    if (partial.bytes() > mostBytes) {
      return Optional.empty();
    }
    List<Tensor> known =
        partial.known().isEmpty()
            ? List.of()
            : Hesse.evaluate(
                read -> Backends.reading("Precomputed.of", device, read), partial.known());
    return Optional.of(new Precomputed<>(tree, leaves, result.get(), partial, known));
  }

  /** Memory that is held for what has been computed, in bytes. */
  public long bytes() {
    return partial.bytes();
  }

  /**
   * The function's value.
   *
   * @throws IllegalArgumentException if structure, a shape or a dtype is not that of {@code like}
   */
  @Override
  public B apply(A x) {
    List<Tensor> leaves = tree.leaves("x", x);
    for (int i = 0; i < leaves.size(); i++) {
      Transform.requireLike("x", tree.paths().get(i), leaves.get(i), like.get(i).node());
    }
    return result.rebuild(
        Transform.run(
            "Precomputed",
            leaves,
            () ->
                new ArrayList<>(
                    partial.complete(Transform.nodes(leaves), Transform.nodes(known)))));
  }
}
