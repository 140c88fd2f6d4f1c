package org.hesse;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.diff.Batching;
import org.hesse.diff.Jvp;
import org.hesse.diff.Linearization;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Derivatives written out. The function is traced once; its linear part is mapped over basis
 * vectors, which leaves the rest, computed once, unbatched.
 */
final class Jacobians {
  /** How the blocks are found. */
  enum Mode {
    /** One tangent for each number of the argument. */
    FORWARD,
    /** One cotangent for each number of the result. */
    REVERSE,
    /** Whichever takes fewer vectors. */
    CHEAPER
  }

  private Jacobians() {}

  static <A, B> Jacobian<A, B> of(String transform, Mode mode, Function<A, B> f, A x) {
    Tree<A> in = Tree.of("x", x);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Shape> outShapes = new ArrayList<>();
    List<Tensor> blocks =
        Transform.run(
            transform,
            in.leaves(x),
            () -> {
              List<Node> inputs = Transform.freshCopies(in.leaves(x));
              Transform.requireReal("x", in, inputs);
              List<Node> values = Transform.call(f, in, inputs, out);
              Transform.requireReal("f: result", out.get(), values);
              requireSome(transform, inputs, values);
              values.forEach(v -> outShapes.add(v.shape()));
              boolean forward =
                  mode == Mode.FORWARD || mode == Mode.CHEAPER && count(inputs) <= count(values);
              return forward ? columns(inputs, values) : rows(inputs, values);
            });
    List<Shape> inShapes = in.leaves(x).stream().map(Tensor::shape).toList();
    return new Jacobian<>(in, out.get(), inShapes, outShapes, blocks);
  }

  /** The Hessian: forward mode over the gradient. */
  static <A> Jacobian<A, A> hessian(Function<A, Tensor> f, A x) {
    Function<A, Tensor> scalar = z -> Transform.scalar("hessian", f, z);
    return of("hessian", Mode.FORWARD, Autodiff.grad(scalar), x);
  }

  private static void requireSome(String transform, List<Node> inputs, List<Node> values) {
    if (inputs.isEmpty() || values.isEmpty()) {
      throw new IllegalArgumentException(
          transform
              + ": "
              + (inputs.isEmpty() ? "x" : "the result of f")
              + " has no tensor, so there is no derivative to write out");
    }
  }

  private static long count(List<Node> nodes) {
    return nodes.stream().mapToLong(n -> n.shape().size()).sum();
  }

  /** Forward mode, one tensor of the argument at a time. */
  private static List<Node> columns(List<Node> inputs, List<Node> values) {
    Node[] blocks = new Node[inputs.size() * values.size()];
    for (int i = 0; i < inputs.size(); i++) {
      Node x = inputs.get(i);
      Node t = x.placeholder();
      List<@Nullable Node> mapped = mapBasis(Jvp.push(values, Map.of(x, t)), t);
      for (int o = 0; o < values.size(); o++) {
        Node y = values.get(o);
        Node b = mapped.get(o);
        blocks[o * inputs.size() + i] =
            b == null
                ? Sources.full(0, blockShape(y, x), y.dtype())
                : Shapes.reshape(lastAxis(b), blockShape(y, x));
      }
    }
    return List.of(blocks);
  }

  /** Reverse mode, one tensor of the result at a time. */
  private static List<Node> rows(List<Node> inputs, List<Node> values) {
    Linearization linear = Linearization.of(values, inputs);
    List<Node> blocks = new ArrayList<>();
    for (int o = 0; o < values.size(); o++) {
      Node y = values.get(o);
      Node ct = y.placeholder();
      List<@Nullable Node> only = new ArrayList<>();
      for (int k = 0; k < values.size(); k++) {
        only.add(k == o ? ct : null);
      }
      List<@Nullable Node> mapped = mapBasis(linear.pull(only), ct);
      for (int i = 0; i < inputs.size(); i++) {
        Shape shape = blockShape(y, inputs.get(i));
        Node b = mapped.get(i);
        blocks.add(
            b == null
                ? Sources.full(0, shape, y.dtype())
                : Elementwise.cast(Shapes.reshape(b, shape), y.dtype()));
      }
    }
    return blocks;
  }

  /** [out…, in…]. */
  private static Shape blockShape(Node y, Node x) {
    Axes dims = Axes.of(y.shape().dims()).then(Axes.of(x.shape().dims()));
    return Shape.of(dims.toArray());
  }

  private static Node lastAxis(Node n) {
    return Shapes.moveAxis(n, 0, n.shape().rank() - 1);
  }

  /** Linear outputs for every basis vector of their input, on an axis in front; null is zero. */
  private static List<@Nullable Node> mapBasis(List<@Nullable Node> outputs, Node input) {
    Map<Integer, Node> present = new HashMap<>();
    for (int i = 0; i < outputs.size(); i++) {
      Node out = outputs.get(i);
      if (out != null && out.shape().size() != 0 && input.shape().size() != 0) {
        present.put(i, out);
      }
    }
    List<Integer> order = List.copyOf(present.keySet());
    List<Node> wanted = order.stream().map(present::get).toList();
    int size = Math.toIntExact(input.shape().size());
    List<@Nullable Node> found = Batching.push(wanted, Map.of(input, basis(input, size)), size);
    List<@Nullable Node> mapped = new ArrayList<>(outputs);
    for (int i = 0; i < mapped.size(); i++) {
      int at = order.indexOf(i);
      mapped.set(i, at < 0 ? null : found.get(at));
    }
    return mapped;
  }

  /** Every vector of the standard basis, [size, shape…]. */
  private static Node basis(Node like, int size) {
    Shape square = Shape.of(size, size);
    Node diagonal =
        Elementwise.compare(CompareKind.EQ, Sources.iota(square, 0), Sources.iota(square, 1));
    Node identity = Elementwise.cast(diagonal, like.dtype());
    return Shapes.reshape(identity, like.shape().insert(0, size));
  }
}
